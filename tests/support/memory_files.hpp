#pragma once

#include "diagnosis/file_view.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace test_support {

/// A FileView out of a map; parents come by themselves.
class MemoryFiles final : public diagnosis::FileView {
 public:
  MemoryFiles() { nodes_["/"].node.type = layers::TreeEntry::Type::directory; }

  MemoryFiles& file(const std::string& path, std::string content = "", std::uint32_t mode = 0644) {
    Entry& entry = add(path);
    entry.node.size = content.size();
    entry.node.mode = mode;
    entry.content = std::move(content);
    return *this;
  }
  MemoryFiles& directory(const std::string& path) {
    Entry& entry = add(path);
    entry.node.type = layers::TreeEntry::Type::directory;
    entry.node.mode = 0755;
    return *this;
  }
  MemoryFiles& link(const std::string& path, std::string target) {
    Entry& entry = add(path);
    entry.node.type = layers::TreeEntry::Type::symlink;
    entry.node.mode = 0777;
    entry.node.link_target = std::move(target);
    return *this;
  }

  std::optional<diagnosis::FileNode> look(const std::string& path) const override {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? std::nullopt : std::optional(found->second.node);
  }
  std::vector<std::string> names(const std::string& directory) const override {
    const std::string prefix = directory == "/" ? "/" : directory + "/";
    std::vector<std::string> names;
    for (const auto& [path, entry] : nodes_)
      if (path.size() > prefix.size() && path.starts_with(prefix) &&
          path.find('/', prefix.size()) == std::string::npos)
        names.push_back(path.substr(prefix.size()));
    return names;
  }
  std::optional<std::string> read(const std::string& path, std::size_t limit) const override {
    const auto found = nodes_.find(path);
    if (found == nodes_.end() || !found->second.node.is_file()) return std::nullopt;
    return found->second.content.substr(0, limit);
  }

 private:
  struct Entry {
    diagnosis::FileNode node;
    std::string content;
  };

  Entry& add(const std::string& path) {
    const std::string parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    if (!nodes_.contains(parent)) directory(parent);
    return nodes_[path];
  }

  std::map<std::string, Entry> nodes_;
};

}  // namespace test_support
