// Python: versions, metadata, namespaces, bytecode.
#include "diagnosis/checks/checks.hpp"
#include "diagnosis/python_requirement.hpp"
#include "layers/entry_name.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace diagnosis {
namespace {

using layers::TreeEntry;
using Index = TreeFacts::Index;
using Ecosystem = PackageGroup::Ecosystem;

/// Of all packages together; real ones have some thousand.
constexpr std::size_t most_requirements = 200'000;

/// What AWS's images bring even where this host does not.
constexpr std::array bundled_names = {"boto3",           "botocore", "s3transfer", "jmespath",
                                      "python-dateutil", "six",      "urllib3"};

/// Public modules of the standard library that packages on PyPI were once made for, or whose names
/// people choose; sorted. Without those that the interpreter has loaded or built in before it looks
/// at sys.path: a file of such a name is never read. Source: the library reference of Python 3.8 to
/// 3.13.
constexpr std::array standard_modules = {
    "argparse",    "array",     "ast",         "asyncio",    "base64",       "bisect",
    "calendar",    "cmath",     "collections", "concurrent", "configparser", "contextlib",
    "contextvars", "copy",      "csv",         "ctypes",     "dataclasses",  "datetime",
    "decimal",     "difflib",   "dis",         "email",      "enum",         "fnmatch",
    "fractions",   "functools", "gettext",     "glob",       "graphlib",     "gzip",
    "hashlib",     "heapq",     "hmac",        "html",       "http",         "importlib",
    "inspect",     "ipaddress", "json",        "keyword",    "linecache",    "locale",
    "math",        "mimetypes", "numbers",     "operator",   "pathlib",      "pickle",
    "pkgutil",     "platform",  "pprint",      "queue",      "random",       "re",
    "sched",       "secrets",   "select",      "selectors",  "shutil",       "signal",
    "socket",      "sqlite3",   "ssl",         "statistics", "string",       "struct",
    "subprocess",  "tarfile",   "tempfile",    "textwrap",   "threading",    "timeit",
    "token",       "tokenize",  "traceback",   "types",      "typing",       "unittest",
    "urllib",      "uuid",      "warnings",    "weakref",    "xml",          "zipfile",
    "zlib",        "zoneinfo"};
static_assert(std::is_sorted(standard_modules.begin(), standard_modules.end(),
                             [](std::string_view a, std::string_view b) { return a < b; }));

/// Modules whose project has another name; what nobody named is found by the project's own name.
constexpr std::array module_names = {
    std::pair("attrs", "attr"),           std::pair("beautifulsoup4", "bs4"),
    std::pair("gitpython", "git"),        std::pair("pillow", "PIL"),
    std::pair("pycryptodome", "Crypto"),  std::pair("pyjwt", "jwt"),
    std::pair("pyopenssl", "OpenSSL"),    std::pair("python-dateutil", "dateutil"),
    std::pair("python-dotenv", "dotenv"), std::pair("pyyaml", "yaml"),
    std::pair("scikit-learn", "sklearn")};

/// Folders that projects put beside their packages by mistake; nobody imports them.
constexpr std::array bystanders = {"conftest", "docs", "examples", "setup", "test", "tests"};

/// A folder of sys.path that packages fill, as the function sees it.
struct Place {
  std::string inside;
  /// Owner and package of the entry that shows at a path of the place.
  struct Entry {
    const TreeEntry* entry = nullptr;
    Owner owner;
    const Package* package = nullptr;
    Index index = 0;
  };
  /// By path relative to the place.
  std::map<std::string, Entry, std::less<>> entries;
};

class PythonChecks {
 public:
  PythonChecks(const Subject& subject, const std::vector<PackageGroup>& groups,
               std::vector<Finding>& findings)
      : subject_(subject), groups_(groups), findings_(findings), runtime_(*subject.runtime) {
    for (const PackageGroup& group : groups)
      if (group.ecosystem == Ecosystem::python)
        by_name_.emplace(normalised_project_name(group.name), &group);
    tag_ = "cpython-" + runtime_.version;
    tag_.erase(std::remove(tag_.begin(), tag_.end(), '.'), tag_.end());
    if (subject.code != nullptr) {
      Place task{"/var/task", {}};
      const Package& code = *subject.code;
      for (Index i = 0; i < code.listing.size(); ++i)
        task.entries.emplace_hint(task.entries.end(), code.listing[i].path,
                                  Place::Entry{&code.listing[i], {Owner::Kind::code, 0}, &code, i});
      places_.push_back(std::move(task));
    }
    for (const std::string& folder : runtime_.import_folders()) {
      Place place{"/opt/" + folder, {}};
      const std::string prefix = folder + "/";
      for (const OptPath& path : subject.opt->paths()) {
        const std::string& name = path.merged.entry.path;
        if (!name.starts_with(prefix)) continue;
        const std::string_view relative = std::string_view(name).substr(prefix.size());
        // The other folder of sys.path lies in this one.
        if (folder == "python" && is_at_or_below(relative, "lib") && version_folder(name)) continue;
        // Both are sorted.
        place.entries.emplace_hint(place.entries.end(), relative,
                                   Place::Entry{&path.merged.entry,
                                                {Owner::Kind::layer, path.merged.tree},
                                                &subject.opt->layers()[path.merged.tree],
                                                path.index});
      }
      places_.push_back(std::move(place));
    }
  }

