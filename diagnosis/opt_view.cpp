#include "diagnosis/opt_view.hpp"

#include "layers/entry_name.hpp"

#include <algorithm>

namespace diagnosis {

using layers::TreeEntry;

std::string_view to_string(Shadowed::How how) {
  switch (how) {
    case Shadowed::How::same_content:
      return "same content";
    case Shadowed::How::differs:
      return "differs";
    case Shadowed::How::type_conflict:
      return "type conflict";
  }
  return "unknown";
}

OptView::OptView(std::span<const Package> layers) : layers_(layers) {
  std::vector<const layers::TreeListing*> listings;
  for (const Package& layer : layers_) listings.push_back(&layer.listing);
  for (layers::MergedEntry& merged : layers::merge(listings))
    paths_.emplace_back().merged = std::move(merged);
  for (std::size_t layer = layers_.size(); layer-- > 0;) {
    const layers::TreeListing& listing = layers_[layer].listing;
    auto at = paths_.begin();
    for (TreeFacts::Index index = 0; index < listing.size(); ++index) {
      const TreeEntry& entry = listing[index];
      // Both are sorted by path.
      while (at != paths_.end() && at->merged.entry.path < entry.path) ++at;
      if (at != paths_.end() && at->merged.entry.path == entry.path) {
        if (at->merged.tree == layer) {
          at->index = index;
        } else if (entry.type != TreeEntry::Type::directory ||
                   at->merged.entry.type != TreeEntry::Type::directory) {
          at->shadowed.push_back({layer, index, how_shadowed(*at, layer, index)});
        }
        continue;
      }
      LostPath lost{layer, index, {}};
      for (std::string_view parent = layers::parent_path(entry.path); !parent.empty();
           parent = layers::parent_path(parent))
        if (find(parent) != nullptr) {
          lost.hidden_by = parent;
          break;
        }
      lost_.push_back(std::move(lost));
    }
  }
}

const OptPath* OptView::find(std::string_view path) const {
  const auto found = std::lower_bound(paths_.begin(), paths_.end(), path,
                                      [](const OptPath& known, std::string_view wanted) {
                                        return known.merged.entry.path < wanted;
                                      });
  return found != paths_.end() && found->merged.entry.path == path ? &*found : nullptr;
}

bool OptView::shows(std::size_t layer, std::string_view path) const {
  const OptPath* found = find(path);
  return found != nullptr && found->merged.tree == layer;
}

Shadowed::How OptView::how_shadowed(const OptPath& winner, std::size_t layer,
                                    TreeFacts::Index index) const {
  const TreeEntry& above = winner.merged.entry;
  const TreeEntry& below = layers_[layer].listing[index];
  if (above.type != below.type) return Shadowed::How::type_conflict;
  const base::Digest& digest = layers_[layer].facts.digests[index];
  const bool same = above.type == TreeEntry::Type::symlink
                        ? above.link_target == below.link_target
                        // A file that could not be read is like no other.
                        : digest == layers_[winner.merged.tree].facts.digests[winner.index] &&
                              digest != base::Digest();
  return same ? Shadowed::How::same_content : Shadowed::How::differs;
}

}  // namespace diagnosis
