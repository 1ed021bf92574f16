#pragma once

#include "base/result.hpp"
#include "layers/layer_store.hpp"
#include "layers/prepared_tree.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace layers {

/// How /opt is put together out of several layers.
enum class OptMode {
  overlay,
  /// The host refuses overlayfs: one merged tree with the result that overlayfs would give.
  copy,
};

/// What to mount on /opt, read-only: nothing (no lowers: an empty folder), a bind (one), or one
/// overlayfs (several). A value; the trees stay as long as the LayerStore is open.
struct OptComposition {
  OptMode mode = OptMode::overlay;
  /// Absolute, bottom first, so in the order of the layers. overlayfs's lowerdir= wants the
  /// reverse.
  std::vector<std::filesystem::path> lowers;
  /// The last of `lowers` is not a layer: it holds only directories, whose modes must show instead
  /// of those that the layers' own directories have.
  bool has_mode_cover = false;
  std::chrono::nanoseconds compose_time{};
};

/// `layers` in the order of the function's list: the last one wins. Knows nothing of mounts: it
/// says what to mount. Two things differ from plain stacking: a directory without an entry in its
/// archive takes over the mode of the directory it covers, and the root is always 0755, as /opt is
/// on AWS. OptMode::copy links files out of the store's trees and copies those of folders used in
/// place; the merged tree is kept by the digests of the list, and for a folder by names, sizes and
/// times of what is in it, so that it is made anew after an edit.
base::Result<OptComposition> compose_opt(std::span<const PreparedTree> layers, LayerStore& store,
                                         OptMode mode);

/// The directories, with their modes, that must lie on top of `listings` (bottom first) so that
/// implicit ones do not hide a lower layer's mode; parents come with the mode they have in the
/// result. Empty when plain stacking is right.
TreeListing mode_cover(std::span<const TreeListing> listings);

}  // namespace layers
