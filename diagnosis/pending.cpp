// Stand-ins until the real ones are merged.
#include "diagnosis/node_search.hpp"
#include "diagnosis/npm_version.hpp"
#include "diagnosis/python_requirement.hpp"

namespace diagnosis {
#define PENDING __attribute__((weak))
PENDING Resolution resolve_node(const FileView&, const NodeSearch&, NodeImport, std::string_view,
                                std::string_view) {
  return {};
}
PENDING std::optional<NpmVersion> NpmVersion::parse(std::string_view) { return {}; }
PENDING std::optional<NpmRange> NpmRange::parse(std::string_view) { return {}; }
PENDING bool NpmRange::contains(const NpmVersion&) const { return true; }
PENDING std::optional<PythonVersion> PythonVersion::parse(std::string_view) { return {}; }
PENDING std::strong_ordering PythonVersion::operator<=>(const PythonVersion&) const { return std::strong_ordering::equal; }
PENDING std::optional<PythonSpecifiers> PythonSpecifiers::parse(std::string_view) { return {}; }
PENDING bool PythonSpecifiers::contains(const PythonVersion&) const { return true; }
PENDING std::optional<PythonRequirement> PythonRequirement::parse(std::string_view) { return {}; }
PENDING bool PythonRequirement::applies(const PythonEnvironment&) const { return true; }
}  // namespace diagnosis
