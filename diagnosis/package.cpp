#include "diagnosis/package.hpp"

#include <algorithm>

namespace diagnosis {
namespace {

/// A file without a digest could not be read this time; somebody else may be able to.
bool is_complete(const Package& package) {
  for (std::size_t i = 0; i < package.listing.size(); ++i)
    if (package.listing[i].type == layers::TreeEntry::Type::file &&
        package.facts.digests[i] == base::Digest())
      return false;
  return true;
}

}  // namespace

std::optional<TreeFacts::Index> Package::index_of(std::string_view path) const {
  const auto found = std::lower_bound(
      listing.begin(), listing.end(), path,
      [](const layers::TreeEntry& entry, std::string_view wanted) { return entry.path < wanted; });
  if (found == listing.end() || found->path != path) return std::nullopt;
  return static_cast<TreeFacts::Index>(found - listing.begin());
}

const layers::TreeEntry* Package::find(std::string_view path) const {
  const auto index = index_of(path);
  return index ? &listing[*index] : nullptr;
}

base::Result<Package> examine(layers::LayerStore& store, layers::PreparedTree tree) {
  Package package;
  TRY_ASSIGN(package.listing, store.entries(tree));
  const std::string kept = store.facts(tree);
  auto facts = facts_from_bytes(kept, package.listing.size());
  if (facts) {
    package.facts = std::move(*facts);
  } else {
    package.facts = read_facts(tree.tree, package.listing);
    if (is_complete(package)) store.keep_facts(tree, to_bytes(package.facts));
  }
  package.tree = std::move(tree);
  return package;
}

}  // namespace diagnosis
