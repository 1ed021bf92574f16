#pragma once

#include "diagnosis/package.hpp"
#include "layers/merge.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// What a layer has at a path where it does not show.
struct Shadowed {
  enum class How {
    same_content,  ///< byte for byte, or the same link
    differs,
    type_conflict,  ///< a file over a directory, a directory over a link, and so on
  };
  std::size_t layer = 0;
  /// Index into that layer's listing.
  TreeFacts::Index index = 0;
  How how = How::differs;
};
std::string_view to_string(Shadowed::How how);

/// One path of the merged /opt, the layer that it comes from, and what lies under it.
struct OptPath {
  layers::MergedEntry merged;
  /// Index into the winning layer's listing.
  TreeFacts::Index index = 0;
  /// The next one below first.
  std::vector<Shadowed> shadowed;
};

/// Something of a layer that shows nowhere, because a folder above it does not.
struct LostPath {
  std::size_t layer = 0;
  TreeFacts::Index index = 0;
  /// The path whose type hides it.
  std::string hidden_by;
};

/// The merged /opt of some layers, bottom first, with everything that shows and everything that
/// does not. Holds on to the packages; they must outlive it.
class OptView {
 public:
  explicit OptView(std::span<const Package> layers);

  std::span<const Package> layers() const { return layers_; }
  /// Sorted by path.
  const std::vector<OptPath>& paths() const { return paths_; }
  const std::vector<LostPath>& lost() const { return lost_; }
  /// By path below /opt; null when nothing shows there.
  const OptPath* find(std::string_view path) const;
  /// Whether what this layer has at the path is what shows.
  bool shows(std::size_t layer, std::string_view path) const;
  const layers::TreeEntry& entry(std::size_t layer, TreeFacts::Index index) const {
    return layers_[layer].listing[index];
  }

 private:
  Shadowed::How how_shadowed(const OptPath& winner, std::size_t layer,
                             TreeFacts::Index index) const;

  std::span<const Package> layers_;
  std::vector<OptPath> paths_;
  std::vector<LostPath> lost_;
};

}  // namespace diagnosis
