#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test_support {

/// Writes the smallest ELF files that say something to a loader, without code and section headers:
///
///   ElfBuilder().soname("libx.so.1").needs("libc.so.6").needs_version("libc.so.6", "GLIBC_2.28")
///
/// By default a shared library of x86_64. needs_version() does not imply needs().
class ElfBuilder {
 public:
  /// EM_X86_64, EM_AARCH64 and the like.
  ElfBuilder& machine(unsigned machine) { return set(machine_, machine); }
  /// ET_DYN, ET_EXEC, ET_REL.
  ElfBuilder& type(unsigned type) { return set(type_, type); }
  ElfBuilder& narrow() { return set(wide_, false); }
  ElfBuilder& big_endian() { return set(big_endian_, true); }

  ElfBuilder& interpreter(std::string path) { return set(interpreter_, std::move(path)); }
  /// DF_1_PIE.
  ElfBuilder& pie() { return set(pie_, true); }
  ElfBuilder& soname(std::string_view name) { return tag(DT_SONAME, string(name)); }
  ElfBuilder& needs(std::string_view library) { return tag(DT_NEEDED, string(library)); }
  ElfBuilder& run_path(std::string_view path) { return tag(DT_RUNPATH, string(path)); }
  ElfBuilder& rpath(std::string_view path) { return tag(DT_RPATH, string(path)); }
  ElfBuilder& needs_version(std::string_view library, std::string_view version) {
    return need(library, version, 0);
  }
  ElfBuilder& needs_version_weakly(std::string_view library, std::string_view version) {
    return need(library, version, VER_FLG_WEAK);
  }
  ElfBuilder& defines_version(std::string_view version) {
    if (definitions_.empty()) definitions_.push_back({string("itself"), VER_FLG_BASE});
    definitions_.push_back({string(version), 0});
    return *this;
  }
  /// Any other dynamic entry.
  ElfBuilder& tag(std::uint64_t tag, std::uint64_t value) {
    tags_.push_back({tag, value});
    return *this;
  }

  /// One segment holds the whole file, loaded at an address that is no offset.
  std::string build() const {
    const std::uint64_t header_size = wide_ ? 64 : 52;
    const std::uint64_t segment_size = wide_ ? 56 : 32;
    const std::uint64_t segments = interpreter_.empty() ? 2 : 3;
    const std::uint64_t dynamic = header_size + segments * segment_size;
    const std::string needs = need_table();
    const std::string definitions = definition_table();
    const std::uint64_t tags =
        tags_.size() + 3 + (pie_ ? 1 : 0) + (needs.empty() ? 0 : 2) + (definitions.empty() ? 0 : 2);
    const std::uint64_t dynamic_size = tags * (wide_ ? 16 : 8);
    const std::uint64_t need_place = dynamic + dynamic_size;
    const std::uint64_t definition_place = need_place + needs.size();
    const std::uint64_t interpreter_place = definition_place + definitions.size();
    const std::uint64_t string_place = interpreter_place + interpreter_.size() + 1;
    const std::uint64_t size = string_place + strings_.size();

    std::string file =
        "\x7f"
        "ELF";
    file += static_cast<char>(wide_ ? ELFCLASS64 : ELFCLASS32);
    file += static_cast<char>(big_endian_ ? ELFDATA2MSB : ELFDATA2LSB);
    file += static_cast<char>(EV_CURRENT);
    file.resize(EI_NIDENT);
    append(file, type_, 2);
    append(file, machine_, 2);
    append(file, EV_CURRENT, 4);
    append_address(file, 0);
    append_address(file, header_size);
    append_address(file, 0);
    append(file, 0, 4);
    append(file, header_size, 2);
    append(file, segment_size, 2);
    append(file, segments, 2);
    append(file, 0, 6);
    append_segment(file, PT_LOAD, 0, size);
    append_segment(file, PT_DYNAMIC, dynamic, dynamic_size);
    if (!interpreter_.empty())
      append_segment(file, PT_INTERP, interpreter_place, interpreter_.size() + 1);

    for (const auto& [tag, value] : tags_) append_tag(file, tag, value);
    append_tag(file, DT_STRTAB, loaded_at + string_place);
    append_tag(file, DT_STRSZ, strings_.size());
    if (pie_) append_tag(file, DT_FLAGS_1, DF_1_PIE);
    if (!needs.empty()) {
      append_tag(file, DT_VERNEED, loaded_at + need_place);
      append_tag(file, DT_VERNEEDNUM, needs_.size());
    }
    if (!definitions.empty()) {
      append_tag(file, DT_VERDEF, loaded_at + definition_place);
      append_tag(file, DT_VERDEFNUM, definitions_.size());
    }
    append_tag(file, DT_NULL, 0);
    return file + needs + definitions + interpreter_ + '\0' + strings_;
  }

