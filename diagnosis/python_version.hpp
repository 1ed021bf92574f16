#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace diagnosis {

/// A version by PEP 440 (Python Packaging User Guide, "Version specifiers").
class PythonVersion {
 public:
  /// Nothing when the text is no such version, and when a number of it (other than in the local
  /// part) does not fit 64 bits. Normalises: "1.0-RC1" is 1.0rc1.
  static std::optional<PythonVersion> parse(std::string_view text);

  std::strong_ordering operator<=>(const PythonVersion& other) const;
  bool operator==(const PythonVersion& other) const { return (*this <=> other) == 0; }
  bool is_prerelease() const;

 private:
  friend class PythonSpecifiers;

  /// By epoch and release alone.
  std::strong_ordering compare_base(const PythonVersion& other) const;
  /// Whether epoch and so many segments of the release are those of `prefix`.
  bool begins_with(const PythonVersion& prefix, std::size_t segments) const;
  PythonVersion without_local() const;
  std::string normalised() const;

  std::uint64_t epoch_ = 0;
  std::vector<std::uint64_t> release_;
  /// ("a" | "b" | "rc", number)
  std::optional<std::pair<std::string, std::uint64_t>> pre_;
  std::optional<std::uint64_t> post_;
  std::optional<std::uint64_t> dev_;
  /// Of "+ubuntu.1"; numbers without leading zeros.
  std::vector<std::string> local_;
};

/// A set of version specifiers: ">=1.21.1,<3,!=2.0.0". Empty matches everything.
class PythonSpecifiers {
 public:
  static std::optional<PythonSpecifiers> parse(std::string_view text);

  /// Pre-releases match, too: what is installed is there.
  bool contains(const PythonVersion& version) const;

 private:
  enum class Comparison { same_text, compatible, equal, unequal, at_most, at_least, less, greater };
  struct Clause {
    Comparison comparison = Comparison::equal;
    PythonVersion version;
    /// "==1.4.*"
    bool prefix = false;
    /// As written, but in lower case, for "===".
    std::string text;

    bool contains(const PythonVersion& candidate) const;

   private:
    /// Where "<2.0" ends, which does not mean 2.0rc1: 2.0.dev0.
    PythonVersion before_prereleases() const;
    bool is_post_release_of_version(const PythonVersion& candidate) const;
  };

  static std::optional<Clause> parse_clause(std::string_view text);

  std::vector<Clause> clauses_;
};

}  // namespace diagnosis
