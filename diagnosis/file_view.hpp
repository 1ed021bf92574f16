#pragma once

#include "layers/tree_listing.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

struct FileNode {
  layers::TreeEntry::Type type = layers::TreeEntry::Type::file;
  /// Permission bits.
  std::uint32_t mode = 0;
  /// Bytes of a file.
  std::uint64_t size = 0;
  /// Seconds since 1970, UTC.
  std::int64_t mtime = 0;
  std::string link_target;

  bool is_directory() const { return type == layers::TreeEntry::Type::directory; }
  bool is_file() const { return type == layers::TreeEntry::Type::file; }
  bool is_symlink() const { return type == layers::TreeEntry::Type::symlink; }
};

/// The files that a function would see, by their absolute paths inside: /var/task, /opt and the
/// rest. Knows nothing of how they come there; nothing is run or mounted for it.
class FileView {
 public:
  FileView() = default;
  FileView(const FileView&) = delete;
  FileView& operator=(const FileView&) = delete;
  virtual ~FileView() = default;

  /// As lstat(2), for a path in normal form whose parents are no symbolic links. "/" is there.
  virtual std::optional<FileNode> look(const std::string& path) const = 0;
  /// The names in a directory, sorted; empty for anything else.
  virtual std::vector<std::string> names(const std::string& directory) const = 0;
  /// The first `limit` bytes of a file; nothing when it cannot be read.
  virtual std::optional<std::string> read(const std::string& path, std::size_t limit) const = 0;
};

/// Lexically: "/a/./b//../c" is "/a/c"; relative paths start at "/".
std::string normal_path(std::string_view path);
/// `path` below `folder`, unless it is absolute itself. In normal form.
std::string joined(std::string_view folder, std::string_view path);

/// As realpath(3): every symbolic link followed; nothing when something is missing or there are too
/// many links.
std::optional<std::string> real_path(const FileView& view, std::string_view path);
/// As stat(2): what the path leads to.
std::optional<FileNode> find(const FileView& view, std::string_view path);
bool is_file(const FileView& view, std::string_view path);
bool is_directory(const FileView& view, std::string_view path);
/// The first `limit` bytes of what the path leads to.
std::optional<std::string> read_file(const FileView& view, std::string_view path,
                                     std::size_t limit);

}  // namespace diagnosis
