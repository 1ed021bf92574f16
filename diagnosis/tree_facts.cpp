#include "diagnosis/tree_facts.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace diagnosis {
namespace {

using nlohmann::json;
using Index = TreeFacts::Index;

// Raised whenever read_facts() finds out something else.
constexpr int version = 1;

/// A map of facts as a list of [index, ...fields]: names would be most of the bytes.
template <typename Fact, typename ToFields>
json rows(const std::map<Index, Fact>& facts, ToFields to_fields) {
  json list = json::array();
  for (const auto& [index, fact] : facts) list.push_back(json::array({index, to_fields(fact)}));
  return list;
}

template <typename Fact, typename FromFields>
std::map<Index, Fact> facts_of(const json& list, std::size_t entries, FromFields from_fields) {
  std::map<Index, Fact> facts;
  for (const json& row : list)
    if (const Index index = row.at(0).get<Index>(); index < entries)
      facts.emplace_hint(facts.end(), index, from_fields(row.at(1)));
  return facts;
}

std::vector<Index> indices_of(const json& list, std::size_t entries) {
  std::vector<Index> indices;
  for (const json& index : list)
    if (index.get<Index>() < entries) indices.push_back(index.get<Index>());
  return indices;
}

json to_fields(const ElfFile& elf) {
  json needed_versions = json::array();
  for (const ElfFile::NeededVersion& needed : elf.needed_versions)
    needed_versions.push_back({needed.library, needed.version, needed.weak});
  return {static_cast<int>(elf.kind),
          elf.architecture,
          elf.has_dynamic_section,
          elf.interpreter,
          elf.soname,
          elf.needed,
          elf.run_path,
          needed_versions,
          elf.defined_versions,
          elf.run_path_is_rpath};
}

ElfFile elf_from(const json& fields) {
  ElfFile elf;
  elf.kind = static_cast<ElfFile::Kind>(fields.at(0).get<int>());
  elf.architecture = fields.at(1).get<std::string>();
  elf.has_dynamic_section = fields.at(2).get<bool>();
  elf.interpreter = fields.at(3).get<std::string>();
  elf.soname = fields.at(4).get<std::string>();
  elf.needed = fields.at(5).get<std::vector<std::string>>();
  elf.run_path = fields.at(6).get<std::string>();
  for (const json& needed : fields.at(7))
    elf.needed_versions.push_back({needed.at(0).get<std::string>(), needed.at(1).get<std::string>(),
                                   needed.at(2).get<bool>()});
  elf.defined_versions = fields.at(8).get<std::vector<std::string>>();
  elf.run_path_is_rpath = fields.at(9).get<bool>();
  return elf;
}

json to_fields(const PythonDistribution& distribution) {
  return {distribution.name,          distribution.version,
          distribution.requires_dist, distribution.requires_python,
          distribution.files,         distribution.top_level,
          distribution.entry_points};
}

PythonDistribution distribution_from(const json& fields) {
  return {.name = fields.at(0).get<std::string>(),
          .version = fields.at(1).get<std::string>(),
          .requires_dist = fields.at(2).get<std::vector<std::string>>(),
          .requires_python = fields.at(3).get<std::string>(),
          .files = fields.at(4).get<std::vector<std::string>>(),
          .top_level = fields.at(5).get<std::vector<std::string>>(),
          .entry_points = fields.at(6).get<std::string>()};
}

json to_fields(const BytecodeFact& fact) {
  return {static_cast<int>(fact.check), fact.source_mtime, fact.source_size};
}

BytecodeFact bytecode_from(const json& fields) {
  return {.check = static_cast<BytecodeFact::Check>(fields.at(0).get<int>()),
          .source_mtime = fields.at(1).get<std::uint32_t>(),
          .source_size = fields.at(2).get<std::uint32_t>()};
}

json to_fields(const ScriptFact& script) {
  return {script.interpreter_line, script.carriage_return};
}

ScriptFact script_from(const json& fields) {
  return {fields.at(0).get<std::string>(), fields.at(1).get<bool>()};
}

json to_fields(const NamedVersion& named) {
  return {named.name, named.version};
}

NamedVersion named_from(const json& fields) {
  return {fields.at(0).get<std::string>(), fields.at(1).get<std::string>()};
}

json::binary_t digests_of(const TreeFacts& facts) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(facts.digests.size() * std::tuple_size_v<base::Digest::Bytes>);
  for (const base::Digest& digest : facts.digests)
    bytes.insert(bytes.end(), digest.bytes().begin(), digest.bytes().end());
  return json::binary_t(std::move(bytes));
}

std::vector<base::Digest> digests_from(const json::binary_t& bytes) {
  constexpr std::size_t size = std::tuple_size_v<base::Digest::Bytes>;
  std::vector<base::Digest> digests;
  digests.reserve(bytes.size() / size);
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    base::Digest::Bytes digest;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, digest.begin());
    digests.emplace_back(digest);
  }
  return digests;
}

}  // namespace

std::string to_bytes(const TreeFacts& facts) {
  const auto plain = [](const auto& fact) { return json(fact); };
  const auto fields = [](const auto& fact) { return to_fields(fact); };
  const json document = {{"version", version},
                         {"digests", json(digests_of(facts))},
                         {"elf", rows(facts.elf_files, fields)},
                         {"scripts", rows(facts.scripts, fields)},
                         {"bytecode", rows(facts.bytecode, fields)},
                         {"distributions", rows(facts.distributions, fields)},
                         {"package_json", rows(facts.package_json, plain)},
                         {"path_files", rows(facts.path_files, plain)},
                         {"legacy_namespaces", facts.legacy_namespaces},
                         {"metadata_users", facts.metadata_users},
                         {"six", rows(facts.six_versions, plain)},
                         {"gems", rows(facts.gems, fields)},
                         {"jars", rows(facts.jars, fields)}};
  std::string bytes;
  json::to_cbor(document, bytes);
  return bytes;
}

std::optional<TreeFacts> facts_from_bytes(std::string_view bytes, std::size_t entries) try {
  if (bytes.empty()) return std::nullopt;
  const json document = json::from_cbor(bytes);
  if (document.at("version").get<int>() != version) return std::nullopt;
  const auto text = [](const json& fact) { return fact.get<std::string>(); };
  TreeFacts facts;
  facts.digests = digests_from(document.at("digests").get_binary());
  if (facts.digests.size() != entries) return std::nullopt;
  facts.elf_files = facts_of<ElfFile>(document.at("elf"), entries, elf_from);
  facts.scripts = facts_of<ScriptFact>(document.at("scripts"), entries, script_from);
  facts.bytecode = facts_of<BytecodeFact>(document.at("bytecode"), entries, bytecode_from);
  facts.distributions =
      facts_of<PythonDistribution>(document.at("distributions"), entries, distribution_from);
  facts.package_json = facts_of<std::string>(document.at("package_json"), entries, text);
  facts.path_files = facts_of<std::vector<std::string>>(
      document.at("path_files"), entries,
      [](const json& fact) { return fact.get<std::vector<std::string>>(); });
  facts.legacy_namespaces = indices_of(document.at("legacy_namespaces"), entries);
  facts.metadata_users = indices_of(document.at("metadata_users"), entries);
  facts.six_versions = facts_of<std::string>(document.at("six"), entries, text);
  facts.gems = facts_of<NamedVersion>(document.at("gems"), entries, named_from);
  facts.jars = facts_of<NamedVersion>(document.at("jars"), entries, named_from);
  return facts;
} catch (const json::exception&) {
  return std::nullopt;
}

}  // namespace diagnosis
