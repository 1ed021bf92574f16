#pragma once

#include "layers/tree_listing.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace layers {

/// One path of a stack of trees and the tree it comes from.
struct MergedEntry {
  /// As in its tree, but for the mode of an implicit directory, which is taken over.
  TreeEntry entry;
  /// Index into the stack.
  std::size_t tree = 0;
  /// The mode differs from what the topmost tree has on disk.
  bool mode_taken_over = false;
};

/// What one sees of a stack of trees (bottom first), sorted by path, by the rules of overlayfs: the
/// topmost entry of a path shows; directories of the same path show both contents; anything else
/// hides what is below it, also directories below a file below a directory. Pure; knows no disk.
std::vector<MergedEntry> merge(std::span<const TreeListing> stack);
/// The same without a copy of listings that lie apart.
std::vector<MergedEntry> merge(std::span<const TreeListing* const> stack);

}  // namespace layers
