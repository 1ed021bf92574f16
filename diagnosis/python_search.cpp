#include "diagnosis/python_search.hpp"

#include "diagnosis/python_distribution.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace diagnosis {
namespace {

constexpr std::string_view runtime_folder = "/var/runtime";
constexpr std::string_view interpreter_folder = "/var/lang/lib/python";
constexpr std::string_view layer_folder = "/opt/python";

// .pth and __init__.py files come from strangers.
constexpr std::size_t text_limit = std::size_t{1} << 20;
constexpr std::size_t most_pth_lines = 20'000;

constexpr int any_version = 99;

/// A module of Python 3.first to 3.last.
struct KnownModule {
  std::string_view name;
  int first = 0;
  int last = any_version;
};

template <std::size_t size>
bool has(const std::array<KnownModule, size>& table, std::string_view name, int minor) {
  return std::any_of(table.begin(), table.end(), [&](const KnownModule& known) {
    return known.name == name && known.first <= minor && minor <= known.last;
  });
}

/// Inside every interpreter (Modules/config.c.in and Modules/Setup.bootstrap.in of CPython).
constexpr auto always_built_in = std::to_array<KnownModule>({
    {"_abc"},
    {"_ast"},
    {"_codecs"},
    {"_collections"},
    {"_frozen_importlib"},
    {"_frozen_importlib_external"},
    {"_functools"},
    {"_imp"},
    {"_io"},
    {"_locale"},
    {"_operator"},
    {"_peg_parser", 9, 9},
    {"_signal"},
    {"_sre"},
    {"_stat"},
    {"_string"},
    {"_suggestions", 13},
    {"_symtable"},
    {"_sysconfig", 13},
    {"_thread"},
    {"_tokenize", 11},
    {"_tracemalloc"},
    {"_types", 14},
    {"_typing", 12},
    {"_warnings"},
    {"_weakref"},
    {"atexit"},
    {"builtins"},
    {"errno"},
    {"faulthandler"},
    {"gc"},
    {"itertools"},
    {"marshal"},
    {"posix"},
    {"pwd"},
    {"sys"},
    {"time"},
    {"xxsubtype", 0, 11},
});

/// In lib-dynload, or inside the interpreter where its builder chose so. Only such as need no
/// library that the builder may have lacked.
constexpr auto extension_or_built_in = std::to_array<KnownModule>({
    {"_asyncio"},
    {"_bisect"},
    {"_blake2"},
    {"_codecs_cn"},
    {"_codecs_hk"},
    {"_codecs_iso2022"},
    {"_codecs_jp"},
    {"_codecs_kr"},
    {"_codecs_tw"},
    {"_contextvars"},
    {"_csv"},
    {"_datetime"},
    {"_elementtree"},
    {"_heapq"},
    {"_json"},
    {"_lsprof"},
    {"_md5"},
    {"_multibytecodec"},
    {"_multiprocessing"},
    {"_opcode"},
    {"_pickle"},
    {"_posixsubprocess"},
    {"_queue"},
    {"_random"},
    {"_sha1"},
    {"_sha2", 12},
    {"_sha256", 0, 11},
    {"_sha3"},
    {"_sha512", 0, 11},
    {"_socket"},
    {"_statistics", 8},
    {"_struct"},
    {"_typing", 11, 11},
    {"_zoneinfo", 9},
    {"array"},
    {"audioop", 0, 12},
    {"binascii"},
    {"cmath"},
    {"fcntl"},
    {"grp"},
    {"math"},
    {"mmap"},
    {"pyexpat"},
    {"resource"},
    {"select"},
    {"spwd", 0, 12},
    {"syslog"},
    {"termios"},
    {"unicodedata"},
    {"zlib"},
});

/// Modules in Python whose code the interpreter carries (Python/frozen.c).
constexpr auto frozen = std::to_array<KnownModule>({
    {"__hello__"},
    {"__phello__"},
    {"_collections_abc", 11},
    {"_sitebuiltins", 11},
    {"abc", 11},
    {"codecs", 11},
    {"genericpath", 11},
    {"importlib.machinery", 11},
    {"importlib.util", 11},
    {"io", 11},
    {"ntpath", 11},
    {"os", 11},
    {"os.path", 11},
    {"posixpath", 11},
    {"runpy", 11},
    {"site", 11},
    {"stat", 11},
    {"zipimport"},
});

/// In sys.modules before the function's code runs: of the interpreter's own start and of
/// runtimes/python. What is built in is there, too, or as good as.
constexpr auto imported_early = std::to_array<KnownModule>({
    {"__main__"},
    {"_collections_abc"},
    {"_json"},
    {"_sitebuiltins"},
    {"_socket"},
    {"abc"},
    {"codecs"},
    {"encodings"},
    {"encodings.aliases"},
    {"encodings.latin_1", 0, 9},
    {"encodings.utf_8"},
    {"genericpath"},
    {"importlib"},
    {"importlib._bootstrap"},
    {"importlib._bootstrap_external"},
    {"io"},
    {"lamina_context"},
    {"lamina_http"},
    {"lamina_json"},
    {"lamina_runtime"},
    {"lamina_search_path"},
    {"os"},
    {"os.path"},
    {"posixpath"},
    {"site"},
    {"stat"},
    {"types", 0, 9},
    {"warnings", 0, 12},
    {"zipimport"},
});

/// 11 of "3.11"; nothing for what is no Python 3.
std::optional<int> minor_of(std::string_view version) {
  if (!version.starts_with("3.")) return std::nullopt;
  version.remove_prefix(2);
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto parsed = std::from_chars(version.data(), end, minor);
  if (parsed.ec != std::errc() || parsed.ptr != end || minor < 0) return std::nullopt;
  return minor;
}

std::string host_machine() {
  utsname host{};
  return ::uname(&host) == 0 ? host.machine : "x86_64";
}

/// Where an interpreter has its own modules.
struct InterpreterFolders {
  explicit InterpreterFolders(int minor)
      : zip(std::string(interpreter_folder) + "3" + std::to_string(minor) + ".zip"),
        library(std::string(interpreter_folder) + "3." + std::to_string(minor)),
        extensions(library + "/lib-dynload"),
        packages(library + "/site-packages") {}

