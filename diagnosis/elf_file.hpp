#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// What an ELF file says to the loader: a program, a shared library, an extension module. Plain
/// data.
struct ElfFile {
  enum class Kind { program, shared_object, other };

  Kind kind = Kind::other;
  /// "x86_64", "arm64", else the machine's own name or number: as AWS names architectures.
  std::string architecture;
  bool has_dynamic_section = false;
  /// The program loader that a program asks for (PT_INTERP); empty for libraries, even those that
  /// can be run (libc.so.6), and static programs.
  std::string interpreter;
  std::string soname;
  /// DT_NEEDED in order.
  std::vector<std::string> needed;
  /// DT_RUNPATH, else DT_RPATH; colon-separated, with $ORIGIN as written.
  std::string run_path;
  /// run_path is DT_RPATH, which is searched before LD_LIBRARY_PATH instead of after it.
  bool run_path_is_rpath = false;
  /// Symbol versions that it needs of other objects (.gnu.version_r), sorted: "libc.so.6",
  /// "GLIBC_2.28".
  struct NeededVersion {
    std::string library;
    std::string version;
    /// Weak references may be missing.
    bool weak = false;
    auto operator<=>(const NeededVersion&) const = default;
  };
  std::vector<NeededVersion> needed_versions;
  /// Symbol versions that it defines (.gnu.version_d), sorted.
  std::vector<std::string> defined_versions;
};

/// Reads an open file; hostile bytes are normal. Nothing when it is no ELF file or broken. The
/// descriptor stays open; nothing is mapped.
std::optional<ElfFile> read_elf(int fd);
/// The same out of the bytes of a whole file.
std::optional<ElfFile> read_elf(std::string_view bytes);

/// As many bytes of a file as elf_architecture() needs.
constexpr std::size_t elf_header_size = 64;
/// ElfFile::architecture out of the beginning of a file; empty when it is no ELF file.
std::string elf_architecture(std::string_view beginning);

}  // namespace diagnosis
