#include "layers/work_folder.hpp"

#include "base/uuid.hpp"
#include "layers/archive_error.hpp"
#include "layers/file_tree.hpp"
#include "layers/store_layout.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace layers {
namespace {

// Locks the folder and makes sure that it is still the one at `path`: between making and locking
// it, a sweep may have taken it for dead.
base::UniqueFd locked_folder(int store_fd, const std::string& path) {
  auto folder = open_folder(store_fd, path);
  if (!folder || ::flock(folder->get(), LOCK_EX | LOCK_NB) != 0) return {};
  struct stat here{};
  struct stat there{};
  if (::fstat(folder->get(), &here) != 0 ||
      ::fstatat(store_fd, path.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
      here.st_ino != there.st_ino || here.st_dev != there.st_dev)
    return {};
  return std::move(*folder);
}

}  // namespace

base::Result<WorkFolder> WorkFolder::make(int store_fd) {
  static constexpr int attempts = 100;
  for (int i = 0; i < attempts; ++i) {
    std::string path = StoreLayout::work_folder(base::random_hex(16));
    if (::mkdirat(store_fd, path.c_str(), 0755) != 0) {
      if (errno == EEXIST) continue;
      return cannot_write(errno, path);
    }
    // An umask that keeps ourselves out of what we make is not for the store.
    ::fchmodat(store_fd, path.c_str(), 0755, 0);
    base::UniqueFd folder = locked_folder(store_fd, path);
    if (folder) return WorkFolder(store_fd, std::move(path), std::move(folder));
  }
  return base::Error(base::ErrorKind::io_error,
                     "cannot lock a folder in the store. Put LAMINA_HOME on a local disk.");
}

WorkFolder::~WorkFolder() {
  // After a failure here the next sweep tries again.
  if (fd_) static_cast<void>(remove_tree(store_fd_, path_));
}

base::Result<void> WorkFolder::move_out(const std::string& name, const std::string& to) const {
  if (::renameat(fd_.get(), name.c_str(), store_fd_, to.c_str()) != 0)
    return cannot_write(errno, to);
  return {};
}

base::Result<void> WorkFolder::move_in(const std::string& from) const {
  if (::renameat(store_fd_, from.c_str(), fd_.get(), base::random_hex(16).c_str()) != 0 &&
      errno != ENOENT)
    return cannot_write(errno, from);
  return {};
}

base::Result<void> WorkFolder::replace_file(const std::string& to, std::string_view content) const {
  const std::string name = base::random_hex(16);
  TRY(write_new_file(fd_.get(), name, content));
  return move_out(name, to);
}

base::Result<std::uint64_t> remove_dead_work(int store_fd) {
  TRY_ASSIGN(const auto names, folder_names(store_fd, StoreLayout::work));
  std::uint64_t removed = 0;
  for (const std::string& name : names) {
    const std::string path = StoreLayout::work_folder(name);
    const base::UniqueFd folder = locked_folder(store_fd, path);
    if (!folder) continue;
    TRY(remove_tree(store_fd, path));
    ++removed;
  }
  return removed;
}

}  // namespace layers