  std::string zip;
  std::string library;
  std::string extensions;
  std::string packages;
};

std::vector<std::string> entries_of(const PythonSearch& search) {
  std::vector<std::string> entries;
  std::string_view rest = search.python_path ? *search.python_path : std::string_view();
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    // The working directory is the task root; an empty entry means it, and it is there anyway.
    if (!entry.empty()) entries.push_back(joined(search.task_root, entry));
  }
  return entries;
}

bool contains(const std::vector<std::string>& texts, const std::string& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

/// A line of a .pth file that Python executes.
struct StartupCode {
  std::string file;
  std::string line;
};

/// sys.path as runtimes/python/lamina_search_path.py makes it.
class SearchPath {
 public:
  SearchPath(const FileView& view, const PythonSearch& search, int minor)
      : view_(view), minor_(minor) {
    const InterpreterFolders interpreter(minor);
    const std::string layer_packages =
        std::string(layer_folder) + "/lib/python3." + std::to_string(minor) + "/site-packages";
    const std::string task_root = normal_path(search.task_root);
    // The interpreter's own start; its script's folder comes first.
    early_.emplace_back(runtime_folder);
    for (std::string& entry : entries_of(search)) early_.push_back(std::move(entry));
    for (const std::string* const folder :
         {&interpreter.zip, &interpreter.library, &interpreter.extensions, &interpreter.packages})
      early_.push_back(*folder);

    entries_.push_back(task_root);
    if (!search.python_path) {
      entries_.push_back(layer_packages);
      entries_.emplace_back(layer_folder);
      if (minor >= 11) entries_.push_back(interpreter.packages);
    }
    entries_.insert(entries_.end(), early_.begin(), early_.end());

    for (const std::string& entry : entries_)
      if (find(view, entry)) known_.insert(entry);
    add_site_folder(task_root);
    if (!search.python_path) {
      add_site_folder(layer_packages);
      add_site_folder(std::string(layer_folder));
    }
  }

  std::vector<std::string> folders() const { return existing(entries_); }
  /// Those that count before the function's code and its layers do.
  std::vector<std::string> early_folders() const { return existing(early_); }
  std::vector<std::string> archives() const {
    std::vector<std::string> archives;
    for (const std::string& entry : entries_)
      if (is_file(view_, entry)) archives.push_back(entry);
    return archives;
  }
  const std::vector<StartupCode>& startup_code() const { return startup_code_; }

 private:
  std::vector<std::string> existing(const std::vector<std::string>& entries) const {
    std::vector<std::string> folders;
    std::set<std::string_view> seen;
    for (const std::string& entry : entries)
      if (is_directory(view_, entry) && seen.insert(entry).second) folders.push_back(entry);
    return folders;
  }

  /// site.addsitedir().
  void add_site_folder(const std::string& folder) {
    const auto real = real_path(view_, folder);
    if (!real) return;
    for (const std::string& name : view_.names(*real)) {
      if (!name.ends_with(".pth") || (minor_ >= 12 && name.starts_with('.'))) continue;
      const std::string file = joined(folder, name);
      const std::string content = read_file(view_, file, text_limit).value_or(std::string());
      add_lines(folder, file, content);
    }
  }

  void add_lines(const std::string& folder, const std::string& file, std::string_view content) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (minor_ >= 13 && content.starts_with(byte_order_mark))
      content.remove_prefix(byte_order_mark.size());
    while (!content.empty() && lines_++ < most_pth_lines) {
      std::string_view line = content.substr(0, content.find_first_of("\r\n"));
      content.remove_prefix(std::min(line.size() + 1, content.size()));
      if (line.starts_with('#')) continue;
      if (line.starts_with("import ") || line.starts_with("import\t")) {
        startup_code_.push_back({file, std::string(line)});
        continue;
      }
      line = line.substr(0, line.find_last_not_of(" \t\v\f") + 1);
      if (line.empty() || line.find('\0') != line.npos) continue;
      const std::string named = joined(folder, line);
      if (find(view_, named) && known_.insert(named).second) entries_.push_back(named);
    }
  }

  const FileView& view_;
  int minor_;
  std::vector<std::string> early_;
  std::vector<std::string> entries_;
  std::set<std::string> known_;
  std::vector<StartupCode> startup_code_;
  std::size_t lines_ = 0;
};

