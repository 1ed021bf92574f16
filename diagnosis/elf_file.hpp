#pragma once

#include <cstdint>
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
  /// The program loader that it asks for (PT_INTERP); empty for libraries and static programs.
  std::string interpreter;
  std::string soname;
  /// DT_NEEDED in order.
  std::vector<std::string> needed;
  /// DT_RUNPATH, else DT_RPATH; colon-separated, with $ORIGIN as written.
  std::string run_path;
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

}  // namespace diagnosis
