#pragma once

#include "diagnosis/opt_view.hpp"
#include "diagnosis/package_copies.hpp"

#include <string>
#include <vector>

namespace diagnosis {

/// One path of two trees, or of two ways to merge layers, that is not the same in both.
struct PathChange {
  enum class Kind { added, removed, changed };
  Kind kind = Kind::changed;
  std::string path;
  /// What changed: "content", "mode", "type", "link", joined by commas; empty for the others.
  std::string what;
  std::uint64_t old_size = 0;
  std::uint64_t new_size = 0;
  /// Where it comes from, when layers are merged.
  std::string old_owner;
  std::string new_owner;
};
std::string_view to_string(PathChange::Kind kind);

/// A package whose version or place the function gets is another one.
struct PackageChange {
  std::string ecosystem;
  std::string name;
  /// Empty when it is not there.
  std::string old_version;
  std::string new_version;
  std::string old_owner;
  std::string new_owner;
};

struct TreeDiff {
  std::vector<PathChange> paths;
  std::vector<PackageChange> packages;
  bool empty() const { return paths.empty() && packages.empty(); }
};

/// What one sees in /opt with the one and with the other; both of the same runtime and code. For
/// two single layers, views of one layer each.
TreeDiff diff_views(const OptView& before, const OptView& after, const Package* code,
                    const std::optional<RuntimeProfile>& runtime,
                    const std::vector<BundledDistribution>& bundled);

}  // namespace diagnosis