/// A folder that is searched for the modules of one level.
struct Folder {
  std::string path;
  /// The entry of sys.path that leads to it.
  std::string root;
  /// Why the import does not look there; empty when it does.
  std::string why_not;
};

enum class Kind { package, extension, source, bytecode, portion, foreign };

/// What one folder has under a module's name.
struct Hit {
  Kind kind = Kind::source;
  std::string path;
  /// Of packages and namespace portions.
  std::string directory;
  Folder folder;
  std::string reason;
};

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::package:
      return "package";
    case Kind::extension:
    case Kind::foreign:
      return "extension module";
    case Kind::source:
      return "module";
    case Kind::bytecode:
      return "bytecode";
    case Kind::portion:
      return "namespace package";
  }
  return "module";
}

/// What kind of interpreter a suffix such as ".cpython-38-x86_64-linux-gnu.so" is for, when it is
/// not this one.
std::string why_foreign(std::string_view suffix, int minor, std::string_view machine) {
  if (suffix.ends_with(".pyd")) return "built for Windows";
  constexpr std::string_view cpython = ".cpython-";
  if (!suffix.starts_with(cpython)) {
    return suffix.starts_with(".pypy") || suffix.starts_with(".graalpy")
               ? "not built for CPython"
               : "not named as this interpreter's modules are";
  }
  suffix.remove_prefix(cpython.size());
  const std::string_view digits = suffix.substr(0, suffix.find_first_not_of("0123456789"));
  suffix.remove_prefix(digits.size());
  const std::string_view flags = suffix.substr(0, suffix.find('-'));
  suffix.remove_prefix(std::min(flags.size() + 1, suffix.size()));
  const std::string_view platform = suffix.substr(0, suffix.rfind('.'));
  if (digits.size() < 2) return "not named as this interpreter's modules are";
  const std::string version =
      std::string(digits.substr(0, 1)) + "." + std::string(digits.substr(1));
  if (version != "3." + std::to_string(minor)) return "built for Python " + version;
  if (flags == "t") return "built for the free-threaded Python " + version;
  if (flags == "d") return "built for a debug build of Python " + version;
  if (platform.starts_with("darwin")) return "built for macOS";
  if (!platform.starts_with(machine)) {
    return "built for " + std::string(platform.substr(0, platform.find('-')));
  }
  return "built for " + std::string(platform);
}

