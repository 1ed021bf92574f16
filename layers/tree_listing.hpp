#pragma once

#include "base/result.hpp"
#include "layers/prepared_tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace layers {

/// One file, directory or symbolic link of a tree. Knows nothing of archives or overlays.
struct TreeEntry {
  enum class Type { directory, file, symlink };

  /// Relative to the root of the tree, without a leading or trailing slash. Bytes, not characters.
  std::string path;
  Type type = Type::file;
  /// Permission bits.
  std::uint32_t mode = 0;
  /// Bytes of the file or of the link's target.
  std::uint64_t size = 0;
  /// Of the content of a file that came out of an archive; 0 otherwise.
  std::uint32_t crc32 = 0;
  /// Seconds since 1970, UTC.
  std::int64_t mtime = 0;
  std::string link_target;
  /// A directory that no entry of the archive names.
  bool implicit = false;
};

/// Sorted by path, so that a directory comes before what is in it. The root itself is not listed.
using TreeListing = std::vector<TreeEntry>;

/// root_mode is left at 0755.
TreeSummary summarise(const TreeListing& listing);
/// The same, entry by entry.
void count_in(TreeSummary& summary, const TreeEntry& entry);

/// The text kept beside a tree in the store, one entry a line, and its way back.
std::string to_text(const TreeListing& listing);
base::Result<TreeListing> listing_from_text(std::string_view text);

/// A folder used in place, as it is now.
struct FolderListing {
  TreeListing entries;
  /// Permission bits of the folder itself.
  std::uint32_t root_mode = 0;
  /// Names, inodes, sizes, modes and times, as bytes to hash: another text after any edit that
  /// leaves a trace in a stat.
  std::string identity;
  /// Something in it changed so lately that the next edit may carry the same time.
  bool just_changed = false;
};

/// Walks a folder; nothing is followed. Devices, sockets and fifos are errors, as are more than
/// max_tree_entries entries (limits.hpp).
base::Result<FolderListing> list_folder(const std::string& folder);

}  // namespace layers
