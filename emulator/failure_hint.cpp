#include "emulator/failure_hint.hpp"

#include <algorithm>
#include <array>

namespace emulator {
namespace {

using diagnosis::Finding;
using diagnosis::Package;
using diagnosis::Subject;

/// Words of a failure, and the rules that can be behind it; the likeliest first.
struct Symptom {
  std::string_view words;
  std::vector<std::string_view> rules;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The text between `before` and the next quote of the kind that `before` ends with.
std::string_view quoted_after(std::string_view text, std::string_view before) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + before.size();
  const std::size_t end = text.find(before.back(), begin);
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin);
}

const Package* package_of(const Subject& subject, const std::string& name) {
  if (name == "code") return subject.code;
  for (const Package& layer : subject.opt->layers())
    if (layer.reference() == name) return &layer;
  return nullptr;
}

/// Whether the package has the module somewhere, in whatever folder.
bool holds_module(const Package& package, const std::string& module) {
  return std::any_of(
      package.listing.begin(), package.listing.end(), [&module](const layers::TreeEntry& entry) {
        const std::string_view path = entry.path;
        const std::size_t at = path.rfind(module);
        if (at == std::string_view::npos || (at > 0 && path[at - 1] != '/')) return false;
        const std::string_view rest = path.substr(at + module.size());
        return rest.empty() || rest == ".py" || (rest.starts_with('.') && rest.ends_with(".so"));
      });
}

/// A rule about where things lie explains a missing module only if the module lies there.
bool explains_missing(const Finding& finding, const Subject& subject, const std::string& module) {
  if (finding.id == "layers-hidden-by-variable")
    return std::any_of(subject.opt->layers().begin(), subject.opt->layers().end(),
                       [&module](const Package& layer) { return holds_module(layer, module); });
  if (finding.id == "unmet-requirement" || finding.id == "unmet-npm-dependency")
    return contains(finding.message, module);
  const Package* package = package_of(subject, finding.package);
  return package != nullptr && holds_module(*package, module);
}

const std::vector<Symptom>& symptoms() {
  static const std::vector<Symptom> all = {
      {"' not found (required by", {"system-library-wins", "newer-symbol-version"}},
      {"cannot open shared object file", {"missing-library"}},
      {"invalid ELF header", {"other-architecture"}},
      {"wrong ELF class", {"other-architecture"}},
      {"xec format error", {"other-architecture", "not-a-program"}},
      {"cannot import name",
       {"unmet-requirement", "mixed-package", "shadowed-by-code", "split-sdk", "stale-bytecode",
        "shadows-standard-library"}},
      {"' has no attribute '", {"mixed-package", "shadows-standard-library", "stale-bytecode"}},
      {"ermission denied", {"unreadable-code", "not-executable"}},
      {"exit status 126", {"not-executable"}},
      {"exit status 127", {"missing-wrapper", "carriage-return", "missing-script-interpreter"}},
      {"no such file or directory", {"carriage-return", "missing-script-interpreter"}},
  };
  return all;
}

/// The top-level name in "cannot import name 'x' from 'pkg.mod'" and "module 'pkg.mod' has no
/// attribute 'x'".
std::string_view blamed_package(std::string_view failure) {
  std::string_view name = quoted_after(failure, "' from '");
  if (name.empty()) name = quoted_after(failure, "module '");
  return name.substr(0, name.find('.'));
}

/// A finding explains a failure only if both are about the same thing.
bool names_it(std::string_view failure, const Finding& finding) {
  constexpr std::array about_packages = {"unmet-requirement", "mixed-package",
                                         "shadowed-by-code",  "split-sdk",
                                         "stale-bytecode",    "shadows-standard-library"};
  constexpr std::array about_files = {"unreadable-code", "not-executable", "carriage-return",
                                      "missing-script-interpreter"};
  const auto is_one_of = [&finding](const auto& ids) {
    return std::find(ids.begin(), ids.end(), finding.id) != ids.end();
  };
  if (finding.id == "missing-library") {
    const std::size_t end = failure.find(": cannot open");
    if (end == std::string_view::npos || end == 0) return false;
    const std::size_t begin = failure.find_last_of(" \"'", end - 1) + 1;
    return end > begin && contains(finding.message, failure.substr(begin, end - begin));
  }
  if (is_one_of(about_packages)) {
    const std::string_view package = blamed_package(failure);
    return !package.empty() &&
           (contains(finding.path, package) || contains(finding.message, package));
  }
  // What the start script could not start, it does not name.
  if (is_one_of(about_files) && !contains(failure, "exit status 12")) {
    const auto named = [failure](std::string_view path) {
      return !path.empty() && contains(failure, path);
    };
    return named(finding.path) || std::any_of(finding.more.begin(), finding.more.end(), named);
  }
  return true;
}

}  // namespace

std::string missing_module(std::string_view failure) {
  for (const std::string_view before :
       {"No module named '", "Cannot find module '", "Cannot find package '"}) {
    const std::string_view name = quoted_after(failure, before);
    if (name.empty()) continue;
    // A file of the function's own is no layer's fault.
    if (name.front() == '.' || name.front() == '/') return {};
    if (before.front() == 'N') return std::string(name.substr(0, name.find('.')));
    const std::size_t slash = name.find('/', name.front() == '@' ? name.find('/') + 1 : 0);
    return std::string(name.substr(0, slash));
  }
  return {};
}

std::optional<Finding> explain_failure(std::string_view failure, const Subject& subject,
                                       const std::vector<Finding>& findings) {
  const auto found = [&findings](std::string_view id, const auto& accept) -> const Finding* {
    for (const Finding& finding : findings)
      if (finding.id == id && accept(finding)) return &finding;
    return nullptr;
  };
  if (const std::string module = missing_module(failure); !module.empty()) {
    for (const std::string_view id :
         {"layers-hidden-by-variable", "nothing-on-search-path", "other-language-version",
          "other-python-extension", "other-architecture", "es-import-needs-nodejs18",
          "hidden-namespace", "old-six", "unmet-requirement", "unmet-npm-dependency"})
      if (const Finding* finding =
              found(id, [&](const Finding& one) { return explains_missing(one, subject, module); }))
        return *finding;
    return std::nullopt;
  }
  for (const Symptom& symptom : symptoms()) {
    if (!contains(failure, symptom.words)) continue;
    for (const std::string_view id : symptom.rules) {
      const auto accept = [&](const Finding& finding) { return names_it(failure, finding); };
      if (const Finding* finding = found(id, accept)) return *finding;
    }
  }
  return std::nullopt;
}

bool may_be_explained(std::string_view failure) {
  return !missing_module(failure).empty() ||
         std::any_of(symptoms().begin(), symptoms().end(), [failure](const Symptom& symptom) {
           return contains(failure, symptom.words);
         });
}

}  // namespace emulator