  void run() {
    for (const Place& place : places_) {
      check_extensions(place);
      check_bytecode(place);
      check_standard_names(place);
      check_six(place);
    }
    check_namespaces();
    check_metadata();
    check_requirements();
    check_sdk();
    check_pruned_layers();
    check_modules_of_code();
  }

 private:
  std::string path_of(const Place::Entry& entry) const { return entry.entry->path; }
  std::string name_of(const Owner& owner) const { return package_name(subject_, owner); }

  void check_extensions(const Place& place) {
    std::map<std::string, std::pair<PathCollector, std::string>> found;
    for (const auto& [path, entry] : place.entries) {
      const std::size_t at = path.find(".cpython-");
      if (at == std::string::npos || !path.ends_with(".so") ||
          entry.entry->type == TreeEntry::Type::directory)
        continue;
      const std::string tag = path.substr(at + 1, path.find_first_of("-.", at + 10) - at - 1);
      if (tag == tag_) continue;
      const std::string module = path.substr(0, at);
      if (has_usable(place, module)) continue;
      auto& [paths, other] = found[name_of(entry.owner)];
      paths.add(path_of(entry));
      if (other.empty()) other = tag;
    }
    for (const auto& [name, collected] : found)
      findings_.push_back(collected.first.finding("other-python-extension", name,
                                                  "It is for " + collected.second + "; " +
                                                      runtime_.identifier + " looks for " + tag_ +
                                                      "."));
  }

  /// The module can be imported by another file than that one.
  bool has_usable(const Place& place, const std::string& module) const {
    for (const char* suffix : {".abi3.so", ".so", ".py", ".pyc"})
      if (place.entries.contains(module + suffix)) return true;
    const std::string right = module + "." + tag_ + "-";
    const auto next = place.entries.lower_bound(right);
    return next != place.entries.end() && next->first.starts_with(right);
  }

