// Stand-ins until the real ones are merged.
#include "diagnosis/node_search.hpp"

namespace diagnosis {
#define PENDING __attribute__((weak))
PENDING Resolution resolve_node(const FileView&, const NodeSearch&, NodeImport, std::string_view,
                                std::string_view) {
  return {};
}
}  // namespace diagnosis
