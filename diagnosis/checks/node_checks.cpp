// Node.js: what packages depend on, and how layers can be imported.
#include "diagnosis/checks/checks.hpp"
#include "diagnosis/npm_version.hpp"
#include "layers/entry_name.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace diagnosis {
namespace {

using nlohmann::json;
using Index = TreeFacts::Index;

/// Of all packages together; real ones have some ten thousand.
constexpr std::size_t most_dependencies = 500'000;

int major_of(const RuntimeProfile& runtime) {
  int major = 0;
  std::from_chars(runtime.version.data(), runtime.version.data() + runtime.version.size(), major);
  return major;
}

struct NodePackage {
  Owner owner;
  /// Below its package's root.
  std::string path;
  std::string version;
  json document;
};

/// From Node.js 18 on the runtime brings version 3 of the SDK, before that version 2.
bool is_bundled(std::string_view name, int major) {
  if (major < 18) return name == "aws-sdk";
  return name.starts_with("@aws-sdk/") || name.starts_with("@smithy/") ||
         name.starts_with("@aws-crypto/");
}

class NodeChecks {
 public:
  NodeChecks(const Subject& subject, std::vector<Finding>& findings)
      : subject_(subject), findings_(findings), major_(major_of(*subject.runtime)) {
    for_each_package(subject, [&](const Owner& owner, const Package& package) {
      const std::string root = owner.kind == Owner::Kind::code ? "/var/task" : "/opt";
      for (const auto& [index, text] : package.facts.package_json) {
        const std::string& path = package.listing[index].path;
        if (!shows(subject, owner, path)) continue;
        json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
        if (!document.is_object()) continue;
        NodePackage found{owner, path, text_of(document, "version"), std::move(document)};
        const std::string_view home = layers::parent_path(path);
        std::string folder = home.empty() ? root : root + "/" + std::string(home);
        if (is_installed(folder)) holders_.emplace(holder_of(folder));
        packages_.emplace(std::move(folder), std::move(found));
      }
    });
  }

  void run() {
    check_import();
    for (const auto& [folder, package] : packages_) {
      if (!is_installed(folder)) continue;
      // An optional dependency stands in both lists.
      std::set<std::string> optional;
      if (const auto list = package.document.find("optionalDependencies");
          list != package.document.end() && list->is_object())
        for (const auto& [name, range] : list->items()) optional.insert(name);
      check_list(folder, package, "dependencies", optional, true);
      check_list(folder, package, "peerDependencies", optional, false);
    }
    unmet_.move_to(findings_, "unmet-npm-dependency");
  }

 private:
  static std::string text_of(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
  }

  /// Directly in a node_modules folder, or in a scope there; others are parts of packages.
  static bool is_installed(const std::string& folder) {
    return file_name(holder_of(folder)) == "node_modules";
  }
  static std::string_view holder_of(std::string_view folder) {
    const std::string_view holder = layers::parent_path(folder);
    return file_name(holder).starts_with('@') ? layers::parent_path(holder) : holder;
  }

  void check_import() {
    if (major_ >= 18 || subject_.code == nullptr) return;
    bool layers_have_packages = false;
    for (const auto& [folder, package] : packages_)
      layers_have_packages |= package.owner.kind == Owner::Kind::layer && is_installed(folder);
    if (!layers_have_packages) return;
    std::string module;
    for (const layers::TreeEntry& entry : subject_.code->listing)
      if (entry.path.ends_with(".mjs") && entry.path.find("node_modules/") == std::string::npos) {
        module = entry.path;
        break;
      }
    if (const auto own = packages_.find("/var/task");
        module.empty() && own != packages_.end() &&
        text_of(own->second.document, "type") == "module")
      module = "package.json";
    if (module.empty()) return;
    findings_.push_back(
        finding_of("es-import-needs-nodejs18", "code", module,
                   "The code is an ES module and the layers bring packages; the function runs " +
                       subject_.runtime->identifier + "."));
  }

  /// Every node_modules folder that a file in `folder` is served from, the nearest first.
  std::vector<std::string> places_for(const std::string& folder) const {
    std::vector<std::string> places;
    for (std::string_view at = folder; !at.empty(); at = layers::parent_path(at))
      if (std::string place = std::string(at) + "/node_modules";
          file_name(at) != "node_modules" && holders_.contains(place))
        places.push_back(std::move(place));
    if (const auto set = subject_.variables.find("NODE_PATH"); set != subject_.variables.end()) {
      std::string_view rest = set->second;
      while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        places.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
      }
    } else {
      for (const std::string& opt : subject_.runtime->import_folders())
        places.push_back("/opt/" + opt);
      places.emplace_back("/var/task");
    }
    return places;
  }

  void check_list(const std::string& folder, const NodePackage& package, const char* list,
                  const std::set<std::string>& optional, bool must_be_there) {
    const auto wanted = package.document.find(list);
    if (wanted == package.document.end() || !wanted->is_object()) return;
    const auto places = places_for(folder);
    for (const auto& [name, range] : wanted->items()) {
      if (optional.contains(name) || !range.is_string()) continue;
      if (++dependencies_ > most_dependencies) return;
      const NodePackage* got = nullptr;
      for (const std::string& place : places)
        if (const auto found = packages_.find(place + "/" + name); found != packages_.end()) {
          got = &found->second;
          break;
        }
      complain(package, name, range.get<std::string>(), got, must_be_there);
    }
  }

  void complain(const NodePackage& package, const std::string& name, const std::string& range,
                const NodePackage* got, bool must_be_there) {
    const std::string who = text_of(package.document, "name") + " " + package.version;
    if (got == nullptr) {
      if (must_be_there && !is_bundled(name, major_))
        unmet_.add(package_name(subject_, package.owner),
                   who + " depends on " + name + " " + range + ", which nothing brings.",
                   package.path);
      return;
    }
    const auto wanted = NpmRange::parse(range);
    const auto version = NpmVersion::parse(got->version);
    if (!wanted || !version || wanted->contains(*version)) return;
    unmet_.add(package_name(subject_, package.owner),
               who + " depends on " + name + " " + range + " and gets " + got->version + " of " +
                   owner_text(subject_, got->owner) + ".",
               package.path);
  }

  const Subject& subject_;
  std::vector<Finding>& findings_;
  int major_;
  /// By folder inside.
  std::map<std::string, NodePackage> packages_;
  /// Folders named node_modules that hold packages.
  std::set<std::string, std::less<>> holders_;
  std::size_t dependencies_ = 0;
  MessageCollector unmet_;
};

}  // namespace

void check_nodejs(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.runtime || subject.runtime->language != RuntimeProfile::Language::nodejs) return;
  NodeChecks(subject, findings).run();
}

}  // namespace diagnosis
