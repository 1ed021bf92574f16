// ELF files: architecture, symbol versions, needed libraries.
#include "layers/entry_name.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "diagnosis/amazon_linux.hpp"
#include "diagnosis/checks/checks.hpp"

namespace diagnosis {
namespace {

using layers::TreeEntry;
using Index = TreeFacts::Index;

/// Packages that bring a build for each system name it in the path: "prebuilds/linux-arm64",
/// "@img/sharp-linuxmusl-x64". They choose at run time.
bool names_another_system(std::string_view path, std::string_view architecture) {
  constexpr std::array x86 = {"x64", "x86_64", "amd64", "x86-64"};
  constexpr std::array arm = {"arm64", "aarch64", "armv8"};
  const auto names_any = [path](const auto& words) {
    return std::any_of(words.begin(), words.end(), [path](std::string_view word) {
      return path.find(word) != std::string_view::npos;
    });
  };
  const bool own = architecture == "x86_64" ? names_any(x86) : names_any(arm);
  const bool other = architecture == "x86_64" ? names_any(arm) : names_any(x86);
  constexpr std::array systems = {"musl",  "darwin", "win32",  "freebsd", "android",
                                  "ia32",  "armv7",  "armv6",  "ppc64",   "s390x",
                                  "riscv", "mips",   "loong64"};
  return (other && !own) || names_any(systems) ||
         (path.find("linux-arm") != std::string_view::npos && !own);
}

bool is_python_extension(std::string_view path) {
  return path.ends_with(".so") && path.find(".cpython-") != std::string_view::npos;
}

/// The module that an extension file is: "_rust" of "_rust.cpython-311-x86_64-linux-gnu.so".
std::string module_of(std::string_view path) {
  const std::string_view name = file_name(path);
  return std::string(layers::parent_path(path)) + "/" + std::string(name.substr(0, name.find('.')));
}

struct NativeFile {
  Owner owner;
  const Package* package = nullptr;
  Index index = 0;
  const ElfFile* elf = nullptr;
  const TreeEntry& entry() const { return package->listing[index]; }
  std::string inside() const {
    return (owner.kind == Owner::Kind::code ? "/var/task/" : "/opt/") + entry().path;
  }
};

class NativeChecks {
 public:
  NativeChecks(const Subject& subject, std::vector<Finding>& findings)
      : subject_(subject), findings_(findings) {
    if (subject.runtime) system_ = AmazonLinux::of_runtime(subject.runtime->identifier);
    for_each_package(subject, [&](const Owner& owner, const Package& package) {
      for (const auto& [index, elf] : package.facts.elf_files) {
        const std::string& path = package.listing[index].path;
        if (elf.kind == ElfFile::Kind::other || !shows(subject, owner, path) ||
            !matters(owner, path))
          continue;
        files_.push_back({owner, &package, index, &elf});
        names_.emplace(file_name(path));
        if (!elf.soname.empty()) names_.insert(elf.soname);
        if (elf.architecture == subject.architecture) modules_.insert(module_of(path));
      }
      // A soname is often a link.
      for (const TreeEntry& entry : package.listing)
        if (entry.type == TreeEntry::Type::symlink) names_.emplace(file_name(entry.path));
    });
  }

  void run() {
    for (const NativeFile& file : files_) {
      if (file.elf->architecture != subject_.architecture) {
        check_architecture(file);
        continue;
      }
      if (names_another_system(file.entry().path, subject_.architecture)) continue;
      check_versions(file);
      check_needed(file);
    }
    for (auto& [key, found] : other_architecture_)
      findings_.push_back(found.finding("other-architecture", key.first,
                                        "It is made for " + key.second + "; the function runs on " +
                                            subject_.architecture + "."));
    for (auto& [key, found] : newer_versions_)
      findings_.push_back(found.finding("newer-symbol-version", std::get<0>(key),
                                        "It needs " + std::get<1>(key) + " of " + std::get<2>(key) +
                                            "; " + std::string(system_->name()) + ", which " +
                                            subject_.runtime->identifier + " runs on, ends with " +
                                            newest_text(std::get<1>(key)) + "."));
    for (auto& [key, found] : missing_)
      findings_.push_back(found.finding(
          "missing-library", key.first,
          "It needs " + key.second + ", which is neither in the packages nor known to be in " +
              std::string(system_->name()) + "."));
  }

 private:
  /// Files that nothing looks for are somebody else's.
  bool matters(const Owner& owner, std::string_view path) const {
    return owner.kind == Owner::Kind::code || !subject_.runtime || subject_.runtime->reaches(path);
  }