  void check_bytecode(const Place& place) {
    std::map<std::string, PathCollector> useless;
    for (const auto& [path, entry] : place.entries) {
      const auto bytecode = entry.package->facts.bytecode.find(entry.index);
      if (bytecode == entry.package->facts.bytecode.end()) continue;
      const std::string_view folder = layers::parent_path(path);
      if (file_name(folder) != "__pycache__") continue;
      const std::string_view name = file_name(path);
      const std::string module(name.substr(0, name.find('.')));
      const std::string_view home = layers::parent_path(folder);
      const auto source = place.entries.find(
          home.empty() ? module + ".py" : std::string(home) + "/" + module + ".py");
      const std::string tag(name.substr(std::min(name.size(), module.size() + 1), tag_.size()));
      const bool other_version = tag != tag_ || source == place.entries.end();
      const bool current =
          bytecode->second.check != BytecodeFact::Check::by_time ||
          (source != place.entries.end() &&
           static_cast<std::uint32_t>(source->second.entry->mtime) ==
               bytecode->second.source_mtime &&
           static_cast<std::uint32_t>(source->second.entry->size) == bytecode->second.source_size);
      const bool other_source =
          source != place.entries.end() && is_of_other_source(entry, source->second);
      // Python finds out by itself where it compares hashes.
      const bool refused = other_source && bytecode->second.check == BytecodeFact::Check::by_hash;
      if (other_version || !current || refused)
        useless[name_of(entry.owner)].add(path_of(entry));
      else if (other_source)
        add_stale(entry, source->second, bytecode->second.check);
    }
    for (const auto& [name, paths] : useless)
      findings_.push_back(paths.finding("useless-bytecode", name,
                                        std::to_string(paths.size()) +
                                            (paths.size() == 1 ? " file is" : " files are") +
                                            " of no use to " + runtime_.identifier + "."));
  }

  /// Made of another source than the one that shows beside it.
  bool is_of_other_source(const Place::Entry& bytecode, const Place::Entry& source) const {
    if (bytecode.owner == source.owner) return false;
    // What the bytecode was made of lies in its own layer, hidden.
    const auto own = bytecode.package->index_of(source.entry->path);
    return !own ||
           bytecode.package->facts.digests[*own] != source.package->facts.digests[source.index];
  }

  void add_stale(const Place::Entry& bytecode, const Place::Entry& source,
                 BytecodeFact::Check check) {
    findings_.push_back(
        finding_of("stale-bytecode", name_of(bytecode.owner), path_of(bytecode),
                   "It does not belong to " + source.entry->path + " of " +
                       owner_text(subject_, source.owner) +
                       (check == BytecodeFact::Check::never
                            ? ", but it was compiled to run without a look at the source."
                            : ", but time and size of that file are those that it was made for.")));
  }

  void check_standard_names(const Place& place) {
    std::map<std::string, PathCollector> found;
    for (const auto& [path, entry] : place.entries) {
      if (path.find('/') != std::string::npos) continue;
      const bool directory = entry.entry->type == TreeEntry::Type::directory;
      if (!directory && !path.ends_with(".py")) continue;
      if (directory && !place.entries.contains(path + "/__init__.py")) continue;
      const std::string module = path.substr(0, path.find('.'));
      if (std::binary_search(standard_modules.begin(), standard_modules.end(),
                             std::string_view(module)))
        found[name_of(entry.owner)].add(path_of(entry));
    }
    for (const auto& [name, paths] : found)
      findings_.push_back(paths.finding("shadows-standard-library", name,
                                        "The standard library has a module of that name."));
  }

  void check_six(const Place& place) {
    const auto runtime = PythonVersion::parse(runtime_.version);
    if (!runtime || *runtime < *PythonVersion::parse("3.12")) return;
    std::map<std::string, std::pair<PathCollector, std::string>> found;
    for (const auto& [path, entry] : place.entries) {
      const auto six = entry.package->facts.six_versions.find(entry.index);
      if (six == entry.package->facts.six_versions.end()) continue;
      const auto version = PythonVersion::parse(six->second);
      if (!version || *version >= *PythonVersion::parse("1.16")) continue;
      auto& [paths, first] = found[name_of(entry.owner)];
      paths.add(path_of(entry));
      if (first.empty()) first = six->second;
    }
    for (const auto& [name, collected] : found)
      findings_.push_back(collected.first.finding("old-six", name,
                                                  "It is six " + collected.second +
                                                      ", and the function runs " +
                                                      runtime_.identifier + "."));
  }

  enum class Kind { none, module, regular, legacy, portion };

