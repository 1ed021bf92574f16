#include "layers/merge.hpp"

#include "layers/entry_name.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace layers {
namespace {

struct Node {
  MergedEntry merged;
  /// A tree in between has something else at this path: nothing below it shows.
  bool closed = false;
  /// Only implicit so far; a lower tree may still give the mode.
  bool mode_open = false;
};

}  // namespace

std::vector<MergedEntry> merge(std::span<const TreeListing> stack) {
  std::vector<const TreeListing*> listings;
  for (const TreeListing& listing : stack) listings.push_back(&listing);
  return merge(listings);
}

std::vector<MergedEntry> merge(std::span<const TreeListing* const> stack) {
  std::unordered_map<std::string_view, Node> nodes;
  for (std::size_t tree = stack.size(); tree-- > 0;) {
    // Directories of this tree whose content does not show.
    std::unordered_set<std::string_view> hidden;
    for (const TreeEntry& entry : *stack[tree]) {
      const bool is_directory = entry.type == TreeEntry::Type::directory;
      if (hidden.contains(parent_path(entry.path))) {
        if (is_directory) hidden.insert(entry.path);
        continue;
      }
      const auto [known, is_new] = nodes.try_emplace(entry.path);
      Node& node = known->second;
      if (is_new) {
        node.merged = {.entry = entry, .tree = tree};
        node.mode_open = is_directory && entry.implicit;
        continue;
      }
      const bool shows_directory = node.merged.entry.type == TreeEntry::Type::directory;
      if (shows_directory && !node.closed && is_directory) {
        if (node.mode_open && !entry.implicit) {
          node.mode_open = false;
          node.merged.mode_taken_over = node.merged.entry.mode != entry.mode;
          node.merged.entry.mode = entry.mode;
        }
        continue;
      }
      if (shows_directory && !is_directory) node.closed = true;
      if (is_directory) hidden.insert(entry.path);
    }
  }
  std::vector<MergedEntry> result;
  result.reserve(nodes.size());
  for (auto& [path, node] : nodes) result.push_back(std::move(node.merged));
  std::sort(result.begin(), result.end(),
            [](const MergedEntry& a, const MergedEntry& b) { return a.entry.path < b.entry.path; });
  return result;
}

}  // namespace layers
