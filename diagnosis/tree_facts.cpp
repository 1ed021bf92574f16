#include "diagnosis/tree_facts.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace diagnosis {
namespace {

using Index = TreeFacts::Index;

// The number is raised whenever read_facts() finds out something else.
constexpr std::string_view format_line = "lamina-facts 2\n";

/// Of bytes damaged by accident, not on purpose.
std::uint64_t checksum(std::string_view bytes) {
  constexpr std::uint64_t prime = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t sum = bytes.size();
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), size);
    bytes.remove_prefix(size);
    sum = (sum ^ word) * prime;
    sum ^= sum >> 32;
  }
  return sum;
}

/// Fixed-size numbers in the machine's byte order: the bytes never leave it.
class Writer {
 public:
  template <typename Number>
  void number(Number value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
  void raw(std::string_view text) { bytes_.append(text); }

  void add(bool value) { number(static_cast<std::uint8_t>(value)); }
  void add(std::uint32_t value) { number(value); }
  void add(const std::string& text) {
    count(text.size());
    raw(text);
  }
  template <typename Value>
  void add(const std::vector<Value>& values) {
    count(values.size());
    for (const Value& value : values) add(value);
  }
  template <typename Fact>
  void add(const std::map<Index, Fact>& facts) {
    count(facts.size());
    for (const auto& [index, fact] : facts) {
      add(index);
      add(fact);
    }
  }
  void add(const ElfFile::NeededVersion& needed) {
    add(needed.library);
    add(needed.version);
    add(needed.weak);
  }
  void add(const ElfFile& elf) {
    add(static_cast<std::uint32_t>(elf.kind));
    add(elf.architecture);
    add(elf.has_dynamic_section);
    add(elf.interpreter);
    add(elf.soname);
    add(elf.needed);
    add(elf.run_path);
    add(elf.run_path_is_rpath);
    add(elf.needed_versions);
    add(elf.defined_versions);
  }
  void add(const ScriptFact& script) {
    add(script.interpreter_line);
    add(script.carriage_return);
  }
  void add(const BytecodeFact& bytecode) {
    add(static_cast<std::uint32_t>(bytecode.check));
    add(bytecode.source_mtime);
    add(bytecode.source_size);
  }
  void add(const PythonDistribution& distribution) {
    add(distribution.name);
    add(distribution.version);
    add(distribution.requires_dist);
    add(distribution.requires_python);
    add(distribution.files);
    add(distribution.top_level);
    add(distribution.entry_points);
  }
  void add(const NamedVersion& named) {
    add(named.name);
    add(named.version);
  }

  std::string finish() {
    number(checksum(bytes_));
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

/// The way back. Once something is wrong everything else is empty, and good() says so.
class Reader {
 public:
  Reader(std::string_view bytes, std::size_t entries) : bytes_(bytes), entries_(entries) {}

  bool good() const { return good_; }
  bool at_end() const { return good_ && bytes_.empty(); }

  std::string_view raw(std::size_t size) {
    if (bytes_.size() < size) good_ = false;
    if (!good_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  template <typename Number>
  Number number() {
    Number value{};
    if (const std::string_view taken = raw(sizeof value); good_)
      std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  /// Of things that take at least one byte each, so that no count asks for more than there is.
  std::size_t count() {
    const auto value = number<std::uint32_t>();
    if (value > bytes_.size()) good_ = false;
    return good_ ? value : 0;
  }

  void take(bool& value) { value = number<std::uint8_t>() != 0; }
  void take(std::uint32_t& value) { value = number<std::uint32_t>(); }
  void take(std::string& text) { text = raw(count()); }
  template <typename Value>
  void take(std::vector<Value>& values) {
    const std::size_t size = count();
    for (std::size_t i = 0; i < size && good_; ++i) take(values.emplace_back());
  }
  /// Indices of the listing in rising order; others are damage.
  void take_indices(std::vector<Index>& indices) {
    take(indices);
    for (const Index index : indices) check(index);
    last_.reset();
  }
  template <typename Fact>
  void take(std::map<Index, Fact>& facts) {
    const std::size_t size = count();
    for (std::size_t i = 0; i < size && good_; ++i) {
      const auto index = number<Index>();
      check(index);
      take(facts.emplace_hint(facts.end(), index, Fact())->second);
    }
    last_.reset();
  }
  void take(ElfFile::NeededVersion& needed) {
    take(needed.library);
    take(needed.version);
    take(needed.weak);
  }
  void take(ElfFile& elf) {
    take(elf.kind, ElfFile::Kind::other);
    take(elf.architecture);
    take(elf.has_dynamic_section);
    take(elf.interpreter);
    take(elf.soname);
    take(elf.needed);
    take(elf.run_path);
    take(elf.run_path_is_rpath);
    take(elf.needed_versions);
    take(elf.defined_versions);
  }
  void take(ScriptFact& script) {
    take(script.interpreter_line);
    take(script.carriage_return);
  }
  void take(BytecodeFact& bytecode) {
    take(bytecode.check, BytecodeFact::Check::never);
    take(bytecode.source_mtime);
    take(bytecode.source_size);
  }
  void take(PythonDistribution& distribution) {
    take(distribution.name);
    take(distribution.version);
    take(distribution.requires_dist);
    take(distribution.requires_python);
    take(distribution.files);
    take(distribution.top_level);
    take(distribution.entry_points);
  }
  void take(NamedVersion& named) {
    take(named.name);
    take(named.version);
  }

 private:
  template <typename Enumerator>
  void take(Enumerator& value, Enumerator last) {
    const auto number_of_it = number<std::uint32_t>();
    if (number_of_it > static_cast<std::uint32_t>(last)) good_ = false;
    value = good_ ? static_cast<Enumerator>(number_of_it) : last;
  }
  void check(Index index) {
    if (index >= entries_ || (last_ && index <= *last_)) good_ = false;
    last_ = index;
  }

  std::string_view bytes_;
  std::size_t entries_;
  bool good_ = true;
  std::optional<Index> last_;
};

}  // namespace

std::string to_bytes(const TreeFacts& facts) {
  Writer writer;
  writer.raw(format_line);
  writer.count(facts.digests.size());
  for (const base::Digest& digest : facts.digests)
    writer.raw({reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()});
  writer.add(facts.elf_files);
  writer.add(facts.scripts);
  writer.add(facts.bytecode);
  writer.add(facts.distributions);
  writer.add(facts.package_json);
  writer.add(facts.path_files);
  writer.add(facts.legacy_namespaces);
  writer.add(facts.metadata_users);
  writer.add(facts.six_versions);
  writer.add(facts.gems);
  writer.add(facts.jars);
  return writer.finish();
}

std::optional<TreeFacts> facts_from_bytes(std::string_view bytes, std::size_t entries) {
  constexpr std::size_t sum_size = sizeof(std::uint64_t);
  if (!bytes.starts_with(format_line) || bytes.size() < format_line.size() + sum_size)
    return std::nullopt;
  std::uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - sum_size, sum_size);
  bytes.remove_suffix(sum_size);
  if (sum != checksum(bytes)) return std::nullopt;
  Reader reader(bytes.substr(format_line.size()), entries);
  if (reader.count() != entries) return std::nullopt;
  TreeFacts facts;
  facts.digests.reserve(entries);
  for (std::size_t i = 0; i < entries && reader.good(); ++i)
    facts.digests.emplace_back(reader.number<base::Digest::Bytes>());
  reader.take(facts.elf_files);
  reader.take(facts.scripts);
  reader.take(facts.bytecode);
  reader.take(facts.distributions);
  reader.take(facts.package_json);
  reader.take(facts.path_files);
  reader.take_indices(facts.legacy_namespaces);
  reader.take_indices(facts.metadata_users);
  reader.take(facts.six_versions);
  reader.take(facts.gems);
  reader.take(facts.jars);
  if (!reader.at_end()) return std::nullopt;
  return facts;
}

}  // namespace diagnosis
