// Environment variables of the function that take the place of the runtime's own.
#include <array>

#include "diagnosis/checks/checks.hpp"

namespace diagnosis {
namespace {

struct SearchVariable {
  std::string_view name;
  /// What must stand in it for layers to be found.
  std::string_view wanted;
  std::optional<RuntimeProfile::Language> language;
  /// A folder below /opt whose being there makes it matter.
  std::string_view folder;
};

bool any_layer_has(const Subject& subject, std::string_view folder) {
  for (const Package& layer : subject.opt->layers())
    if (layer.find(folder) != nullptr) return true;
  return false;
}

}  // namespace

void check_variables(const Subject& subject, std::vector<Finding>& findings) {
  using Language = RuntimeProfile::Language;
  constexpr std::array variables = {
      SearchVariable{"PYTHONPATH", "/opt/python", Language::python, "python"},
      SearchVariable{"NODE_PATH", "/opt/nodejs", Language::nodejs, "nodejs"},
      SearchVariable{"GEM_PATH", "/opt/ruby/gems", Language::ruby, "ruby/gems"},
      SearchVariable{"RUBYLIB", "/opt/ruby/lib", Language::ruby, "ruby/lib"},
      SearchVariable{"LD_LIBRARY_PATH", "/opt/lib", std::nullopt, "lib"},
      SearchVariable{"PATH", "/opt/bin", std::nullopt, "bin"},
  };
  for (const SearchVariable& variable : variables) {
    const auto set = subject.variables.find(std::string(variable.name));
    if (set == subject.variables.end() || set->second.find(variable.wanted) != std::string::npos ||
        !any_layer_has(subject, variable.folder))
      continue;
    if (variable.language && (!subject.runtime || subject.runtime->language != *variable.language))
      continue;
    std::string message = std::string(variable.name) + "=" + set->second +
                          " is set by the function, so \"/opt/" + std::string(variable.folder) +
                          "\" is not searched.";
    findings.push_back(finding_of("layers-hidden-by-variable", "", "", std::move(message)));
  }
}

}  // namespace diagnosis