/// The ways in which a package's __init__.py makes its path longer.
enum class Extension { none, pkgutil, pkg_resources };

class Resolver {
 public:
  Resolver(const FileView& view, const PythonSearch& search, int minor)
      : view_(view),
        minor_(minor),
        machine_(host_machine()),
        interpreter_(minor),
        path_(view, search, minor) {
    const std::string flags = minor < 8 ? "m" : "";
    extension_suffixes_ = {
        ".cpython-3" + std::to_string(minor) + flags + "-" + machine_ + "-linux-gnu.so", ".abi3.so",
        ".so"};
  }

  Resolution resolve(std::string_view module) {
    result_.name = module;
    if (!is_module_name(module)) {
      note("\"" + result_.name + "\" is no absolute module name.");
      return std::move(result_);
    }
    for (const std::string& folder : path_.folders()) open_.push_back({folder, folder, ""});
    note_startup_code(module.substr(0, module.find('.')));
    std::size_t end = 0;
    do {
      end = std::min(module.find('.', end + 1), module.size());
      const bool goes_on = step(module.substr(0, end), end == module.size());
      if (!goes_on) break;
    } while (end < module.size());
    return std::move(result_);
  }

 private:
  static bool is_module_name(std::string_view module) {
    return !module.empty() && module.front() != '.' && module.back() != '.' &&
           module.find("..") == module.npos && module.find('/') == module.npos &&
           module.find('\0') == module.npos;
  }

  void note(std::string sentence) {
    constexpr std::size_t most_notes = 32;
    if (result_.notes.size() < most_notes && !contains(result_.notes, sentence))
      result_.notes.push_back(std::move(sentence));
  }

  void note_startup_code(std::string_view top_level) {
    for (const std::string& archive : path_.archives())
      note(archive + " is an archive in sys.path; what is in it was not looked at.");
    for (const auto& [file, line] : path_.startup_code()) {
      // setuptools' old namespace packages: the module's name is a tuple of strings.
      if (file.ends_with("nspkg.pth")) {
        if (line.find("('" + std::string(top_level) + "'") != line.npos)
          note(file + " makes the package " + std::string(top_level) +
               " before the function's code runs; its path starts in " +
               file.substr(0, file.rfind('/')) + ", whatever was found here.");
        continue;
      }
      constexpr std::size_t most_shown = 100;
      note(file + " runs code before the function's, which may change what is found: " +
           line.substr(0, most_shown) + (line.size() > most_shown ? "..." : ""));
    }
    if (top_level == "sitecustomize" || top_level == "usercustomize")
      note("The interpreter imports " + std::string(top_level) +
           " at its own start, before the folders of the function and the layers count.");
  }

  /// FileFinder.find_spec(): all that a folder has for the name, the one that it takes first.
  std::vector<Hit> hits_in(const Folder& folder, std::string_view name) const {
    std::vector<Hit> hits;
    const std::string base = joined(folder.path, name);
    const auto add = [&](Kind kind, const std::string& path, const std::string& directory) {
      hits.push_back({kind, path, directory, folder, ""});
    };
    const bool is_folder = is_directory(view_, base);
    bool is_package = false;
    if (is_folder) {
      for (const auto& [suffix, kind] : suffixes()) {
        const std::string init = base + "/__init__" + suffix;
        if (!is_file(view_, init)) continue;
        add(Kind::package, init, base);
        is_package = true;
        break;
      }
    }
    for (const auto& [suffix, kind] : suffixes())
      if (is_file(view_, base + suffix)) add(kind, base + suffix, "");
    if (is_folder && !is_package) add(Kind::portion, base, base);
    const auto real = real_path(view_, folder.path);
    if (!real) return hits;
    const std::string start = std::string(name) + ".";
    for (const std::string& file : view_.names(*real)) {
      if (!file.starts_with(start) || (!file.ends_with(".so") && !file.ends_with(".pyd"))) continue;
      const std::string suffix = file.substr(name.size());
      const auto& own = extension_suffixes_;
      if (std::find(own.begin(), own.end(), suffix) != own.end()) continue;
      add(Kind::foreign, joined(folder.path, file), "");
      hits.back().reason = why_foreign(suffix, minor_, machine_);
    }
    return hits;
  }

