#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// A version by Semantic Versioning 2.0.0; a leading "v" or "=" is dropped, build metadata ignored.
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
  };
  /// Any of these sets; all comparators of a set.
  std::vector<std::vector<Comparator>> alternatives_;
};

}  // namespace diagnosis
