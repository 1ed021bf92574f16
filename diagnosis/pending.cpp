// Stand-ins until the real ones are merged; weak, so that those win.
#include "diagnosis/elf_file.hpp"
#include "diagnosis/library_search.hpp"
#include "diagnosis/node_search.hpp"

namespace diagnosis {
#define PENDING __attribute__((weak))
PENDING Resolution resolve_node(const FileView&, const NodeSearch&, NodeImport, std::string_view,
                                std::string_view) {
  return {};
}
PENDING Resolution resolve_program(const FileView&, std::string_view, std::string_view) {
  return {};
}
PENDING Resolution resolve_library(const FileView&, const LibrarySearch&, std::string_view) {
  return {};
}
}  // namespace diagnosis
namespace diagnosis {
}  // namespace diagnosis
namespace diagnosis {
PENDING std::optional<ElfFile> read_elf(int) {
  return {};
}
}  // namespace diagnosis
