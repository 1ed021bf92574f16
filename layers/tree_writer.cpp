#include "layers/tree_writer.hpp"

#include "base/unique_fd.hpp"
#include "layers/archive_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace layers {
namespace {

// umask() can only be read by setting it, which would race with other threads.
mode_t current_umask() {
  static constexpr std::string_view field = "\nUmask:\t";
  const auto status = base::read_file("/proc/self/status", 65536);
  if (!status) return 0777;
  const std::size_t at = status->find(field);
  if (at == std::string::npos) return 0777;
  return static_cast<mode_t>(std::strtoul(status->c_str() + at + field.size(), nullptr, 8));
}

void times_of(const TreeEntry& entry, struct timespec (&times)[2]) {
  times[0] = {.tv_sec = entry.mtime, .tv_nsec = 0};
  times[1] = times[0];
}

}  // namespace

TreeWriter::TreeWriter(int tree_fd) : tree_fd_(tree_fd), umask_(current_umask()) {}

base::Result<void> TreeWriter::make_directory(const std::string& path) const {
  if (::mkdirat(tree_fd_, path.c_str(), 0755) != 0) return cannot_write(errno, path);
  // An umask that takes our own rights away must not keep us from filling the directory.
  if ((umask_ & S_IRWXU) != 0 && ::fchmodat(tree_fd_, path.c_str(), 0755, 0) != 0)
    return cannot_write(errno, path);
  return {};
}

base::Result<int> TreeWriter::create_file(const TreeEntry& entry) const {
  const int fd = ::openat(tree_fd_, entry.path.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.mode);
  if (fd < 0) return cannot_write(errno, entry.path);
  return fd;
}

base::Result<void> TreeWriter::finish_file(int fd, const TreeEntry& entry) const {
  if ((entry.mode & umask_) != 0 && ::fchmod(fd, entry.mode) != 0)
    return cannot_write(errno, entry.path);
  struct timespec times[2];
  times_of(entry, times);
  if (::futimens(fd, times) != 0) return cannot_write(errno, entry.path);
  return {};
}

base::Result<void> TreeWriter::write_file(const TreeEntry& entry, const void* bytes,
                                          std::size_t size) const {
  TRY_ASSIGN(const int fd, create_file(entry));
  const base::UniqueFd file(fd);
  TRY(append(fd, entry, bytes, size));
  return finish_file(fd, entry);
}

base::Result<void> TreeWriter::append(int fd, const TreeEntry& entry, const void* bytes,
                                      std::size_t size) {
  const auto* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t count = ::write(fd, from, size);
    if (count < 0) {
      if (errno == EINTR) continue;
      return cannot_write(errno, entry.path);
    }
    from += count;
    size -= static_cast<std::size_t>(count);
  }
  return {};
}

base::Result<void> TreeWriter::make_symlink(const TreeEntry& entry) const {
  if (::symlinkat(entry.link_target.c_str(), tree_fd_, entry.path.c_str()) != 0)
    return cannot_write(errno, entry.path);
  struct timespec times[2];
  times_of(entry, times);
  if (::utimensat(tree_fd_, entry.path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return cannot_write(errno, entry.path);
  return {};
}

base::Result<void> TreeWriter::finish_directories(const TreeListing& sorted) const {
  const mode_t as_made = (umask_ & S_IRWXU) != 0 ? 0755 : 0755 & ~umask_;
  for (auto entry = sorted.rbegin(); entry != sorted.rend(); ++entry) {
    if (entry->type != TreeEntry::Type::directory) continue;
    const char* path = entry->path.c_str();
    // An implicit directory has no time of its own; the times first, since the mode may lock us out
    // of what is below.
    struct timespec times[2];
    times_of(*entry, times);
    if (!entry->implicit && ::utimensat(tree_fd_, path, times, AT_SYMLINK_NOFOLLOW) != 0)
      return cannot_write(errno, entry->path);
    if (entry->mode != as_made && ::fchmodat(tree_fd_, path, entry->mode, 0) != 0)
      return cannot_write(errno, entry->path);
  }
  return {};
}

}  // namespace layers
