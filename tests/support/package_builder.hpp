#pragma once

#include "base/sha256.hpp"
#include "diagnosis/checks/checks.hpp"
#include "layers/entry_name.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace test_support {

/// A Package without a disk: a listing and facts, given by path. Parents come by themselves.
///
///   PackageBuilder("a.zip").file("python/x.py", "pass").python("six", "1.16.0", {"six.py"})
class PackageBuilder {
 public:
  explicit PackageBuilder(std::string reference) : reference_(std::move(reference)) {}

  PackageBuilder& file(const std::string& path, const std::string& content = "x",
                       std::uint32_t mode = 0644, std::int64_t mtime = 0) {
    layers::TreeEntry& entry = add(path);
    entry.type = layers::TreeEntry::Type::file;
    entry.mode = mode;
    entry.size = content.size();
    entry.mtime = mtime;
    digests_[path] = base::sha256(content);
    return *this;
  }
  /// A file whose content nobody could read.
  PackageBuilder& unread(const std::string& path, std::uint64_t size) {
    file(path);
    entries_[path].size = size;
    digests_.erase(path);
    return *this;
  }
  PackageBuilder& directory(const std::string& path, std::uint32_t mode = 0755) {
    layers::TreeEntry& entry = add(path);
    entry.type = layers::TreeEntry::Type::directory;
    entry.mode = mode;
    return *this;
  }
  PackageBuilder& link(const std::string& path, const std::string& target) {
    layers::TreeEntry& entry = add(path);
    entry.type = layers::TreeEntry::Type::symlink;
    entry.mode = 0777;
    entry.link_target = target;
    return *this;
  }

  PackageBuilder& elf(const std::string& path, diagnosis::ElfFile elf) {
    return fact(path, &diagnosis::TreeFacts::elf_files, std::move(elf));
  }
  PackageBuilder& script(const std::string& path, const std::string& interpreter_line,
                         bool carriage_return = false, std::uint32_t mode = 0755) {
    file(path, "#!" + interpreter_line, mode);
    return fact(path, &diagnosis::TreeFacts::scripts,
                diagnosis::ScriptFact{interpreter_line, carriage_return});
  }
  PackageBuilder& bytecode(const std::string& path, diagnosis::BytecodeFact head) {
    return fact(path, &diagnosis::TreeFacts::bytecode, head);
  }
  PackageBuilder& package_json(const std::string& path, const std::string& text) {
    return fact(path, &diagnosis::TreeFacts::package_json, text);
  }
  PackageBuilder& six(const std::string& path, const std::string& version) {
    return fact(path, &diagnosis::TreeFacts::six_versions, version);
  }
  PackageBuilder& gem(const std::string& path, const std::string& name,
                      const std::string& version) {
    return fact(path, &diagnosis::TreeFacts::gems, diagnosis::NamedVersion{name, version});
  }
  PackageBuilder& jar(const std::string& path, const std::string& name,
                      const std::string& version) {
    return fact(path, &diagnosis::TreeFacts::jars, diagnosis::NamedVersion{name, version});
  }
  PackageBuilder& legacy_namespace(const std::string& path) {
    file(path);
    facts_.emplace_back([path](diagnosis::Package& package) {
      package.facts.legacy_namespaces.push_back(*package.index_of(path));
    });
    return *this;
  }
  PackageBuilder& metadata_user(const std::string& path) {
    file(path);
    facts_.emplace_back([path](diagnosis::Package& package) {
      package.facts.metadata_users.push_back(*package.index_of(path));
    });
    return *this;
  }
  /// A distribution in `folder` with its metadata and, unless they are there, its files.
  PackageBuilder& python(const std::string& name, const std::string& version,
                         const std::vector<std::string>& files,
                         const std::vector<std::string>& requires_dist = {},
                         const std::string& requires_python = "",
                         const std::string& folder = "python") {
    const std::string below = folder.empty() ? "" : folder + "/";
    for (const std::string& path : files)
      if (!entries_.contains(below + path)) file(below + path, name + version);
    const std::string metadata = below + name + "-" + version + ".dist-info";
    directory(metadata);
    diagnosis::PythonDistribution distribution;
    distribution.name = name;
    distribution.version = version;
    distribution.files = files;
    distribution.requires_dist = requires_dist;
    distribution.requires_python = requires_python;
    facts_.emplace_back(
        [metadata, distribution = std::move(distribution)](diagnosis::Package& package) {
          package.facts.distributions[*package.index_of(metadata)] = distribution;
        });
    return *this;
  }

