#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// A version by PEP 440 (Python Packaging User Guide, "Version specifiers").
class PythonVersion {
 public:
  /// Nothing when the text is no such version. Normalises: "1.0-RC1" is 1.0rc1.
  static std::optional<PythonVersion> parse(std::string_view text);

  std::strong_ordering operator<=>(const PythonVersion& other) const;
  bool operator==(const PythonVersion& other) const { return (*this <=> other) == 0; }
  bool is_prerelease() const;

 private:
  friend class PythonSpecifiers;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint64_t> release_;
  /// ("a" | "b" | "rc", number)
  std::optional<std::pair<std::string, std::uint64_t>> pre_;
  std::optional<std::uint64_t> post_;
  std::optional<std::uint64_t> dev_;
  /// Of "+ubuntu.1".
  std::vector<std::string> local_;
};

/// A set of version specifiers: ">=1.21.1,<3,!=2.0.0". Empty matches everything.
class PythonSpecifiers {
 public:
  static std::optional<PythonSpecifiers> parse(std::string_view text);

  /// Pre-releases match, too: what is installed is there.
  bool contains(const PythonVersion& version) const;

 private:
  struct Clause {
    std::string comparison;
    PythonVersion version;
    /// "==1.4.*"
    bool prefix = false;
    /// As written, for "===".
    std::string text;
  };
  std::vector<Clause> clauses_;
};

}  // namespace diagnosis
