#pragma once

#include "base/result.hpp"
#include "emulator/command_line.hpp"
#include "layers/layer_store.hpp"
#include "layers/merge.hpp"
#include "layers/zip_writer.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace emulator {

/// The code and the layers of a function as one package without layers: what somebody would deploy
/// who gave up layers. Modules go where the runtime finds them without /opt: Python's beside the
/// handler, Node.js' into node_modules; all else keeps its path (lib/, which is on the library path
/// in a package, too). A function that names /opt, or takes programs from /opt/bin, does not work
/// so, and is said not to.

/// One entry of the bundle and where its content is.
struct BundledEntry {
  layers::TreeEntry entry;
  /// 0 for the code, else the number of the layer.
  std::size_t package = 0;
  /// Path in that package's tree.
  std::string source;
};

/// `opt` is the merged /opt, its trees counted from 0 in the order of the layers. What the runtime
/// would have found first wins, by whole modules and packages as the search does. Pure.
std::vector<BundledEntry> plan_bundle(const std::string& runtime,
                                      const std::vector<layers::MergedEntry>& opt,
                                      const layers::TreeListing& code);

/// Packs the selection's code and layers into a zip at `file`, which must not exist.
base::Result<void> make_bundle(const FunctionSelection& selection, layers::LayerStore& store,
                               const std::filesystem::path& file,
                               layers::ZipCompression compression);

}  // namespace emulator
