#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <sys/stat.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace layers {

/// Plain work on trees of files, always relative to a descriptor and without following a symbolic
/// link. One directory is open at a time, so the depth of a hostile tree costs no descriptors.

/// Opens a directory below `folder_fd`.
base::Result<base::UniqueFd> open_folder(int folder_fd, const std::string& path);

/// The names in a folder, in no order.
base::Result<std::vector<std::string>> folder_names(int folder_fd, const std::string& path);

/// Calls `visit` with every entry below `folder_fd`/`path` (the name relative to that), parents
/// first, each with its lstat. The first error ends the walk.
using Visit = std::function<base::Result<void>(const std::string& path, const struct stat& status)>;
base::Result<void> walk(int folder_fd, const std::string& path, const Visit& visit);

/// Removes `folder_fd`/`path` and all below it, also through directories without permissions. What
/// is not there is no error.
base::Result<void> remove_tree(int folder_fd, const std::string& path);

/// mkdirat() that accepts a directory which is there already.
base::Result<void> make_folder(int folder_fd, const std::string& path);
/// Asks the file system to place the folders that are made in this one far from each other. ext4
/// otherwise puts a new tree where one was just removed, and is then several times as slow at it:
/// for minutes it steps over each inode that was freed lately. Only a wish; others ignore it.
void spread_folders(int folder_fd, const std::string& path);

/// Writes a whole new file; with a full disk nothing is promised about its content.
base::Result<void> write_new_file(int folder_fd, const std::string& path, std::string_view content);

}  // namespace layers