  std::vector<std::pair<std::string, Kind>> suffixes() const {
    std::vector<std::pair<std::string, Kind>> suffixes;
    for (const std::string& suffix : extension_suffixes_)
      suffixes.emplace_back(suffix, Kind::extension);
    suffixes.emplace_back(".py", Kind::source);
    suffixes.emplace_back(".pyc", Kind::bytecode);
    return suffixes;
  }

  static bool is_regular(const Hit& hit) {
    return hit.kind != Kind::portion && hit.kind != Kind::foreign;
  }

  /// Looks for one level of a dotted name. Leaves the result, or the folders of the next level;
  /// false when the search ends here.
  bool step(std::string_view module, bool is_last) {
    const std::string_view name = module.substr(module.rfind('.') + 1);
    std::vector<Hit> hits;
    for (const Folder& folder : open_)
      for (Hit& hit : hits_in(folder, name)) hits.push_back(std::move(hit));
    std::vector<Hit> hidden;
    for (const Folder& folder : hidden_)
      for (Hit& hit : hits_in(folder, name)) hidden.push_back(std::move(hit));
    if (is_last)
      for (const Folder& folder : open_) result_.searched.push_back(folder.path);

    std::vector<Hit> taken;
    const std::string why = special(module, taken);
    if (!why.empty()) {
      taken.front().reason = why;
      std::erase_if(hits, [&](const Hit& hit) { return hit.path == taken.front().path; });
      for (Hit& hit : hits)
        if (hit.reason.empty())
          hit.reason = "not looked at: " + std::string(module) + " is " + short_reason_;
    } else {
      choose(name == module ? "sys.path" : "the package's __path__", hits, taken);
    }
    if (is_last) {
      finish(module, taken, hits, hidden);
      return false;
    }
    return descend(module, taken, hits, hidden);
  }

  /// Modules that are taken without a search of sys.path: says why, else nothing.
  std::string special(std::string_view module, std::vector<Hit>& taken) {
    const bool is_top_level = module.find('.') == module.npos;
    if (is_top_level && has(always_built_in, module, minor_)) {
      taken.push_back({});
      short_reason_ = "built into the interpreter";
      return "built into every interpreter, which looks there before sys.path";
    }
    if (is_top_level && has(extension_or_built_in, module, minor_) &&
        is_directory(view_, interpreter_.library)) {
      const auto own =
          hits_in({interpreter_.extensions, interpreter_.extensions, ""}, std::string(module));
      if (std::none_of(own.begin(), own.end(), is_regular)) {
        taken.push_back({});
        short_reason_ = "built into the interpreter";
        note(std::string(module) + " has no file in " + interpreter_.extensions +
             ", so it is taken as built into this interpreter; others may have it as a file.");
        return "built into this interpreter, which looks there before sys.path";
      }
    }
    const bool is_frozen = has(frozen, module, minor_);
    const bool is_early = has(imported_early, module, minor_);
    if (!is_frozen && !is_early && module != "logging") return {};
    // What is frozen has its source beside; the rest was found before layers counted.
    std::vector<Folder> folders;
    if (!is_top_level) {
      folders = open_;
    } else if (is_frozen) {
      folders = {{interpreter_.library, interpreter_.library, ""}};
    } else {
      for (const std::string& folder : path_.early_folders())
        folders.push_back({folder, folder, ""});
    }
    std::string_view name = module.substr(module.rfind('.') + 1);
    if (module == "__main__") name = "bootstrap";
    if (module == "os.path") {
      name = "posixpath";
      folders = {{interpreter_.library, interpreter_.library, ""}};
    }
    Hit found;
    for (const Folder& folder : folders) {
      const auto candidates = hits_in(folder, name);
      const auto first = std::find_if(candidates.begin(), candidates.end(), is_regular);
      if (first == candidates.end()) continue;
      found = *first;
      break;
    }
    // Without the interpreter's files in view sys.path says it, where it does.
    if (found.path.empty() && module == "logging") return {};
    taken.push_back(std::move(found));
    if (is_early) {
      short_reason_ = "already imported";
      return "already imported when the function's code is loaded";
    }
    if (is_frozen) {
      short_reason_ = "frozen into the interpreter";
      return "frozen into the interpreter, which looks there before sys.path";
    }
    short_reason_ = "the runtime's";
    return "imported by the runtime itself, as if before the function's code";
  }

