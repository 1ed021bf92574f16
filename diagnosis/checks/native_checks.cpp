// ELF files: architecture, symbol versions, needed libraries.
#include "diagnosis/amazon_linux.hpp"
#include "diagnosis/checks/checks.hpp"
#include "layers/entry_name.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

namespace diagnosis {
namespace {

using layers::TreeEntry;
using Index = TreeFacts::Index;

constexpr std::size_t most_listed_folders = 64;

/// Whether the path has the word by itself: "linuxglibc-arm/", not "charm/".
bool has_word(std::string_view path, std::string_view word) {
  const auto is_letter = [path](std::size_t at) {
    return at < path.size() && std::isalnum(static_cast<unsigned char>(path[at])) != 0;
  };
  for (std::size_t at = path.find(word); at != std::string_view::npos; at = path.find(word, at + 1))
    if (!is_letter(at + word.size()) && (at == 0 || !is_letter(at - 1))) return true;
  return false;
}

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
  return (other && !own) || names_any(systems) || (has_word(path, "arm") && !own);
}

bool is_python_extension(std::string_view path) {
  return path.ends_with(".so") && path.find(".cpython-") != std::string_view::npos;
}

/// Python looks for "x.cpython-311-x86_64-linux-gnu.so" of its own version only.
bool is_of_another_python(const Subject& subject, std::string_view path) {
  if (!is_python_extension(path) || !subject.runtime ||
      subject.runtime->language != RuntimeProfile::Language::python)
    return false;
  std::string version = subject.runtime->version;
  version.erase(std::remove(version.begin(), version.end(), '.'), version.end());
  return path.find(".cpython-" + version + "-") == std::string_view::npos;
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
            !matters(owner, path) || is_of_another_python(subject, path))
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
    const auto folders = folders_before_system(file);
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

  static std::vector<std::string> listed_folders(std::string_view list, const std::string& origin) {
    std::vector<std::string> folders;
    while (!list.empty() && folders.size() < most_listed_folders) {
      const std::size_t colon = list.find(':');
      std::string folder(list.substr(0, colon));
      list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
      for (const std::string_view word : {"${ORIGIN}", "$ORIGIN"})
        if (const std::size_t at = folder.find(word); at != std::string::npos)
          folder.replace(at, word.size(), origin);
      if (!folder.empty()) folders.push_back(normal_path(folder));
    }
    return folders;
  }

  /// RPATH, LD_LIBRARY_PATH, RUNPATH, as ld.so(8) has them: Lambda's LD_LIBRARY_PATH begins with
  /// the system's folders, so that a RUNPATH comes too late unless the function sets the variable.
  /// Only folders in which a package has libraries.
  std::set<std::string> folders_before_system(const NativeFile& file) const {
    const std::string inside = file.inside();
    const auto run_path =
        listed_folders(file.elf->run_path, std::string(layers::parent_path(inside)));
    std::set<std::string> folders;
    const auto add = [&](const std::string& folder) {
      if (library_folders_.contains(folder)) folders.insert(folder);
    };
    if (!file.elf->run_path_is_rpath) {
      const auto set = subject_.variables.find("LD_LIBRARY_PATH");
      if (set == subject_.variables.end()) return folders;
      for (const std::string& folder : listed_folders(set->second, "")) {
        if (folder == "/lib64" || folder == "/usr/lib64") return folders;
        add(folder);
      }
    }
    for (const std::string& folder : run_path) add(folder);
    return folders;
  }

  bool brought(const std::string& soname) const { return names_.contains(soname); }

  void check_needed(const NativeFile& file) {
    if (!system_ || subject_.incomplete) return;
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
