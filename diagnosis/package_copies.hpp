#pragma once

#include "diagnosis/opt_view.hpp"
#include "diagnosis/package.hpp"
#include "diagnosis/python_distribution.hpp"
#include "diagnosis/runtime_profile.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace diagnosis {

/// Whose a file is.
struct Owner {
  enum class Kind { code, layer, runtime };
  Kind kind = Kind::layer;
  /// Index into the layers.
  std::size_t layer = 0;
  bool operator==(const Owner&) const = default;
};

/// A distribution that comes with the runtime: boto3 and what it needs.
struct BundledDistribution {
  PythonDistribution distribution;
  /// Its folder inside: "/var/runtime".
  std::string place;
};

/// One copy of a package: a Python distribution, an npm package, a gem, a jar, a shared library by
/// its soname.
struct PackageCopy {
  std::string version;
  Owner owner;
  /// The folder of the search path inside: "/opt/python", "/var/task/node_modules".
  std::string place;
  /// What names the version, inside: "/opt/python/six-1.16.0.dist-info".
  std::string metadata;
  /// The same below the root of its package; empty for the runtime's.
  std::string metadata_path;
  /// Its files in its owner's tree, without metadata and bytecode; indices into the listing.
  std::vector<TreeFacts::Index> files;
  /// Those that a function sees. All of them for code; for a layer those that no later one hides.
  std::vector<TreeFacts::Index> visible;
  /// How many files its metadata lists and its owner's tree has not.
  std::size_t absent = 0;
  /// Requires-Dist and the like, for those who check it; null for other languages.
  const PythonDistribution* distribution = nullptr;
};

/// All copies of one package, the highest precedence first: the order in which the runtime would
/// find them.
struct PackageGroup {
  enum class Ecosystem { python, nodejs, ruby, java, library };
  Ecosystem ecosystem = Ecosystem::python;
  /// As the first copy spells it.
  std::string name;
  std::vector<PackageCopy> copies;

  /// What the function gets: the first copy of which something shows.
  const PackageCopy* winner() const;
  /// Copies of another version than the winner's, in the winner's folder, of which files still
  /// show: the function sees a mixture.
  std::vector<const PackageCopy*> mixed_in() const;
};
std::string_view to_string(PackageGroup::Ecosystem ecosystem);

/// Sorted by ecosystem and name. `code` may be null. Only what the runtime finds by itself: with
/// python3.12, the folder of python3.11 does not count. Without a runtime every language counts,
/// but for folders of single versions.
std::vector<PackageGroup> package_groups(const OptView& opt, const Package* code,
                                         const std::optional<RuntimeProfile>& runtime,
                                         const std::vector<BundledDistribution>& bundled);

}  // namespace diagnosis
