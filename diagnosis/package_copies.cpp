#include "diagnosis/package_copies.hpp"

#include "diagnosis/python_version.hpp"
#include "layers/entry_name.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

namespace diagnosis {
namespace {

using layers::file_name;
using layers::TreeEntry;
using Ecosystem = PackageGroup::Ecosystem;
using Index = TreeFacts::Index;
using Language = RuntimeProfile::Language;

/// Folders of a tree in which a language looks, and where they are inside; the first one first.
struct SearchFolder {
  Owner owner;
  const Package* package = nullptr;
  /// Below the tree's root; empty for the root itself.
  std::string folder;
  std::string place;
};

bool is_python_byproduct(std::string_view path) {
  return path.ends_with(".pyc") || path.find("__pycache__") != std::string_view::npos;
}

class Collector {
 public:
  Collector(const OptView& opt, const Package* code, const std::optional<RuntimeProfile>& runtime)
      : opt_(opt), code_(code), runtime_(runtime) {}

  std::vector<PackageGroup> collect(const std::vector<BundledDistribution>& bundled) {
    if (speaks(Language::python)) {
      for (const SearchFolder& folder : folders(Language::python, "")) add_python(folder);
      for (const BundledDistribution& bundle : bundled) {
        PackageCopy copy;
        copy.version = bundle.distribution.version;
        copy.owner.kind = Owner::Kind::runtime;
        copy.place = bundle.place;
        copy.metadata = bundle.place;
        copy.distribution = &bundle.distribution;
        add(Ecosystem::python, bundle.distribution.name, std::move(copy));
      }
    }
    if (speaks(Language::nodejs))
      for (const SearchFolder& folder : folders(Language::nodejs, "node_modules")) add_node(folder);
    if (speaks(Language::ruby)) add_named(Ecosystem::ruby);
    if (speaks(Language::java)) add_named(Ecosystem::java);
    add_libraries();
    std::vector<PackageGroup> groups;
    for (auto& [key, group] : groups_) {
      sort_by_search(group);
      groups.push_back(std::move(group));
    }
    return groups;
  }

 private:
  bool speaks(Language language) const { return !runtime_ || runtime_->language == language; }

  /// Code first, then the layers' folders in the order of the search, the last layer first.
  std::vector<SearchFolder> folders(Language language, const std::string& in_code) const {
    std::vector<SearchFolder> found;
    if (code_ != nullptr)
      found.push_back({{Owner::Kind::code, 0},
                       code_,
                       in_code,
                       in_code.empty() ? "/var/task" : "/var/task/" + in_code});
    std::vector<std::string> in_layers;
    if (runtime_) {
      in_layers = runtime_->import_folders();
    } else {
      in_layers = {language == Language::python ? "python" : "nodejs/node_modules"};
    }
    for (const std::string& folder : in_layers)
      for (std::size_t i = opt_.layers().size(); i-- > 0;)
        found.push_back({{Owner::Kind::layer, i}, &opt_.layers()[i], folder, "/opt/" + folder});
    return found;
  }

  bool shows(const SearchFolder& folder, Index index) const {
    return folder.owner.kind == Owner::Kind::code ||
           opt_.shows(folder.owner.layer, folder.package->listing[index].path);
  }

  PackageCopy copy_in(const SearchFolder& folder, Index metadata) const {
    PackageCopy copy;
    copy.owner = folder.owner;
    copy.place = folder.place;
    const std::string& path = folder.package->listing[metadata].path;
    copy.metadata_path = path;
    copy.metadata = (folder.owner.kind == Owner::Kind::code ? "/var/task/" : "/opt/") + path;
    return copy;
  }

  void add(Ecosystem ecosystem, const std::string& name, PackageCopy copy) {
    const std::string key = ecosystem == Ecosystem::python ? normalised_project_name(name) : name;
    PackageGroup& group = groups_[{ecosystem, key}];
    group.ecosystem = ecosystem;
    if (group.name.empty()) group.name = name;
    group.copies.push_back(std::move(copy));
  }

  void add_file(const SearchFolder& folder, PackageCopy& copy, Index index) const {
    const TreeEntry& entry = folder.package->listing[index];
    if (entry.type == TreeEntry::Type::directory) return;
    copy.files.push_back(index);
    if (shows(folder, index)) copy.visible.push_back(index);
  }

