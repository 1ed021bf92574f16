// Environment variables of the function that take the place of the runtime's own.
#include "diagnosis/checks/checks.hpp"

#include <algorithm>

namespace diagnosis {
namespace {

using Language = RuntimeProfile::Language;

/// A search path of which the runtime's own value has folders below /opt.
struct SearchVariable {
  std::string_view name;
  std::vector<std::string> folders;
};

std::vector<SearchVariable> search_variables(const std::optional<RuntimeProfile>& runtime) {
  std::vector<SearchVariable> variables = {{"LD_LIBRARY_PATH", {"lib"}}, {"PATH", {"bin"}}};
  if (!runtime) return variables;
  const auto folders = runtime->import_folders();
  if (runtime->language == Language::python) variables.push_back({"PYTHONPATH", folders});
  if (runtime->language == Language::nodejs) variables.push_back({"NODE_PATH", folders});
  if (runtime->language == Language::ruby) {
    variables.push_back({"GEM_PATH", {folders[0]}});
    variables.push_back({"RUBYLIB", {folders[1]}});
  }
  return variables;
}

bool lists(std::string_view value, std::string_view folder) {
  while (!value.empty()) {
    const std::size_t colon = value.find(':');
    std::string_view item = value.substr(0, colon);
    value.remove_prefix(colon == std::string_view::npos ? value.size() : colon + 1);
    while (item.size() > 1 && item.ends_with('/')) item.remove_suffix(1);
    if (item == folder) return true;
  }
  return false;
}

/// Whether a layer has files below the folder, other than in the folder of one version there.
bool any_layer_fills(const Subject& subject, const std::string& folder) {
  const auto fills = [&folder](const layers::TreeEntry& entry) {
    if (entry.type == layers::TreeEntry::Type::directory || !is_at_or_below(entry.path, folder))
      return false;
    const auto version = version_folder(entry.path);
    return !version || version->folder == folder;
  };
  return std::any_of(subject.opt->layers().begin(), subject.opt->layers().end(),
                     [&fills](const Package& layer) {
                       return std::any_of(layer.listing.begin(), layer.listing.end(), fills);
                     });
}

}  // namespace

void check_variables(const Subject& subject, std::vector<Finding>& findings) {
  for (const SearchVariable& variable : search_variables(subject.runtime)) {
    const auto set = subject.variables.find(std::string(variable.name));
    if (set == subject.variables.end()) continue;
    for (const std::string& folder : variable.folders) {
      const std::string inside = "/opt/" + folder;
      if (lists(set->second, inside) || !any_layer_fills(subject, folder)) continue;
      findings.push_back(finding_of("layers-hidden-by-variable", "", "",
                                    std::string(variable.name) + "=" + set->second +
                                        " is set by the function, so \"" + inside +
                                        "\" is not searched."));
    }
  }
}

}  // namespace diagnosis
