#pragma once

#include "base/result.hpp"
#include "base/sha256.hpp"
#include "diagnosis/elf_file.hpp"
#include "diagnosis/python_distribution.hpp"
#include "layers/tree_listing.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// A file that names its interpreter.
struct ScriptFact {
  /// What stands after "#!", without the line end.
  std::string interpreter_line;
  /// The line ends with CR LF: the kernel takes the CR for a part of the name.
  bool carriage_return = false;
};

/// The head of a .pyc (PEP 552).
struct BytecodeFact {
  /// Checked against the source by mtime and size, which is the rule; by hash, or not at all.
  enum class Check { by_time, by_hash, never };
  Check check = Check::by_time;
  std::uint32_t source_mtime = 0;
  std::uint32_t source_size = 0;
};

/// A version found in a file name or a manifest: a gem, a jar.
struct NamedVersion {
  std::string name;
  std::string version;
};

/// What the contents of a tree's files say, read once and kept. Keys are indices into the tree's
/// listing. A value; knows nothing of layers or their order.
struct TreeFacts {
  using Index = std::uint32_t;

  /// SHA-256 of each file's content, by index into the listing; zero for what is no file, and for
  /// files that could not be read.
  std::vector<base::Digest> digests;
  std::map<Index, ElfFile> elf_files;
  std::map<Index, ScriptFact> scripts;
  std::map<Index, BytecodeFact> bytecode;
  /// By the metadata folder or file.
  std::map<Index, PythonDistribution> distributions;
  /// The parts of a package.json that matter, as JSON text: name, version, type, dependencies.
  std::map<Index, std::string> package_json;
  /// Lines of .pth files that are neither blank nor comments.
  std::map<Index, std::vector<std::string>> path_files;
  /// __init__.py files that make a namespace package the old way.
  std::vector<Index> legacy_namespaces;
  /// Python files that ask for the metadata or entry points of installed distributions.
  std::vector<Index> metadata_users;
  /// Files of the module `six`, with their version.
  std::map<Index, std::string> six_versions;
  std::map<Index, NamedVersion> gems;
  std::map<Index, NamedVersion> jars;
};

/// Reads every file of the tree, on all cores. `listing` is what is there; a file that is gone or
/// cannot be read has no facts.
TreeFacts read_facts(const std::filesystem::path& tree, const layers::TreeListing& listing);

/// What TreeFacts::package_json holds of a package.json; empty when it is none.
std::string package_json_facts(std::string_view text);

/// The bytes kept beside a tree and their way back; nothing when they are of another version or
/// damaged.
std::string to_bytes(const TreeFacts& facts);
std::optional<TreeFacts> facts_from_bytes(std::string_view bytes, std::size_t entries);

}  // namespace diagnosis