  /// Everything below a folder of the package's tree that `wanted` accepts.
  template <typename Wanted>
  void add_below(const SearchFolder& folder, PackageCopy& copy, const std::string& path,
                 Wanted wanted) const {
    const layers::TreeListing& listing = folder.package->listing;
    const std::string prefix = path + "/";
    auto at = std::lower_bound(
        listing.begin(), listing.end(), prefix,
        [](const TreeEntry& entry, const std::string& text) { return entry.path < text; });
    for (; at != listing.end() && at->path.starts_with(prefix); ++at)
      if (wanted(at->path)) add_file(folder, copy, static_cast<Index>(at - listing.begin()));
  }

  void add_python(const SearchFolder& folder) {
    std::vector<std::pair<std::string, PackageCopy>> found_here;
    for (const auto& [index, distribution] : folder.package->facts.distributions) {
      const std::string& path = folder.package->listing[index].path;
      if (layers::parent_path(path) != folder.folder) continue;
      PackageCopy copy = copy_in(folder, index);
      copy.version = distribution.version;
      copy.distribution = &distribution;
      const auto below = [&folder](const std::string& name) {
        return folder.folder.empty() ? name : folder.folder + "/" + name;
      };
      for (const std::string& file : distribution.files) {
        if (is_python_byproduct(file) || is_metadata_name(file.substr(0, file.find('/')))) continue;
        if (const auto found = folder.package->index_of(below(file)))
          add_file(folder, copy, *found);
        else
          ++copy.absent;
      }
      if (distribution.files.empty()) {
        for (const std::string& module : modules_of(distribution)) {
          add_below(folder, copy, below(module),
                    [](const std::string& name) { return !is_python_byproduct(name); });
          if (const auto found = folder.package->index_of(below(module + ".py")))
            add_file(folder, copy, *found);
        }
      }
      found_here.emplace_back(distribution.name, std::move(copy));
    }
    // Of two versions in one folder the later one was unpacked over the earlier.
    const auto is_newer = [](const auto& a, const auto& b) {
      if (a.second.absent != b.second.absent) return a.second.absent < b.second.absent;
      const auto first = PythonVersion::parse(a.second.version);
      const auto second = PythonVersion::parse(b.second.version);
      return first != second ? second < first : a.second.metadata < b.second.metadata;
    };
    std::sort(found_here.begin(), found_here.end(), is_newer);
    for (auto& [name, copy] : found_here) add(Ecosystem::python, name, std::move(copy));
  }

  /// Where not the layers' order decides: the class path takes jars by name, RubyGems the highest
  /// version. Of one path, the layer on top comes first.
  static void sort_by_search(PackageGroup& group) {
    const auto by_name = [](const PackageCopy& a, const PackageCopy& b) {
      return std::tuple(std::string_view(a.metadata), b.owner.layer) <
             std::tuple(std::string_view(b.metadata), a.owner.layer);
    };
    const auto by_version = [&by_name](const PackageCopy& a, const PackageCopy& b) {
      const auto first = PythonVersion::parse(a.version);
      const auto second = PythonVersion::parse(b.version);
      return first != second ? second < first : by_name(a, b);
    };
    if (group.ecosystem == Ecosystem::java)
      std::sort(group.copies.begin(), group.copies.end(), by_name);
    if (group.ecosystem == Ecosystem::ruby)
      std::sort(group.copies.begin(), group.copies.end(), by_version);
  }

  /// Where metadata was slimmed down to the name, most projects have a module of that name.
  static std::vector<std::string> modules_of(const PythonDistribution& distribution) {
    if (!distribution.top_level.empty()) return distribution.top_level;
    std::string module = normalised_project_name(distribution.name);
    std::replace(module.begin(), module.end(), '-', '_');
    return {module};
  }

  void add_node(const SearchFolder& folder) {
    for (const auto& [index, text] : folder.package->facts.package_json) {
      const std::string& path = folder.package->listing[index].path;
      const std::string_view home = layers::parent_path(path);
      std::string_view holder = layers::parent_path(home);
      const std::string_view scope = file_name(holder);
      if (scope.starts_with('@')) holder = layers::parent_path(holder);
      if (holder != folder.folder || folder.folder.empty()) continue;
      const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
      if (!document.is_object()) continue;
      PackageCopy copy = copy_in(folder, index);
      if (const auto version = document.find("version");
          version != document.end() && version->is_string())
        copy.version = version->get<std::string>();
      // Packages inside a package are their own.
      const std::string nested = std::string(home) + "/node_modules/";
      add_below(folder, copy, std::string(home),
                [&nested](const std::string& name) { return !name.starts_with(nested); });
      std::string name(home.substr(holder.empty() ? 0 : holder.size() + 1));
      add(Ecosystem::nodejs, name, std::move(copy));
    }
  }

