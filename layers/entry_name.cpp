#include "layers/entry_name.hpp"

#include "layers/archive_error.hpp"

namespace layers {
namespace {

constexpr std::size_t longest_component = 255;
// PATH_MAX with its NUL byte; the tree is always addressed relative to a descriptor.
constexpr std::size_t longest_path = 4095;

}  // namespace

base::Result<std::string> tree_path(std::string_view entry_name) {
  if (entry_name.find('\0') != std::string_view::npos)
    return broken_archive(shown_name(entry_name) + " has a NUL byte in its name", "Repack it.");
  if (entry_name.starts_with('/'))
    return broken_archive(shown_name(entry_name) + " is an absolute name and leaves the archive",
                          "Repack it with relative names.");
  std::string path;
  path.reserve(entry_name.size());
  for (std::size_t begin = 0; begin < entry_name.size();) {
    std::size_t end = entry_name.find('/', begin);
    if (end == std::string_view::npos) end = entry_name.size();
    const std::string_view component = entry_name.substr(begin, end - begin);
    begin = end + 1;
    if (component.empty() || component == ".") continue;
    if (component == "..")
      return broken_archive(shown_name(entry_name) + " leaves the archive",
                            "Repack it with relative names.");
    if (component.size() > longest_component)
      return broken_archive(shown_name(entry_name) + " has a component longer than 255 bytes",
                            "Shorten the name.");
    if (!path.empty()) path += '/';
    path += component;
  }
  if (path.size() > longest_path)
    return broken_archive(shown_name(entry_name) + " is longer than 4095 bytes",
                          "Shorten the name.");
  return path;
}

}  // namespace layers
