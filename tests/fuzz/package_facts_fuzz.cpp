// Any bytes as what a package says of itself. The first one tells what they are read as.
#include "diagnosis/elf_file.hpp"
#include "diagnosis/jar_manifest.hpp"
#include "diagnosis/npm_version.hpp"
#include "diagnosis/package_json.hpp"
#include "diagnosis/python_distribution.hpp"
#include "diagnosis/python_requirement.hpp"
#include "diagnosis/tree_facts.hpp"
#include "layers/byte_source.hpp"
#include "tests/support/memory_files.hpp"
#include "tests/support/sealed_facts.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

/// Up to the separator; the rest stays.
std::string_view take(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

void read_metadata(std::string_view text) {
  const std::string folder = "/opt/python/x-1.dist-info";
  test_support::MemoryFiles files;
  files.directory(folder).file("/opt/python/x.py").file("/opt/python/x/y.py");
  for (const char* name :
       {"METADATA", "RECORD", "requires.txt", "top_level.txt", "entry_points.txt", "SOURCES.txt"})
    if (const std::string_view part = take(text, '\x1e'); !part.empty())
      files.file(folder + "/" + name, std::string(part));
  const auto distribution = diagnosis::read_distribution(files, folder);
  must(distribution && !distribution->name.empty());
  for (const std::string& file : distribution->files)
    must(!file.empty() && file.front() != '/' && ("/" + file + "/").find("/../") == file.npos);
  for (const std::string& name : distribution->top_level) must(name.find('/') == name.npos);
  for (const std::string& requirement : distribution->requires_dist)
    if (const auto parsed = diagnosis::PythonRequirement::parse(requirement))
      static_cast<void>(parsed->applies({"3.12", "x86_64"}));
  static_cast<void>(diagnosis::version_of_module(files, "/opt/python", "x"));
}

void read_package_json(std::string_view text) {
  const std::string kept = diagnosis::package_json_facts(text);
  // What is kept is kept the same once more.
  must(kept.empty() || diagnosis::package_json_facts(kept) == kept);
  test_support::MemoryFiles files;
  files.file("/x/package.json", std::string(text));
  static_cast<void>(diagnosis::read_package_json(files, "/x"));
}

void read_facts(std::string_view text) {
  constexpr std::size_t entries = 4;
  static_cast<void>(diagnosis::facts_from_bytes(text, entries));
  const auto facts =
      diagnosis::facts_from_bytes(test_support::sealed_again(std::string(text)), entries);
  if (!facts) return;
  must(facts->digests.size() == entries);
  for (const auto& [index, elf] : facts->elf_files) must(index < entries);
  for (const auto& [index, distribution] : facts->distributions) must(index < entries);
  for (const auto index : facts->legacy_namespaces) must(index < entries);
  must(diagnosis::facts_from_bytes(diagnosis::to_bytes(*facts), entries).has_value());
}

void read_versions(std::string_view text) {
  const std::string_view range = take(text, '\n');
  const auto parsed = diagnosis::NpmRange::parse(range);
  const auto version = diagnosis::NpmVersion::parse(text);
  if (parsed && version) static_cast<void>(parsed->contains(*version));
}

void read_requirement(std::string_view text) {
  const auto requirement = diagnosis::PythonRequirement::parse(take(text, '\n'));
  const auto version = diagnosis::PythonVersion::parse(text);
  if (!requirement) return;
  static_cast<void>(requirement->applies({"3.9", "aarch64"}));
  if (version) static_cast<void>(requirement->specifiers.contains(*version));
}

void read_jar(std::string_view text) {
  const std::string_view manifest = text;
  static_cast<void>(diagnosis::read_jar(layers::MemorySource(text.data(), text.size()), "x-1.jar"));
  const std::string value = diagnosis::manifest_attribute(manifest, "Implementation-Version");
  must(value.size() <= manifest.size());
}

void read_elf(std::string_view text) {
  const auto elf = diagnosis::read_elf(text);
  if (!elf) return;
  for (std::size_t i = 1; i < elf->defined_versions.size(); ++i)
    must(elf->defined_versions[i - 1] < elf->defined_versions[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::array readers = {read_metadata,    read_package_json, read_elf,  read_jar,
                                  read_requirement, read_versions,     read_facts};
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  readers[bytes[0] % readers.size()](text);
  return 0;
}