  /// What `import` makes of a path of the place, which stands for a module without its suffix.
  Kind kind_of(const Place& place, const std::string& path) const {
    const auto entry = place.entries.find(path);
    if (entry == place.entries.end() || entry->second.entry->type != TreeEntry::Type::directory)
      return place.entries.contains(path + ".py") ? Kind::module : Kind::none;
    const auto init = place.entries.find(path + "/__init__.py");
    if (init != place.entries.end()) {
      const auto& legacy = init->second.package->facts.legacy_namespaces;
      return std::binary_search(legacy.begin(), legacy.end(), init->second.index) ? Kind::legacy
                                                                                  : Kind::regular;
    }
    if (place.entries.contains(path + "/__init__.pyc")) return Kind::regular;
    const std::string prefix = path + "/";
    for (auto at = place.entries.lower_bound(prefix);
         at != place.entries.end() && at->first.starts_with(prefix); ++at)
      if (at->first.ends_with(".py") || at->first.ends_with(".so")) return Kind::portion;
    return Kind::none;
  }

  /// Whether every place that has the folder takes it for a part of a namespace.
  bool is_namespace(const std::string& path) const {
    return std::none_of(places_.begin(), places_.end(), [&](const Place& place) {
      const Kind kind = kind_of(place, path);
      return kind == Kind::regular || kind == Kind::module;
    });
  }

  void check_namespaces() {
    for (std::size_t i = 0; i < places_.size(); ++i) check_namespaces_in(i, "");
  }

  /// The portions directly below a folder of place `i`, and those in them.
  void check_namespaces_in(std::size_t i, const std::string& folder) {
    const auto& entries = places_[i].entries;
    for (auto at = entries.lower_bound(folder);
         at != entries.end() && at->first.starts_with(folder); ++at) {
      const std::string& path = at->first;
      if (path.find('/', folder.size()) != std::string::npos ||
          at->second.entry->type != TreeEntry::Type::directory ||
          kind_of(places_[i], path) != Kind::portion)
        continue;
      if (is_namespace(path)) {
        check_namespaces_in(i, path + "/");
        continue;
      }
      add_hidden_namespace(i, path, at->second);
    }
  }

  void add_hidden_namespace(std::size_t i, const std::string& path, const Place::Entry& portion) {
    std::string module = path;
    std::replace(module.begin(), module.end(), '/', '.');
    for (std::size_t j = 0; j < places_.size(); ++j) {
      if (i == j || kind_of(places_[j], path) != Kind::regular) continue;
      const auto& winner = places_[j].entries.find(path)->second;
      findings_.push_back(finding_of("hidden-namespace", name_of(portion.owner), path_of(portion),
                                     "It is a portion of the namespace package \"" + module +
                                         "\", and " + owner_text(subject_, winner.owner) +
                                         " has a regular package of that name in " +
                                         places_[j].inside + "."));
      return;
    }
  }

  /// Modules that the code has as well, with other content, where no metadata tells of versions.
  void check_modules_of_code() {
    if (subject_.code == nullptr) return;
    const Place& task = places_.front();
    std::map<std::string, std::pair<PathCollector, std::string>> found;
    std::set<std::string> told;
    for (std::size_t i = 1; i < places_.size(); ++i)
      for (const auto& [path, entry] : places_[i].entries) {
        if (path.find('/') != std::string::npos) continue;
        const std::string module = path.substr(0, path.find('.'));
        const Kind ours = kind_of(task, module);
        const Kind theirs = kind_of(places_[i], module);
        if ((ours != Kind::regular && ours != Kind::module) ||
            (theirs != Kind::regular && theirs != Kind::module) ||
            std::find(bystanders.begin(), bystanders.end(), module) != bystanders.end() ||
            (has_metadata(*subject_.code, module) && has_metadata(*entry.package, module)) ||
            is_same_module(task, places_[i], module) || !told.insert(module).second)
          continue;
        auto& [paths, first] = found[name_of(entry.owner)];
        paths.add(path_of(entry));
        if (first.empty()) first = module + (ours == Kind::regular ? "/" : ".py");
      }
    for (const auto& [name, collected] : found)
      findings_.push_back(collected.first.finding(
          "shadowed-by-code", name,
          "The code has \"" + collected.second + "\" as well, and not with the same content."));
  }