  /// PathFinder.find_spec(): moves what is taken out of the hits and says of the rest why not.
  static void choose(const std::string& path, std::vector<Hit>& hits, std::vector<Hit>& taken) {
    const auto first = std::find_if(hits.begin(), hits.end(), is_regular);
    if (first == hits.end()) {
      for (Hit& hit : hits) {
        if (hit.kind != Kind::portion) continue;
        hit.reason = taken.empty() ? "a namespace package, since no folder has a regular one"
                                   : "another portion of the namespace package: it counts, too";
        taken.push_back(hit);
      }
      std::erase_if(hits, [](const Hit& hit) { return hit.kind == Kind::portion; });
      return;
    }
    const std::string what(kind_text(first->kind));
    bool passed_portion = false;
    for (auto hit = hits.begin(); hit != first; ++hit) passed_portion |= hit->kind == Kind::portion;
    first->reason =
        "the first in " + path + (passed_portion ? " that is no namespace portion" : "");
    for (Hit& hit : hits) {
      if (!hit.reason.empty()) continue;
      if (hit.kind == Kind::portion) {
        hit.reason = "a namespace portion, hidden by the " +
                     std::string(first->kind == Kind::package ? "regular package" : what) + " in " +
                     first->folder.path;
      } else if (hit.folder.path == first->folder.path) {
        hit.reason = "in one folder " + with_article(what) + " comes before " +
                     with_article(kind_text(hit.kind));
        if (hit.kind == first->kind) hit.reason = "its suffix comes later";
      } else {
        hit.reason = "later in " + path;
      }
    }
    taken.push_back(std::move(*first));
    hits.erase(first);
  }

  static std::string with_article(std::string_view noun) {
    if (noun == "bytecode") return std::string(noun);
    return (noun.starts_with('e') ? "an " : "a ") + std::string(noun);
  }

  void finish(std::string_view module, const std::vector<Hit>& taken, const std::vector<Hit>& hits,
              const std::vector<Hit>& hidden) {
    result_.found = !taken.empty();
    for (const Hit& hit : taken) add_candidate(module, hit);
    mark_extended(taken, module);
    for (const Hit& hit : hits) add_candidate(module, hit);
    for (Hit hit : hidden) {
      if (hit.reason.empty()) hit.reason = hit.folder.why_not;
      add_candidate(module, hit);
    }
  }

  void add_candidate(std::string_view module, const Hit& hit) {
    Candidate candidate;
    candidate.path = hit.path.empty() ? "built-in" : hit.path;
    candidate.kind = hit.path.empty() ? "built-in module" : kind_text(hit.kind);
    candidate.place = hit.folder.root;
    candidate.reason = hit.reason;
    if (!hit.path.empty()) candidate.version = version_of(module, hit.folder.root);
    result_.candidates.push_back(std::move(candidate));
  }

  std::string version_of(std::string_view module, const std::string& root) {
    if (root == interpreter_.library || root == interpreter_.extensions) return {};
    const auto [known, is_new] = versions_.try_emplace(root);
    if (is_new) {
      known->second = version_of_module(view_, root, module);
      if (known->second.empty())
        known->second = version_of_module(view_, root, module.substr(0, module.find('.')));
    }
    return known->second;
  }

  Extension extension_of(const Hit& package) {
    if (package.kind != Kind::package || !package.path.ends_with(".py")) return Extension::none;
    const std::string text = read_file(view_, package.path, text_limit).value_or(std::string());
    const auto mentions = [&text](std::string_view word) { return text.find(word) != text.npos; };
    const bool pkgutil = mentions("pkgutil") && mentions("extend_path");
    if (mentions("pkg_resources") && mentions("declare_namespace")) {
      for (const std::string& folder : path_.folders()) {
        const auto hits = hits_in({folder, folder, ""}, "pkg_resources");
        if (std::any_of(hits.begin(), hits.end(), is_regular)) return Extension::pkg_resources;
      }
      if (!pkgutil)
        note(package.path + " needs pkg_resources of setuptools, which is not in sys.path: it " +
             "cannot be imported.");
    }
    return pkgutil ? Extension::pkgutil : Extension::none;
  }

