#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace diagnosis {

/// The operating system that a runtime identifier stands for on AWS. Known by heart, since this
/// host's may be newer or older. Sources beside the tables in the .cpp file.
class AmazonLinux {
 public:
  /// Of "python3.12", "provided.al2" and so on; nothing for a runtime that is not known.
  static std::optional<AmazonLinux> of_runtime(std::string_view runtime);

  /// "Amazon Linux 2" or "Amazon Linux 2023".
  std::string_view name() const;
  /// The newest of a family ("GLIBC", "GLIBCXX", "CXXABI", "GCC") that the system's libraries
  /// define: "2.26"; empty for a family that is not known.
  std::string_view newest(std::string_view family) const;
  /// Whether a needed version such as "GLIBC_2.28" is one that the system has. True for families
  /// that are not known.
  bool has_version(std::string_view symbol_version) const;
  /// Whether the image of `runtime` is known to bring the library.
  bool has_library(std::string_view soname) const;

 private:
  enum class Generation { al2, al2023 };
  explicit AmazonLinux(Generation generation) : generation_(generation) {}
  Generation generation_;
};

}  // namespace diagnosis
