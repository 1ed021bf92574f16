#pragma once

#include "base/result.hpp"
#include "diagnosis/tree_facts.hpp"
#include "layers/layer_store.hpp"
#include "layers/prepared_tree.hpp"
#include "layers/tree_listing.hpp"

#include <string>

namespace diagnosis {

/// A layer or the code with everything that diagnosis needs to know of it. A value.
struct Package {
  layers::PreparedTree tree;
  layers::TreeListing listing;
  TreeFacts facts;

  const std::string& reference() const { return tree.reference; }
  /// Of an entry, below the root of the package; nothing when there is none.
  const layers::TreeEntry* find(std::string_view path) const;
  /// Its index in the listing.
  std::optional<TreeFacts::Index> index_of(std::string_view path) const;
};

/// The facts are computed the first time and kept in the store; those of a folder used in place are
/// computed each time, since nothing tells when they change.
base::Result<Package> examine(layers::LayerStore& store, layers::PreparedTree tree);

}  // namespace diagnosis
