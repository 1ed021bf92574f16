// Where things lie: search paths, folders of other versions, names.
#include "diagnosis/checks/checks.hpp"
#include "layers/entry_name.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

namespace diagnosis {
namespace {

using layers::TreeEntry;
using Language = RuntimeProfile::Language;

std::string language_folder(Language language) {
  switch (language) {
    case Language::python:
      return "python";
    case Language::nodejs:
      return "nodejs/node_modules";
    case Language::java:
      return "java/lib";
    case Language::ruby:
      return "ruby/lib";
    default:
      return {};
  }
}

std::string_view first_component(std::string_view path) {
  return path.substr(0, path.find('/'));
}

/// What macOS adds to every archive.
bool is_litter(std::string_view path) {
  return is_at_or_below(path, "__MACOSX") || file_name(path) == ".DS_Store";
}

/// A custom runtime reads what it likes.
bool has_known_folders(Language language) {
  return language == Language::python || language == Language::nodejs ||
         language == Language::java || language == Language::ruby;
}

/// What a layer looks like whose folder was forgotten.
struct Misplaced {
  std::string what;
  std::string where;
};

std::optional<Misplaced> misplaced(const Package& layer, const RuntimeProfile& runtime) {
  constexpr std::array known = {"python", "nodejs", "java", "ruby", "bin", "lib", "extensions"};
  std::set<std::string> tops;
  for (const TreeEntry& entry : layer.listing)
    if (!is_litter(entry.path)) tops.emplace(first_component(entry.path));
  if (tops.size() == 1 && std::find(known.begin(), known.end(), *tops.begin()) == known.end()) {
    const std::string& top = *tops.begin();
    for (const char* folder : known)
      if (layer.find(top + "/" + folder) != nullptr)
        return Misplaced{"its only folder is \"" + top + "/\", which holds \"" + folder + "/\"",
                         "Zip the content of \"" + top + "/\", not the folder itself."};
  }
  if (!has_known_folders(runtime.language)) return std::nullopt;
  const std::string right = language_folder(runtime.language);
  if (runtime.language == Language::python) {
    const bool packages =
        std::any_of(layer.facts.distributions.begin(), layer.facts.distributions.end(),
                    [&](const auto& known_one) {
                      return layers::parent_path(layer.listing[known_one.first].path).empty();
                    }) ||
        std::any_of(layer.listing.begin(), layer.listing.end(), [](const TreeEntry& entry) {
          const std::string_view parent = layers::parent_path(entry.path);
          return entry.path.ends_with(".py") &&
                 (parent.empty() ||
                  (entry.path.ends_with("/__init__.py") && layers::parent_path(parent).empty()));
        });
    if (packages)
      return Misplaced{"it looks like site-packages at the root of the archive",
                       "Put everything below \"python/\"."};
  }
  if (runtime.language == Language::nodejs) {
    if (tops.contains("node_modules"))
      return Misplaced{"node_modules lies at the root of the archive", "Put it below \"nodejs/\"."};
    for (const auto& [index, text] : layer.facts.package_json) {
      const std::string_view path = layer.listing[index].path;
      if (path == "nodejs/package.json" || layers::parent_path(path) == "nodejs") continue;
      const std::string_view home = layers::parent_path(path);
      const std::string_view holder = layers::parent_path(home);
      if (holder.empty() || holder == "nodejs" || holder.front() == '@')
        return Misplaced{"its packages lie outside of a node_modules folder",
                         "Put them below \"nodejs/node_modules/\"."};
    }
  }
  if (runtime.language == Language::java &&
      std::any_of(layer.listing.begin(), layer.listing.end(),
                  [](const TreeEntry& entry) { return entry.path.ends_with(".jar"); }))
    return Misplaced{"its jars lie elsewhere", "Put them into \"java/lib/\"."};
  for (const Language other : {Language::python, Language::nodejs, Language::java, Language::ruby})
    if (other != runtime.language) {
      const std::string folder = language_folder(other);
      if (layer.find(first_component(folder)) != nullptr)
        return Misplaced{
            "it has \"" + std::string(first_component(folder)) +
                "/\", which another language's runtime reads",
            "Attach it to functions of that language, or put the content into \"" + right + "/\"."};
    }
  return std::nullopt;
}

void check_reach(const Subject& subject, const Owner& owner, const Package& layer,
                 std::vector<Finding>& findings) {
  const RuntimeProfile& runtime = *subject.runtime;
  std::size_t files = 0;
  std::size_t reached = 0;
  bool brings_imports = false;
  std::map<std::string, std::pair<VersionFolder, std::size_t>> other_versions;
  for (const TreeEntry& entry : layer.listing) {
    if (entry.type == TreeEntry::Type::directory || is_litter(entry.path)) continue;
    ++files;
    if (runtime.reaches(entry.path)) {
      ++reached;
      for (const std::string& folder : runtime.import_folders())
        brings_imports = brings_imports || is_at_or_below(entry.path, folder);
      continue;
    }
    if (auto folder = version_folder(entry.path); folder && folder->language == runtime.language)
      ++other_versions.try_emplace(folder->folder, *folder, 0U).first->second.second;
  }
  const std::string name = package_name(subject, owner);
  const std::string right = runtime.import_folders().empty() ? "" : runtime.import_folders()[0];
  for (const auto& [folder, found] : other_versions) {
    Finding finding =
        finding_of("other-language-version", name, folder,
                   std::to_string(found.second) + (found.second == 1 ? " file is" : " files are") +
                       " for version " + found.first.version + "; the function runs " +
                       runtime.identifier + ", which looks into \"" + right + "/\".");
    // With nothing else in the layer it is of no use at all; one for several versions is fine.
    finding.severity = reached == 0     ? Severity::error
                       : brings_imports ? Severity::note
                                        : Severity::warning;
    findings.push_back(std::move(finding));
  }
  if (reached > 0 || files == 0 || !other_versions.empty()) return;
  // A wrapper or data that the code names by its full path needs no search path.
  const auto wrapper = subject.variables.find("AWS_LAMBDA_EXEC_WRAPPER");
  if (wrapper != subject.variables.end() && wrapper->second.starts_with("/opt/") &&
      layer.find(wrapper->second.substr(5)) != nullptr)
    return;
  const auto reason = misplaced(layer, runtime);
  Finding finding =
      finding_of("nothing-on-search-path", name, "",
                 "0 of " + std::to_string(files) + " files lie where " + runtime.identifier +
                     " looks" + (reason ? ": " + reason->what : std::string()) + ".");
  if (reason) {
    finding.remedy = reason->where;
  } else {
    finding.severity = Severity::note;
    finding.remedy =
        "If code opens the files by their full paths, all is well; else put them into " +
        (has_known_folders(runtime.language) ? "\"" + language_folder(runtime.language) + "/\"."
                                             : std::string("\"bin/\" or \"lib/\"."));
  }
  findings.push_back(std::move(finding));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

void check_names(const Subject& subject, const Owner& owner, const Package& package,
                 std::vector<Finding>& findings) {
  PathCollector backslashes;
  std::unordered_map<std::string, const std::string*> by_lower_case;
  by_lower_case.reserve(package.listing.size());
  PathCollector clashes;
  std::string twin;
  for (const TreeEntry& entry : package.listing) {
    if (file_name(entry.path).find('\\') != std::string_view::npos) backslashes.add(entry.path);
    const auto [known, is_new] = by_lower_case.try_emplace(lower_case(entry.path), &entry.path);
    if (is_new || layers::parent_path(*known->second) != layers::parent_path(entry.path)) continue;
    if (clashes.empty()) twin = *known->second;
    clashes.add(entry.path);
  }
  const std::string name = package_name(subject, owner);
  if (!backslashes.empty())
    findings.push_back(backslashes.finding(
        "backslash-name", name,
        std::to_string(backslashes.size()) + " names have a backslash where a folder was meant."));
  if (!clashes.empty())
    findings.push_back(
        clashes.finding("case-clash", name, "It differs from \"" + twin + "\" only in case."));
}

/// Two layers whose names clash only when put together.
void check_merged_names(const Subject& subject, std::vector<Finding>& findings) {
  std::unordered_map<std::string, const OptPath*> by_lower_case;
  by_lower_case.reserve(subject.opt->paths().size());
  for (const OptPath& path : subject.opt->paths()) {
    const std::string& name = path.merged.entry.path;
    const auto [known, is_new] = by_lower_case.try_emplace(lower_case(name), &path);
    if (is_new || known->second->merged.tree == path.merged.tree) continue;
    const std::string& other = known->second->merged.entry.path;
    if (layers::parent_path(other) != layers::parent_path(name)) continue;
    findings.push_back(finding_of(
        "case-clash", package_name(subject, {Owner::Kind::layer, path.merged.tree}), name,
        "It differs only in case from \"" + other + "\" of " +
            owner_text(subject, {Owner::Kind::layer, known->second->merged.tree}) + "."));
  }
}

void check_types(const Subject& subject, std::vector<Finding>& findings) {
  const auto type_text = [](const TreeEntry& entry) {
    switch (entry.type) {
      case TreeEntry::Type::directory:
        return "a folder";
      case TreeEntry::Type::symlink:
        return "a symbolic link";
      case TreeEntry::Type::file:
        break;
    }
    return "a file";
  };
  std::map<std::string, std::vector<std::string>> lost;
  for (const LostPath& path : subject.opt->lost())
    lost[path.hidden_by].push_back(subject.opt->entry(path.layer, path.index).path);
  for (const OptPath& path : subject.opt->paths())
    for (const Shadowed& below : path.shadowed) {
      if (below.how != Shadowed::How::type_conflict) continue;
      const TreeEntry& entry = subject.opt->entry(below.layer, below.index);
      Finding finding = finding_of(
          "type-conflict", package_name(subject, {Owner::Kind::layer, path.merged.tree}),
          path.merged.entry.path,
          std::string("It is ") + type_text(path.merged.entry) + " here and " + type_text(entry) +
              " in " + owner_text(subject, {Owner::Kind::layer, below.layer}) + ".");
      if (const auto hidden = lost.find(path.merged.entry.path); hidden != lost.end()) {
        finding.message +=
            " " + std::to_string(hidden->second.size()) + " entries below it are lost.";
        finding.more = hidden->second;
      }
      findings.push_back(std::move(finding));
    }
}

}  // namespace

void check_layout(const Subject& subject, std::vector<Finding>& findings) {
  for_each_package(subject, [&](const Owner& owner, const Package& package) {
    if (owner.kind == Owner::Kind::layer && subject.runtime)
      check_reach(subject, owner, package, findings);
    check_names(subject, owner, package, findings);
  });
  check_merged_names(subject, findings);
  check_types(subject, findings);
}

}  // namespace diagnosis
