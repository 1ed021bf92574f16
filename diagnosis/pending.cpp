// Stand-ins until the real ones are merged; weak, so that those win.
#include "diagnosis/elf_file.hpp"
#include "diagnosis/library_search.hpp"
#include "diagnosis/python_distribution.hpp"
#include "diagnosis/python_search.hpp"

namespace diagnosis {
#define PENDING __attribute__((weak))
PENDING Resolution resolve_python(const FileView&, const PythonSearch&, std::string_view) {
  return {};
}
PENDING Resolution resolve_program(const FileView&, std::string_view, std::string_view) {
  return {};
}
PENDING Resolution resolve_library(const FileView&, const LibrarySearch&, std::string_view) {
  return {};
}
PENDING std::string version_of_module(const FileView&, const std::string&, std::string_view) {
  return {};
}
}  // namespace diagnosis
namespace diagnosis {
PENDING std::optional<PythonDistribution> read_distribution(const FileView&, const std::string&) {
  return {};
}
PENDING bool is_metadata_name(std::string_view) {
  return false;
}
PENDING std::string normalised_project_name(std::string_view n) {
  return std::string(n);
}
}  // namespace diagnosis
namespace diagnosis {
PENDING std::optional<ElfFile> read_elf(int) {
  return {};
}
}  // namespace diagnosis
