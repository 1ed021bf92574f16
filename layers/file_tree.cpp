#include "layers/file_tree.hpp"

#include "layers/archive_error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace layers {
namespace {

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDir>;

enum class WhenClosed { fail, open_up };

// Names first, then work: the walk may change the directory it reads. `when_closed` says what to do
// about a directory whose mode keeps its owner out.
base::Result<std::vector<std::string>> names_in(int folder_fd, const std::string& path,
                                                WhenClosed when_closed) {
  const char* where = path.empty() ? "." : path.c_str();
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  base::UniqueFd opened;
  if (when_closed == WhenClosed::open_up) {
    // To delete, we need to write as well as to read and search.
    struct stat status{};
    if (::fstatat(folder_fd, where, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
        (status.st_mode & S_IRWXU) != S_IRWXU)
      ::fchmodat(folder_fd, where, S_IRWXU, 0);
  }
  opened.reset(::openat(folder_fd, where, flags));
  if (!opened) return base::from_errno(errno, "cannot open the folder " + shown_name(path));
  Directory directory(::fdopendir(opened.get()));
  if (!directory) return base::from_errno(errno, "cannot read the folder " + shown_name(path));
  opened.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return base::from_errno(errno, "cannot read the folder " + shown_name(path));
  return names;
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

}  // namespace

base::Result<base::UniqueFd> open_folder(int folder_fd, const std::string& path) {
  const int fd = ::openat(folder_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return base::from_errno(errno, "cannot open the folder " + shown_name(path));
  return base::UniqueFd(fd);
}

base::Result<std::vector<std::string>> folder_names(int folder_fd, const std::string& path) {
  return names_in(folder_fd, path, WhenClosed::fail);
}

base::Result<void> walk(int folder_fd, const std::string& path, const Visit& visit) {
  const std::size_t prefix = path.empty() ? 0 : path.size() + 1;
  std::vector<std::string> pending{path};
  while (!pending.empty()) {
    const std::string folder = std::move(pending.back());
    pending.pop_back();
    TRY_ASSIGN(const auto names, names_in(folder_fd, folder, WhenClosed::fail));
    for (const std::string& name : names) {
      std::string entry = joined(folder, name);
      struct stat status{};
      if (::fstatat(folder_fd, entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return base::from_errno(errno, "cannot look at " + shown_name(entry));
      TRY(visit(entry.substr(prefix), status));
      if (S_ISDIR(status.st_mode)) pending.push_back(std::move(entry));
    }
  }
  return {};
}

base::Result<void> remove_tree(int folder_fd, const std::string& path) {
  if (::unlinkat(folder_fd, path.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM)
    return base::from_errno(errno, "cannot remove " + shown_name(path));
  std::vector<std::string> folders{path};
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const std::string folder = folders[i];
    TRY_ASSIGN(const auto names, names_in(folder_fd, folder, WhenClosed::open_up));
    for (const std::string& name : names) {
      std::string entry = joined(folder, name);
      if (::unlinkat(folder_fd, entry.c_str(), 0) == 0 || errno == ENOENT) continue;
      if (errno != EISDIR && errno != EPERM)
        return base::from_errno(errno, "cannot remove " + shown_name(entry));
      folders.push_back(std::move(entry));
    }
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    if (::unlinkat(folder_fd, folder->c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      return base::from_errno(errno, "cannot remove the folder " + shown_name(*folder));
  }
  return {};
}

base::Result<void> make_folder(int folder_fd, const std::string& path) {
  if (::mkdirat(folder_fd, path.c_str(), 0755) != 0 && errno != EEXIST)
    return cannot_write(errno, path);
  return {};
}

void spread_folders(int folder_fd, const std::string& path) {
  const auto folder = open_folder(folder_fd, path);
  int flags = 0;
  if (!folder || ::ioctl(folder->get(), FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_TOPDIR_FL;
  ::ioctl(folder->get(), FS_IOC_SETFLAGS, &flags);
}

base::Result<void> write_new_file(int folder_fd, const std::string& path,
                                  std::string_view content) {
  const base::UniqueFd file(::openat(folder_fd, path.c_str(),
                                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return cannot_write(errno, path);
  if (auto written = base::write_all(file.get(), content); !written)
    return cannot_write(errno, path);
  return {};
}

}  // namespace layers