  static bool has_metadata(const Package& package, const std::string& module) {
    return std::any_of(package.facts.distributions.begin(), package.facts.distributions.end(),
                       [&module](const auto& known) {
                         const auto& names = known.second.top_level;
                         return std::find(names.begin(), names.end(), module) != names.end();
                       });
  }

  /// Whether the second place has nothing of the module that the first has not.
  static bool is_same_module(const Place& first, const Place& second, const std::string& module) {
    for (auto at = second.entries.lower_bound(module);
         at != second.entries.end() && at->first.starts_with(module); ++at) {
      const auto& [path, entry] = *at;
      if ((path != module + ".py" && !path.starts_with(module + "/")) ||
          entry.entry->type != TreeEntry::Type::file || path.ends_with(".pyc"))
        continue;
      const auto other = first.entries.find(path);
      if (other == first.entries.end() ||
          other->second.package->facts.digests[other->second.index] !=
              entry.package->facts.digests[entry.index])
        return false;
    }
    return true;
  }

  bool metadata_shows(const PackageCopy& copy) const {
    if (copy.owner.kind != Owner::Kind::layer) return true;
    return subject_.opt->find(copy.metadata_path) != nullptr;
  }

  void check_metadata() {
    for (const PackageGroup& group : groups_) {
      if (group.ecosystem != Ecosystem::python) continue;
      std::map<std::string, std::vector<const PackageCopy*>> by_place;
      for (const PackageCopy& copy : group.copies)
        if (copy.owner.kind != Owner::Kind::runtime && metadata_shows(copy))
          by_place[copy.place].push_back(&copy);
      for (const auto& [place, copies] : by_place) {
        std::set<std::string> versions;
        for (const PackageCopy* copy : copies) versions.insert(copy->version);
        if (versions.size() < 2) continue;
        PathCollector paths;
        std::string listed;
        for (const PackageCopy* copy : copies) {
          paths.add(copy->metadata_path);
          listed += (listed.empty() ? "" : ", ") + copy->version + " of " +
                    owner_text(subject_, copy->owner);
        }
        findings_.push_back(paths.finding("two-versions-of-metadata",
                                          name_of(copies.front()->owner),
                                          group.name + " is in " + place + " as " + listed + "."));
      }
    }
  }

  const PackageGroup* group_of(const std::string& project) const {
    const auto found = by_name_.find(normalised_project_name(project));
    return found == by_name_.end() ? nullptr : found->second;
  }

  bool module_is_there(const std::string& project) const {
    const std::string name = normalised_project_name(project);
    std::vector<std::string> modules = {name, name};
    std::replace(modules[0].begin(), modules[0].end(), '-', '_');
    // "zope.interface".
    std::replace(modules[1].begin(), modules[1].end(), '-', '/');
    for (const auto& [known, module] : module_names)
      if (name == known) modules.emplace_back(module);
    return std::any_of(modules.begin(), modules.end(), [this](const std::string& module) {
      return std::any_of(places_.begin(), places_.end(), [&module](const Place& place) {
        return place.entries.contains(module) || place.entries.contains(module + ".py");
      });
    });
  }

  void check_requirements() {
    const PythonEnvironment environment{runtime_.version,
                                        subject_.architecture == "arm64" ? "aarch64" : "x86_64"};
    for (const PackageGroup& group : groups_) {
      const PackageCopy* winner = group.winner();
      // This host's copy of what the runtime brings is of another version than AWS's.
      if (group.ecosystem != Ecosystem::python || winner == nullptr ||
          winner->distribution == nullptr || winner->owner.kind == Owner::Kind::runtime)
        continue;
      check_python_version(group, *winner);
      for (const std::string& text : winner->distribution->requires_dist) {
        if (++requirements_ > most_requirements) break;
        const auto requirement = PythonRequirement::parse(text);
        if (requirement && requirement->applies(environment))
          check_requirement(group, *winner, *requirement);
      }
    }
    check_runtime_sdk(environment);
    unmet_.move_to(findings_, "unmet-requirement");
    pruned_.move_to(findings_, "pruned-metadata");
  }

