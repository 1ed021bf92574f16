#pragma once

#include "base/result.hpp"
#include "layers/tree_listing.hpp"

#include <filesystem>
#include <span>

namespace layers {

/// Something to pack: its name in the archive, its type and its mode, and the file that has the
/// content of a regular one.
struct ZipInput {
  TreeEntry entry;
  std::filesystem::path source;
};

enum class ZipCompression { none, deflate };

/// Writes a zip as `zip -r` would, with unix modes and symbolic links, to a descriptor that is not
/// owned. Knows nothing of layers. A file that cannot be read or that shrinks meanwhile is an
/// error.
base::Result<void> write_zip(int fd, std::span<const ZipInput> inputs, ZipCompression compression);

}  // namespace layers
