#pragma once

#include "base/result.hpp"
#include "layers/tree_listing.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace layers {

/// Fills a new, empty folder with entries whose paths come from tree_path(). Nothing is written
/// through a symbolic link as long as the links are made after the files. Files may be written by
/// several threads at once, each through one TreeWriter or the same; the descriptor is not owned.
class TreeWriter {
 public:
  explicit TreeWriter(int tree_fd);

  /// The directory, writable for us until finish_directories().
  base::Result<void> make_directory(const std::string& path) const;
  base::Result<void> write_file(const TreeEntry& entry, const void* bytes, std::size_t size) const;
  base::Result<void> make_symlink(const TreeEntry& entry) const;
  /// Modes and times of directories, deepest first: a 0500 directory can be filled before.
  base::Result<void> finish_directories(const TreeListing& sorted) const;

  /// For writers that stream: a new file, its content piece by piece, its final mode and time by
  /// finish_file().
  base::Result<int> create_file(const TreeEntry& entry) const;
  static base::Result<void> append(int fd, const TreeEntry& entry, const void* bytes,
                                   std::size_t size);
  base::Result<void> finish_file(int fd, const TreeEntry& entry) const;

 private:
  int tree_fd_;
  mode_t umask_;
};

}  // namespace layers
