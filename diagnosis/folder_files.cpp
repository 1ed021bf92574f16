#include "diagnosis/folder_files.hpp"

#include "base/unique_fd.hpp"
#include "layers/file_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace diagnosis {
namespace {

using layers::TreeEntry;

std::string link_target(const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

/// The kernel would take it for the shorter path.
bool has_nul(const std::string& path) {
  return path.find('\0') != std::string::npos;
}

}  // namespace

std::optional<FileNode> FolderFiles::look(const std::string& path) const {
  if (has_nul(path)) return std::nullopt;
  const std::string where = root_.string() + path;
  struct stat status{};
  if (::lstat(where.c_str(), &status) != 0) return std::nullopt;
  FileNode node;
  node.mode = status.st_mode & 07777;
  node.mtime = status.st_mtim.tv_sec;
  if (S_ISDIR(status.st_mode)) {
    node.type = TreeEntry::Type::directory;
  } else if (S_ISLNK(status.st_mode)) {
    node.type = TreeEntry::Type::symlink;
    node.link_target = link_target(where);
  } else {
    node.size = static_cast<std::uint64_t>(status.st_size);
  }
  return node;
}

std::vector<std::string> FolderFiles::names(const std::string& directory) const {
  if (has_nul(directory)) return {};
  const base::UniqueFd folder(::open((root_.string() + directory).c_str(),
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return {};
  auto names = layers::folder_names(folder.get(), ".");
  if (!names) return {};
  std::sort(names->begin(), names->end());
  return std::move(*names);
}

std::optional<std::string> FolderFiles::read(const std::string& path, std::size_t limit) const {
  if (has_nul(path)) return std::nullopt;
  const base::UniqueFd file(
      ::open((root_.string() + path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::string content(std::min(limit, static_cast<std::size_t>(status.st_size)), '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = ::read(file.get(), content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  content.resize(done);
  return content;
}

}  // namespace diagnosis