  /// What the botocore in AWS's images requires of packages that may be shadowed. Source: its
  /// setup.cfg since 1.34.63; on Python 3.8 and 3.9 it never took urllib3 2.
  void check_runtime_sdk(const PythonEnvironment& environment) {
    const PackageGroup* sdk = group_of("botocore");
    if (sdk != nullptr && sdk->winner()->owner.kind != Owner::Kind::runtime) return;
    for (const char* text : {"urllib3 >=1.25.4,<1.27 ; python_version < \"3.10\"",
                             "urllib3 >=1.25.4,!=2.2.0,<3 ; python_version >= \"3.10\"",
                             "jmespath >=0.7.1,<2.0.0", "python-dateutil >=2.1,<3.0.0"}) {
      const auto requirement = PythonRequirement::parse(text);
      if (!requirement || !requirement->applies(environment)) continue;
      const PackageGroup* needed = group_of(requirement->name);
      if (needed == nullptr) continue;
      const PackageCopy* got = needed->winner();
      const auto version = PythonVersion::parse(got->version);
      if (got->owner.kind == Owner::Kind::runtime || !version ||
          requirement->specifiers.contains(*version))
        continue;
      unmet_.add(name_of(got->owner),
                 "The function gets " + needed->name + " " + got->version + " of " +
                     owner_text(subject_, got->owner) +
                     ", which shadows the runtime's; the botocore of " + runtime_.identifier +
                     " requires " + requirement->specifiers_text + ".",
                 got->metadata_path);
    }
  }

  void check_python_version(const PackageGroup& group, const PackageCopy& copy) {
    const auto wanted = PythonSpecifiers::parse(copy.distribution->requires_python);
    // The runtime's patch release is not known: either end will do.
    const auto oldest = PythonVersion::parse(runtime_.version + ".0");
    const auto newest = PythonVersion::parse(runtime_.version + ".99");
    if (!wanted || !oldest || !newest || wanted->contains(*oldest) || wanted->contains(*newest))
      return;
    findings_.push_back(finding_of("requires-python", name_of(copy.owner), copy.metadata_path,
                                   group.name + " " + copy.version + " is for Python " +
                                       copy.distribution->requires_python + "; the function runs " +
                                       runtime_.identifier + "."));
  }

  void check_requirement(const PackageGroup& group, const PackageCopy& copy,
                         const PythonRequirement& requirement) {
    const std::string who =
        group.name + " " + copy.version + " of " + owner_text(subject_, copy.owner);
    const std::string wish =
        requirement.name +
        (requirement.specifiers_text.empty() ? std::string() : " " + requirement.specifiers_text);
    const std::string where = copy.metadata_path;
    const PackageGroup* needed = group_of(requirement.name);
    if (needed == nullptr) {
      if (is_bundled_on_aws(requirement.name) || subject_.incomplete) return;
      if (module_is_there(requirement.name)) {
        pruned_.add(name_of(copy.owner),
                    who + " requires " + wish + ", which is there without its metadata.", where);
      } else {
        unmet_.add(name_of(copy.owner), who + " requires " + wish + ", which nothing brings.",
                   where);
      }
      return;
    }
    const PackageCopy* got = needed->winner();
    const auto version = PythonVersion::parse(got->version);
    if (!version || got->owner.kind == Owner::Kind::runtime ||
        requirement.specifiers.contains(*version))
      return;
    std::string message = "The function gets " + needed->name + " " + got->version + " of " +
                          owner_text(subject_, got->owner);
    for (const PackageCopy& other : needed->copies) {
      const auto hidden = PythonVersion::parse(other.version);
      if (&other == got || !hidden || !requirement.specifiers.contains(*hidden)) continue;
      message += ", which shadows " + other.version + " of " + owner_text(subject_, other.owner);
      break;
    }
    message += "; " + who + " requires " + wish + ".";
    // It is the one that brings the wrong version who can mend it.
    unmet_.add(name_of(got->owner), message, got->metadata_path);
  }

