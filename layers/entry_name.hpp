#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace layers {

/// The path of an archive's entry inside the tree: empty and "." components dropped, no slash at
/// either end, empty for the root itself. Absolute names, "..", NUL bytes and what Linux cannot
/// hold (a component past 255 bytes, a path past 4095) are errors. Backslashes stay: on Linux they
/// are part of a name.
base::Result<std::string> tree_path(std::string_view entry_name);

/// "a/b" of "a/b/c"; empty when there is no folder.
inline std::string_view parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// "c" of "a/b/c".
inline std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// "a/b" and "a/b/c" are at or below "a/b"; "a/bc" is not.
inline bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace layers
