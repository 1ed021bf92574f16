#include "diagnosis/file_view.hpp"

namespace diagnosis {
namespace {

/// Linux gives up after as many (path_resolution(7)).
constexpr int most_links = 40;

/// Splits the first component off; leading slashes are dropped.
std::string_view take_component(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

void append_component(std::string& path, std::string_view component) {
  if (component.empty() || component == ".") return;
  if (component == "..") {
    path.erase(path.empty() ? 0 : path.rfind('/'));
  } else {
    path.append("/").append(component);
  }
}

}  // namespace

std::string normal_path(std::string_view path) {
  std::string normal;
  while (!path.empty()) append_component(normal, take_component(path));
  return normal.empty() ? "/" : normal;
}

std::string joined(std::string_view folder, std::string_view path) {
  if (path.starts_with('/')) return normal_path(path);
  return normal_path(std::string(folder).append("/").append(path));
}

std::optional<std::string> real_path(const FileView& view, std::string_view path) {
  std::string rest(path);
  std::string real;
  int links = 0;
  while (true) {
    std::string_view left(rest);
    const std::string_view component = take_component(left);
    if (component.empty()) break;
    if (component == "." || component == "..") {
      append_component(real, component);
      rest = std::string(left);
      continue;
    }
    const std::string next = real + "/" + std::string(component);
    const auto node = view.look(next);
    if (!node) return std::nullopt;
    if (node->is_symlink()) {
      if (++links > most_links) return std::nullopt;
      if (node->link_target.starts_with('/')) real.clear();
      rest = node->link_target + "/" + std::string(left);
      continue;
    }
    std::string_view remaining(left);
    if (!node->is_directory() && !take_component(remaining).empty()) return std::nullopt;
    real = next;
    rest = std::string(left);
  }
  return real.empty() ? "/" : real;
}

std::optional<FileNode> find(const FileView& view, std::string_view path) {
  const auto real = real_path(view, path);
  return real ? view.look(*real) : std::nullopt;
}

bool is_file(const FileView& view, std::string_view path) {
  const auto node = find(view, path);
  return node && node->is_file();
}

bool is_directory(const FileView& view, std::string_view path) {
  const auto node = find(view, path);
  return node && node->is_directory();
}

std::optional<std::string> read_file(const FileView& view, std::string_view path,
                                     std::size_t limit) {
  const auto real = real_path(view, path);
  return real ? view.read(*real, limit) : std::nullopt;
}

}  // namespace diagnosis