  bool is_bundled_on_aws(const std::string& project) const {
    const std::string name = normalised_project_name(project);
    return std::find(bundled_names.begin(), bundled_names.end(), name) != bundled_names.end();
  }

  /// By their folders, because metadata is often pruned: what nobody brings is the runtime's.
  void check_sdk() {
    const Place::Entry* brought = nullptr;
    std::string brought_parts;
    std::string runtime_parts;
    for (const std::string part : {"boto3", "botocore", "s3transfer"}) {
      const auto place = std::find_if(places_.begin(), places_.end(), [&](const Place& candidate) {
        return kind_of(candidate, part) == Kind::regular;
      });
      if (place == places_.end()) {
        runtime_parts += (runtime_parts.empty() ? "" : " and ") + part;
        continue;
      }
      const auto& entry = place->entries.find(part)->second;
      if (brought == nullptr) brought = &entry;
      brought_parts += (brought_parts.empty() ? "" : ", ") + part + version_text(part) +
                       " comes from " + place->inside;
    }
    if (brought == nullptr || runtime_parts.empty() || subject_.incomplete) return;
    findings_.push_back(
        finding_of("split-sdk", name_of(brought->owner), path_of(*brought),
                   brought_parts + ", but " + runtime_parts +
                       (runtime_parts.find(" and ") == std::string::npos ? " comes" : " come") +
                       " from the runtime."));
  }

  /// " 1.34.0" of what the function gets; empty when nothing tells.
  std::string version_text(const std::string& project) const {
    const PackageGroup* group = group_of(project);
    if (group == nullptr || group->winner()->owner.kind == Owner::Kind::runtime) return {};
    return " " + group->winner()->version;
  }

  /// Layers from which every *.dist-info was removed, though something in them asks for it.
  void check_pruned_layers() {
    for (std::size_t i = 0; i < subject_.opt->layers().size(); ++i) {
      const Package& layer = subject_.opt->layers()[i];
      if (!layer.facts.distributions.empty() || layer.facts.metadata_users.empty()) continue;
      std::set<std::string> tops;
      for (const std::string& folder : runtime_.import_folders())
        for (const TreeEntry& entry : layer.listing)
          if (entry.path.ends_with("/__init__.py") && entry.path.starts_with(folder + "/")) {
            const std::string relative = entry.path.substr(folder.size() + 1);
            if (std::count(relative.begin(), relative.end(), '/') == 1)
              tops.insert(relative.substr(0, relative.find('/')));
          }
      if (tops.size() < 2) continue;
      findings_.push_back(
          finding_of("pruned-metadata", layer.reference(),
                     layer.listing[layer.facts.metadata_users.front()].path,
                     "It asks for the metadata of installed packages, and none of the " +
                         std::to_string(tops.size()) + " packages of the layer has any."));
    }
  }

  const Subject& subject_;
  const std::vector<PackageGroup>& groups_;
  std::vector<Finding>& findings_;
  const RuntimeProfile& runtime_;
  /// "cpython-311".
  std::string tag_;
  /// In the order of sys.path.
  std::vector<Place> places_;
  std::map<std::string, const PackageGroup*> by_name_;
  std::size_t requirements_ = 0;
  MessageCollector unmet_;
  MessageCollector pruned_;
};

}  // namespace

void check_python(const Subject& subject, const std::vector<PackageGroup>& groups,
                  std::vector<Finding>& findings) {
  if (!subject.runtime || subject.runtime->language != RuntimeProfile::Language::python) return;
  PythonChecks(subject, groups, findings).run();
}

}  // namespace diagnosis