  void add_named(Ecosystem ecosystem) {
    for (std::size_t i = opt_.layers().size(); i-- > 0;) {
      const Package& layer = opt_.layers()[i];
      const auto& named = ecosystem == Ecosystem::ruby ? layer.facts.gems : layer.facts.jars;
      for (const auto& [index, fact] : named) {
        const std::string& path = layer.listing[index].path;
        if (!runtime_ ? version_folder(path).has_value() : !runtime_->reaches(path)) continue;
        const SearchFolder folder{
            {Owner::Kind::layer, i}, &layer, "", "/opt/" + std::string(layers::parent_path(path))};
        PackageCopy copy = copy_in(folder, index);
        copy.version = fact.version;
        add_file(folder, copy, index);
        add(ecosystem, fact.name, std::move(copy));
      }
    }
  }

  /// In the folders of LD_LIBRARY_PATH that a package can fill, in its order.
  void add_libraries() {
    std::vector<SearchFolder> places;
    if (code_ != nullptr) {
      places.push_back({{Owner::Kind::code, 0}, code_, "", "/var/task"});
      places.push_back({{Owner::Kind::code, 0}, code_, "lib", "/var/task/lib"});
    }
    for (std::size_t i = opt_.layers().size(); i-- > 0;)
      places.push_back({{Owner::Kind::layer, i}, &opt_.layers()[i], "lib", "/opt/lib"});
    for (const SearchFolder& folder : places) {
      for (const auto& [index, elf] : folder.package->facts.elf_files) {
        const std::string& path = folder.package->listing[index].path;
        if (elf.soname.empty() || layers::parent_path(path) != folder.folder) continue;
        PackageCopy copy = copy_in(folder, index);
        // The file's own name often has the version that the soname leaves out.
        copy.version = file_name(path) == elf.soname ? "" : std::string(file_name(path));
        add_file(folder, copy, index);
        add(Ecosystem::library, elf.soname, std::move(copy));
      }
    }
  }

  const OptView& opt_;
  const Package* code_;
  const std::optional<RuntimeProfile>& runtime_;
  std::map<std::pair<Ecosystem, std::string>, PackageGroup> groups_;
};

}  // namespace

std::string_view to_string(PackageGroup::Ecosystem ecosystem) {
  switch (ecosystem) {
    case Ecosystem::python:
      return "python";
    case Ecosystem::nodejs:
      return "nodejs";
    case Ecosystem::ruby:
      return "ruby";
    case Ecosystem::java:
      return "java";
    case Ecosystem::library:
      return "library";
  }
  return "unknown";
}

const PackageCopy* PackageGroup::winner() const {
  for (const PackageCopy& copy : copies)
    if (copy.owner.kind == Owner::Kind::runtime || !copy.visible.empty()) return &copy;
  // Only metadata, as of a meta package.
  return copies.empty() ? nullptr : &copies.front();
}

std::vector<const PackageCopy*> PackageGroup::mixed_in() const {
  std::vector<const PackageCopy*> mixed;
  // Two versions in one layer share their files: that is another finding.
  const PackageCopy* first = winner();
  // Gems and jars have their versions in their names; a library is one file.
  if (first == nullptr || (ecosystem != Ecosystem::python && ecosystem != Ecosystem::nodejs))
    return mixed;
  for (const PackageCopy& copy : copies)
    if (copy.owner != first->owner && copy.place == first->place &&
        copy.version != first->version && !copy.visible.empty())
      mixed.push_back(&copy);
  return mixed;
}

std::vector<PackageGroup> package_groups(const OptView& opt, const Package* code,
                                         const std::optional<RuntimeProfile>& runtime,
                                         const std::vector<BundledDistribution>& bundled) {
  return Collector(opt, code, runtime).collect(bundled);
}

}  // namespace diagnosis