  void mark_extended(const std::vector<Hit>& taken, std::string_view module) {
    if (taken.empty()) return;
    const Extension extension = extension_of(taken.front());
    if (extension == Extension::none) return;
    note(taken.front().path + " is a namespace package of the old kind (" +
         (extension == Extension::pkgutil ? "pkgutil" : "pkg_resources") + "): what is below " +
         std::string(module) + " is looked for in the folders of that name all along sys.path.");
  }

  /// The folders of the next level: the package's __path__, and where it does not lead.
  bool descend(std::string_view module, const std::vector<Hit>& taken, const std::vector<Hit>& hits,
               const std::vector<Hit>& hidden) {
    const std::string parent(module);
    if (taken.empty() && hits.empty() && hidden.empty()) {
      note(parent + " is not found, so nothing below it is.");
      return false;
    }
    std::vector<Folder> searched = std::move(open_);
    open_.clear();
    hidden_.clear();
    for (const Hit& hit : taken)
      if (!hit.directory.empty()) open_.push_back({hit.directory, hit.folder.root, ""});
    if (taken.empty()) {
      note(parent + " is not found, so nothing below it is.");
    } else if (open_.empty()) {
      note(parent + " is " +
           (taken.front().path.empty() ? "a built-in module" : "the file " + taken.front().path) +
           ", so it has no modules below.");
    } else {
      extend(parent, taken.front(), searched);
    }
    std::string why_not = "not looked at: " + parent + " is ";
    why_not += taken.empty()                ? "not found"
               : taken.front().path.empty() ? "built into the interpreter"
                                            : taken.front().path;
    for (const std::vector<Hit>* const others : {&hits, &hidden}) {
      for (const Hit& hit : *others) {
        const bool is_open = std::any_of(open_.begin(), open_.end(), [&hit](const Folder& folder) {
          return folder.path == hit.directory;
        });
        if (!hit.directory.empty() && !is_open)
          hidden_.push_back({hit.directory, hit.folder.root,
                             hit.folder.why_not.empty() ? why_not : hit.folder.why_not});
      }
    }
    return true;
  }

  void extend(const std::string& parent, const Hit& package, const std::vector<Folder>& searched) {
    const Extension extension = extension_of(package);
    if (extension == Extension::none) return;
    mark_extended({package}, parent);
    const std::string_view name = std::string_view(parent).substr(parent.rfind('.') + 1);
    for (const Folder& folder : searched) {
      const std::vector<Hit> hits = hits_in(folder, name);
      const auto first = std::find_if(hits.begin(), hits.end(),
                                      [](const Hit& hit) { return hit.kind != Kind::foreign; });
      if (first == hits.end() || first->directory.empty()) continue;
      // pkg_resources asks for a loader, which namespace portions have not.
      if (extension == Extension::pkg_resources && first->kind == Kind::portion) continue;
      if (first->directory != package.directory)
        open_.push_back({first->directory, folder.root, ""});
    }
  }

  const FileView& view_;
  int minor_;
  std::string machine_;
  InterpreterFolders interpreter_;
  SearchPath path_;
  std::vector<std::string> extension_suffixes_;
  std::vector<Folder> open_;
  /// Where a losing package or portion of an earlier level has more.
  std::vector<Folder> hidden_;
  std::string short_reason_;
  std::map<std::string, std::string> versions_;
  Resolution result_;
};

}  // namespace

std::vector<std::string> python_search_path(const FileView& view, const PythonSearch& search) {
  const auto minor = minor_of(search.version);
  return minor ? SearchPath(view, search, *minor).folders() : std::vector<std::string>();
}

Resolution resolve_python(const FileView& view, const PythonSearch& search,
                          std::string_view module) {
  const auto minor = minor_of(search.version);
  if (minor) return Resolver(view, search, *minor).resolve(module);
  Resolution unknown;
  unknown.name = module;
  unknown.notes.push_back("Python " + search.version + " is not known here.");
  return unknown;
}

}  // namespace diagnosis