  void check_architecture(const NativeFile& file) {
    const std::string& path = file.entry().path;
    if (names_another_system(path, subject_.architecture)) {
      // Python has one file for each; the other platform's alone is of no use.
      if (!is_python_extension(path) || modules_.contains(module_of(path))) return;
    }
    other_architecture_[{package_name(subject_, file.owner), file.elf->architecture}].add(path);
  }

  std::string newest_text(const std::string& version) const {
    const std::string family = version.substr(0, version.find('_'));
    return family + "_" + std::string(system_->newest(family));
  }

  void check_versions(const NativeFile& file) {
    if (!system_) return;
    // The worst of each library is enough.
    std::map<std::string, std::string> worst;
    for (const ElfFile::NeededVersion& needed : file.elf->needed_versions) {
      if (needed.weak || system_->has_version(needed.version)) continue;
      if (brought_version(file, needed)) continue;
      std::string& known = worst[needed.library];
      if (known.size() < needed.version.size() ||
          (known.size() == needed.version.size() && known < needed.version))
        known = needed.version;
    }
    for (const auto& [library, version] : worst) {
      newer_versions_[{package_name(subject_, file.owner), version, library}].add(
          file.entry().path);
      if (brought(library)) note_system_wins(file, library, version);
    }
  }

  /// The library itself comes along and is found before the system's, by RUNPATH or in /var/task.
  bool brought_version(const NativeFile& file, const ElfFile::NeededVersion& needed) const {
    for (const NativeFile& other : files_) {
      if (other.elf->soname != needed.library) continue;
      const std::string folder(layers::parent_path(other.inside()));
      if (!is_in_run_path(file, folder)) continue;
      if (std::binary_search(other.elf->defined_versions.begin(), other.elf->defined_versions.end(),
                             needed.version))
        return true;
    }
    return false;
  }

  std::vector<std::string> run_path_folders(const NativeFile& file) const {
    std::vector<std::string> folders;
    const std::string origin(layers::parent_path(file.inside()));
    std::string_view rest = file.elf->run_path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      std::string folder(rest.substr(0, colon));
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
      for (const std::string_view word : {"${ORIGIN}", "$ORIGIN"})
        if (const std::size_t at = folder.find(word); at != std::string::npos)
          folder.replace(at, word.size(), origin);
      folders.push_back(normal_path(folder));
    }
    return folders;
  }

  bool is_in_run_path(const NativeFile& file, const std::string& folder) const {
    const auto folders = run_path_folders(file);
    return std::find(folders.begin(), folders.end(), folder) != folders.end();
  }

  bool brought(const std::string& soname) const { return names_.contains(soname); }

  void check_needed(const NativeFile& file) {
    if (!system_) return;
    for (const std::string& soname : file.elf->needed) {
      // Somewhere in the packages: by RUNPATH, or loaded before by somebody else.
      if (brought(soname) || system_->has_library(soname)) continue;
      missing_[{package_name(subject_, file.owner), soname}].add(file.entry().path);
    }
  }

  /// The package brings a library of its own against that, and it does not win.
  void note_system_wins(const NativeFile& file, const std::string& library,
                        const std::string& version) {
    if (!told_.insert(library).second) return;
    for (const NativeFile& other : files_) {
      if (other.elf->soname != library || layers::parent_path(other.inside()) != "/opt/lib" ||
          !std::binary_search(other.elf->defined_versions.begin(),
                              other.elf->defined_versions.end(), version))
        continue;
      findings_.push_back(
          finding_of("system-library-wins", package_name(subject_, other.owner), other.entry().path,
                     "It has " + version + ", which " + file.inside() +
                         " needs, but the system's library of that name is found first."));
      return;
    }
  }

  const Subject& subject_;
  std::vector<Finding>& findings_;
  std::optional<AmazonLinux> system_;
  std::vector<NativeFile> files_;
  /// Sonames and file names of everything that is brought.
  std::set<std::string, std::less<>> names_;
  std::set<std::string> modules_;
  std::set<std::string> told_;
  std::map<std::pair<std::string, std::string>, PathCollector> other_architecture_;
  std::map<std::tuple<std::string, std::string, std::string>, PathCollector> newer_versions_;
  std::map<std::pair<std::string, std::string>, PathCollector> missing_;
};

}  // namespace

void check_native_code(const Subject& subject, std::vector<Finding>& findings) {
  NativeChecks(subject, findings).run();
}

}  // namespace diagnosis
