#pragma once

#include "diagnosis/file_view.hpp"
#include "diagnosis/resolution.hpp"

#include <string>
#include <string_view>

namespace diagnosis {

/// How the code says that it wants a package; the conditions of "exports" differ.
enum class NodeImport { require, import };

struct NodeSearch {
  /// 20 of nodejs20.x.
  int major = 0;
  /// NODE_PATH as the runtime has it: folders separated by colons.
  std::string node_path;
};

/// What require(specifier) or import takes in `from_file`, by Node.js' own algorithms ("Modules:
/// CommonJS modules", "Modules: ECMAScript modules", "Modules: Packages" of its documentation), and
/// for import, as on Lambda from Node.js 18 on, through NODE_PATH when nothing else has it.
Resolution resolve_node(const FileView& view, const NodeSearch& search, NodeImport how,
                        std::string_view specifier, std::string_view from_file);

}  // namespace diagnosis