  diagnosis::Package build() const {
    diagnosis::Package package;
    package.tree.reference = reference_;
    for (const auto& [path, entry] : entries_) {
      package.listing.push_back(entry);
      const auto digest = digests_.find(path);
      package.facts.digests.push_back(digest == digests_.end() ? base::Digest() : digest->second);
    }
    for (const auto& tell : facts_) tell(package);
    return package;
  }

 private:
  layers::TreeEntry& add(const std::string& path) {
    for (std::string_view parent = layers::parent_path(path); !parent.empty();
         parent = layers::parent_path(parent)) {
      layers::TreeEntry& entry = entries_[std::string(parent)];
      if (!entry.path.empty()) break;
      entry.path = parent;
      entry.type = layers::TreeEntry::Type::directory;
      entry.mode = 0755;
    }
    layers::TreeEntry& entry = entries_[path];
    entry.path = path;
    return entry;
  }

  template <typename Fact>
  PackageBuilder& fact(const std::string& path,
                       std::map<diagnosis::TreeFacts::Index, Fact> diagnosis::TreeFacts::* facts,
                       Fact value) {
    if (!entries_.contains(path)) file(path);
    facts_.emplace_back([path, facts, value = std::move(value)](diagnosis::Package& package) {
      (package.facts.*facts)[*package.index_of(path)] = value;
    });
    return *this;
  }

  std::string reference_;
  std::map<std::string, layers::TreeEntry> entries_;
  std::map<std::string, base::Digest> digests_;
  std::vector<std::function<void(diagnosis::Package&)>> facts_;
};

/// A function for the checks: layers bottom first, named "a", "b" and so on by whoever builds them.
class FunctionBuilder {
 public:
  /// Empty for layers alone.
  explicit FunctionBuilder(const std::string& runtime) {
    subject_.architecture = "x86_64";
    if (!runtime.empty()) subject_.runtime = diagnosis::RuntimeProfile::of(runtime);
  }

  FunctionBuilder& layer(const PackageBuilder& package) {
    layers_.push_back(package.build());
    return *this;
  }
  FunctionBuilder& code(const PackageBuilder& package) {
    code_ = package.build();
    return *this;
  }
  FunctionBuilder& variable(const std::string& name, const std::string& value) {
    subject_.variables[name] = value;
    return *this;
  }
  FunctionBuilder& architecture(const std::string& name) {
    subject_.architecture = name;
    return *this;
  }
  FunctionBuilder& bundled(const std::string& name, const std::string& version) {
    diagnosis::BundledDistribution bundle;
    bundle.distribution.name = name;
    bundle.distribution.version = version;
    bundle.place = "/var/runtime";
    subject_.bundled.push_back(std::move(bundle));
    return *this;
  }

  std::vector<diagnosis::Finding> check() {
    const diagnosis::OptView opt(layers_);
    subject_.opt = &opt;
    subject_.code = code_ ? &*code_ : nullptr;
    return diagnosis::check(subject_);
  }
  /// The findings of one rule.
  std::vector<diagnosis::Finding> check(std::string_view id) {
    auto findings = check();
    std::erase_if(findings, [id](const diagnosis::Finding& finding) { return finding.id != id; });
    return findings;
  }

  const std::vector<diagnosis::Package>& layers() const { return layers_; }
  const diagnosis::Package* code() const { return code_ ? &*code_ : nullptr; }
  const diagnosis::Subject& subject() const { return subject_; }

 private:
  std::vector<diagnosis::Package> layers_;
  std::optional<diagnosis::Package> code_;
  diagnosis::Subject subject_;
};

}  // namespace test_support
