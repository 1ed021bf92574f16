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

constexpr std::size_t most_rpath_folders = 64;

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
        if (!elf.soname.empty()) {
          names_.insert(elf.soname);
          const std::string inside = files_.back().inside();
          const std::string folder(layers::parent_path(inside));
          libraries_.emplace(std::pair(elf.soname, folder), &elf);
          library_folders_.insert(folder);
        }
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
    other_architecture_.move_to(findings_, "other-architecture");
    newer_versions_.move_to(findings_, "newer-symbol-version");
    missing_.move_to(findings_, "missing-library");
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
    other_architecture_.add(package_name(subject_, file.owner),
                            "It is made for " + file.elf->architecture + "; the function runs on " +
                                subject_.architecture + ".",
                            path);
  }

  std::string newest_text(const std::string& version) const {
    const std::string family = version.substr(0, version.find('_'));
    return family + "_" + std::string(system_->newest(family));
  }

  void check_versions(const NativeFile& file) {
    if (!system_ || file.elf->needed_versions.empty()) return;
    const auto folders = rpath_folders(file);
    // The worst of each library is enough.
    std::map<std::string, std::string> worst;
    for (const ElfFile::NeededVersion& needed : file.elf->needed_versions) {
      if (needed.weak || system_->has_version(needed.version)) continue;
      if (brought_version(folders, needed)) continue;
      std::string& known = worst[needed.library];
      if (known.size() < needed.version.size() ||
          (known.size() == needed.version.size() && known < needed.version))
        known = needed.version;
    }
    for (const auto& [library, version] : worst) {
      newer_versions_.add(package_name(subject_, file.owner),
                          "It needs " + version + " of " + library + "; " +
                              std::string(system_->name()) + ", which " +
                              subject_.runtime->identifier + " runs on, ends with " +
                              newest_text(version) + ".",
                          file.entry().path);
      if (brought(library)) note_system_wins(file, library, version);
    }
  }

  /// The library itself comes along and is found before the system's.
  bool brought_version(const std::set<std::string>& folders,
                       const ElfFile::NeededVersion& needed) const {
    return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
      const auto there = libraries_.equal_range({needed.library, folder});
      return std::any_of(there.first, there.second, [&needed](const auto& library) {
        const auto& defined = library.second->defined_versions;
        return std::binary_search(defined.begin(), defined.end(), needed.version);
      });
    });
  }

  /// Folders in which the loader looks before it does in LD_LIBRARY_PATH, whose first ones are the
  /// system's: those of DT_RPATH alone.
  std::set<std::string> rpath_folders(const NativeFile& file) const {
    std::set<std::string> folders;
    if (!file.elf->run_path_is_rpath) return folders;
    const std::string inside = file.inside();
    const std::string origin(layers::parent_path(inside));
    std::string_view rest = file.elf->run_path;
    while (!rest.empty() && folders.size() < most_rpath_folders) {
      const std::size_t colon = rest.find(':');
      std::string folder(rest.substr(0, colon));
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
      for (const std::string_view word : {"${ORIGIN}", "$ORIGIN"})
        if (const std::size_t at = folder.find(word); at != std::string::npos)
          folder.replace(at, word.size(), origin);
      folder = normal_path(folder);
      if (library_folders_.contains(folder)) folders.insert(std::move(folder));
    }
    return folders;
  }

  bool brought(const std::string& soname) const { return names_.contains(soname); }

  void check_needed(const NativeFile& file) {
    if (!system_) return;
    for (const std::string& soname : file.elf->needed) {
      // Somewhere in the packages: by RUNPATH, or loaded before by somebody else.
      if (brought(soname) || system_->has_library(soname)) continue;
      missing_.add(package_name(subject_, file.owner),
                   "It needs " + soname + ", which is neither in the packages nor known to be in " +
                       std::string(system_->name()) + ".",
                   file.entry().path);
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
  /// By soname and folder inside.
  std::multimap<std::pair<std::string, std::string>, const ElfFile*> libraries_;
  std::set<std::string> library_folders_;
  MessageCollector other_architecture_;
  MessageCollector newer_versions_;
  MessageCollector missing_;
};

}  // namespace

void check_native_code(const Subject& subject, std::vector<Finding>& findings) {
  NativeChecks(subject, findings).run();
}

}  // namespace diagnosis