 private:
  static constexpr std::uint64_t loaded_at = 0x40'0000;

  struct Version {
    std::uint32_t name;
    unsigned flags;
  };
  struct Need {
    std::string library;
    std::uint32_t name;
    std::vector<Version> versions;
  };

  template <typename Value>
  ElfBuilder& set(Value& field, Value value) {
    field = std::move(value);
    return *this;
  }

  /// The place of the text in the string table.
  std::uint32_t string(std::string_view text) {
    const auto place = static_cast<std::uint32_t>(strings_.size());
    strings_.append(text).append(1, '\0');
    return place;
  }

  ElfBuilder& need(std::string_view library, std::string_view version, unsigned flags) {
    if (needs_.empty() || needs_.back().library != library)
      needs_.push_back({std::string(library), string(library), {}});
    needs_.back().versions.push_back({string(version), flags});
    return *this;
  }

  std::string need_table() const {
    std::string table;
    for (const Need& need : needs_) {
      const std::size_t size = 16 * (1 + need.versions.size());
      append(table, VER_NEED_CURRENT, 2);
      append(table, need.versions.size(), 2);
      append(table, need.name, 4);
      append(table, 16, 4);
      append(table, &need == &needs_.back() ? 0 : size, 4);
      for (const Version& version : need.versions) {
        append(table, 0, 4);
        append(table, version.flags, 2);
        append(table, 0, 2);
        append(table, version.name, 4);
        append(table, &version == &need.versions.back() ? 0 : 16, 4);
      }
    }
    return table;
  }

  std::string definition_table() const {
    std::string table;
    std::size_t index = 1;
    for (const Version& version : definitions_) {
      append(table, VER_DEF_CURRENT, 2);
      append(table, version.flags, 2);
      append(table, index++, 2);
      append(table, 1, 2);
      append(table, 0, 4);
      append(table, 20, 4);
      append(table, &version == &definitions_.back() ? 0 : 28, 4);
      append(table, version.name, 4);
      append(table, 0, 4);
    }
    return table;
  }

  void append(std::string& bytes, std::uint64_t value, unsigned size) const {
    for (unsigned i = 0; i < size; ++i) {
      const unsigned place = big_endian_ ? size - 1 - i : i;
      bytes += static_cast<char>(place < 8 ? value >> (8 * place) & 0xff : 0);
    }
  }
  void append_address(std::string& bytes, std::uint64_t value) const {
    append(bytes, value, wide_ ? 8 : 4);
  }
  void append_tag(std::string& bytes, std::uint64_t tag, std::uint64_t value) const {
    append_address(bytes, tag);
    append_address(bytes, value);
  }
  void append_segment(std::string& bytes, unsigned kind, std::uint64_t offset,
                      std::uint64_t size) const {
    append(bytes, kind, 4);
    if (wide_) append(bytes, PF_R, 4);
    append_address(bytes, offset);
    append_address(bytes, loaded_at + offset);
    append_address(bytes, loaded_at + offset);
    append_address(bytes, size);
    append_address(bytes, size);
    if (!wide_) append(bytes, PF_R, 4);
    append_address(bytes, 1);
  }

  unsigned machine_ = EM_X86_64;
  unsigned type_ = ET_DYN;
  bool wide_ = true;
  bool big_endian_ = false;
  bool pie_ = false;
  std::string interpreter_;
  std::string strings_ = std::string(1, '\0');
  std::vector<std::pair<std::uint64_t, std::uint64_t>> tags_;
  std::vector<Need> needs_;
  std::vector<Version> definitions_;
};

}  // namespace test_support
