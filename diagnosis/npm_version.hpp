#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// A version by Semantic Versioning 2.0.0; a leading "v" or "=" is dropped, build metadata ignored.
/// As in npm, none of the three numbers is above 2^53 - 1.
struct NpmVersion {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t patch = 0;
  std::vector<std::string> prerelease;

  static std::optional<NpmVersion> parse(std::string_view text);
  std::strong_ordering operator<=>(const NpmVersion& other) const;
  bool operator==(const NpmVersion& other) const { return (*this <=> other) == 0; }
};

/// A range as package.json has them (npm's "semver" documentation): "^1.2.3", "~1", ">=1 <2
/// || 3.x", "1.2 - 2.3", "*". Tags, URLs, "workspace:" and "npm:" are no ranges.
class NpmRange {
 public:
  static std::optional<NpmRange> parse(std::string_view text);

  /// With npm's rule for pre-releases: they match only a comparator of the same version triple.
  bool contains(const NpmVersion& version) const;

 private:
  enum class Comparison { less, less_or_equal, equal, greater_or_equal, greater };
  struct Comparator {
    Comparison comparison;
    NpmVersion version;

    bool contains(const NpmVersion& candidate) const;
  };
  using Comparators = std::vector<Comparator>;

  static void add_at_least(Comparators& comparators, NpmVersion version);
  /// Each false when it is no part of a range.
  static bool add_word(Comparators& comparators, std::string_view word);
  static bool add_hyphen(Comparators& comparators, std::string_view from, std::string_view to);

  /// Any of these sets; all comparators of a set.
  std::vector<Comparators> alternatives_;
};

}  // namespace diagnosis
