#include "diagnosis/library_search.hpp"

#include "diagnosis/elf_file.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace diagnosis {
namespace {

/// Where functions start, and what an empty or relative folder of a search path means.
constexpr std::string_view working_directory = "/var/task";
constexpr std::uint32_t readable_by_others = 0004;
constexpr std::uint32_t runnable_by_others = 0001;
/// A package is no larger.
constexpr std::size_t largest_object = 256 << 20;

std::vector<std::string_view> split(std::string_view list, std::string_view separators) {
  std::vector<std::string_view> items;
  while (true) {
    const std::size_t end = list.find_first_of(separators);
    items.push_back(list.substr(0, end));
    if (end == std::string_view::npos) return items;
    list.remove_prefix(end + 1);
  }
}

std::string_view folder_of(std::string_view path) {
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

/// What one look at a path says.
struct Look {
  std::string kind;
  /// Why it is not taken; empty for one that may be.
  std::string obstacle;
  /// The message with which the search ends here, although this one is not taken.
  std::string error;
};

/// Puts together what the search meets. The taken candidate comes first in the end, as a Resolution
/// has it, and the others in the order of the search.
class Gathering {
 public:
  Gathering(const FileView& view, std::string_view name) : view_(view) {
    resolution_.name = std::string(name);
  }

  /// False for a folder that was looked at before.
  bool enter(const std::string& folder) {
    std::vector<std::string>& searched = resolution_.searched;
    if (std::find(searched.begin(), searched.end(), folder) != searched.end()) return false;
    searched.push_back(folder);
    return true;
  }

  /// `examine` tells what the file at a path is; it is asked only for what the path leads to.
  template <typename Examine>
  void meet(const std::string& path, const std::string& place, const Examine& examine) {
    const auto real = real_path(view_, path);
    if (!real) {
      // Only now: most paths lead nowhere because there is nothing.
      if (is_dangling(path)) add(path, place, {"file", "a symbolic link that leads nowhere", ""});
      return;
    }
    // Folders such as /lib64 and /usr/lib64 are often one.
    if (std::find(met_.begin(), met_.end(), *real) != met_.end()) return;
    met_.push_back(*real);
    const auto node = view_.look(*real);
    if (!node) return;
    add(path, place, examine(path, *node));
  }

  void note(std::string sentence) { resolution_.notes.push_back(std::move(sentence)); }

  /// `why_first` is for a taken candidate before which there was none.
  Resolution finish(std::string why_first) {
    if (taken_) {
      const auto begin = resolution_.candidates.begin();
      const auto place = begin + static_cast<std::ptrdiff_t>(*taken_);
      place->reason = std::move(why_first);
      if (place != begin) place->reason += " that can be taken";
      std::rotate(begin, place, place + 1);
      resolution_.found = true;
    }
    return std::move(resolution_);
  }

 private:
  bool is_dangling(const std::string& path) const {
    const auto folder = real_path(view_, folder_of(path));
    const auto node =
        folder ? view_.look(joined(*folder, path.substr(path.rfind('/') + 1))) : std::nullopt;
    return node && node->is_symlink();
  }

  void add(const std::string& path, const std::string& place, const Look& look) {
    std::string reason = look.obstacle;
    if (!decided_in_.empty()) {
      reason = "later in the search path: " + decided_in_ + " comes first";
      if (!look.obstacle.empty()) reason += ", and " + look.obstacle;
    } else if (reason.empty()) {
      taken_ = resolution_.candidates.size();
      decided_in_ = place;
    } else if (!look.error.empty()) {
      reason += ": the loader stops here with \"" + look.error + "\"";
      decided_in_ = place;
    }
    resolution_.candidates.push_back({.path = path,
                                      .kind = look.kind,
                                      .version = "",
                                      .place = place,
                                      .reason = std::move(reason)});
  }

  const FileView& view_;
  Resolution resolution_;
  std::vector<std::string> met_;
  std::optional<std::size_t> taken_;
  /// The folder in which the search came to its end, with or without success.
  std::string decided_in_;
};

Look examine_program(const std::string&, const FileNode& node) {
  if (node.is_directory()) return {"directory", "a directory", ""};
  if ((node.mode & runnable_by_others) == 0)
    return {"file", "not executable: the function runs as neither owner nor group", ""};
  return {"program", "", ""};
}

class LibraryExaminer {
 public:
  LibraryExaminer(const FileView& view, std::string_view architecture)
      : view_(view), architecture_(architecture) {}

  // As open_verify() in glibc's dl-load.c: another class or machine is passed over, and so is what
  // cannot be opened; anything else that is no library of this machine is an error.
  Look operator()(const std::string& path, const FileNode& node) const {
    if (node.is_directory()) return {"directory", "a directory", "cannot read file data"};
    if ((node.mode & readable_by_others) == 0)
      return {"file", "not readable: the function runs as neither owner nor group", ""};
    const auto beginning = read_file(view_, path, elf_header_size);
    if (!beginning) return {"file", "not readable", ""};
    const std::string architecture = elf_architecture(*beginning);
    if (architecture.empty()) return {"file", "no ELF file", "invalid ELF header"};
    if (!architecture_.empty() && architecture != architecture_)
      return {"shared library", "built for " + architecture + ", not " + architecture_, ""};
    return {"shared library", "", ""};
  }

 private:
  const FileView& view_;
  std::string architecture_;
};

std::string_view platform_of(std::string_view architecture) {
  return architecture == "arm64" ? "aarch64" : architecture;
}

void replace_token(std::string& text, std::string_view name, std::string_view value) {
  for (const std::string& token : {"${" + std::string(name) + "}", "$" + std::string(name)}) {
    for (std::size_t at = 0; (at = text.find(token, at)) != std::string::npos; at += value.size())
      text.replace(at, token.size(), value);
  }
}

/// ld.so(8), "Dynamic string tokens".
std::string expanded(std::string_view folder, std::string_view origin,
                     std::string_view architecture) {
  std::string text(folder);
  if (text.find('$') == std::string::npos) return text;
  replace_token(text, "ORIGIN", origin);
  replace_token(text, "LIB", "lib64");
  replace_token(text, "PLATFORM", platform_of(architecture));
  return text;
}

struct RunPath {
  std::vector<std::string> folders;
  bool is_rpath = false;
};

/// The loader takes the real path of a program, but a library's as it was found.
RunPath run_path_of(const FileView& view, const LibrarySearch& search, Gathering& gathering) {
  RunPath run_path;
  if (search.needed_by.empty()) return run_path;
  const std::string path = joined(working_directory, search.needed_by);
  const auto bytes = read_file(view, path, largest_object);
  const auto object = bytes ? read_elf(*bytes) : std::nullopt;
  if (!object) {
    gathering.note(path + " cannot be read as an ELF file; its RUNPATH is not known.");
    return run_path;
  }
  if (object->run_path.empty()) return run_path;
  run_path.is_rpath = object->run_path_is_rpath;
  const std::string real =
      object->kind == ElfFile::Kind::program ? real_path(view, path).value_or(path) : path;
  for (const std::string_view folder : split(object->run_path, ":"))
    run_path.folders.push_back(expanded(folder, folder_of(real), search.architecture));
  return run_path;
}

std::vector<std::string> system_folders(std::string_view architecture) {
  std::vector<std::string> folders{"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
  // Debian's, where the system libraries of a host may lie.
  if (architecture == "x86_64" || architecture == "arm64") {
    const std::string triplet = std::string(platform_of(architecture)) + "-linux-gnu";
    folders.push_back("/lib/" + triplet);
    folders.push_back("/usr/lib/" + triplet);
  }
  return folders;
}

}  // namespace

Resolution resolve_program(const FileView& view, std::string_view path_variable,
                           std::string_view name) {
  Gathering gathering(view, name);
  if (name.empty()) return gathering.finish("first in PATH");
  if (name.find('/') != std::string_view::npos) {
    const std::string path = joined(working_directory, name);
    const std::string folder(folder_of(path));
    gathering.enter(folder);
    gathering.meet(path, folder, examine_program);
    return gathering.finish("named with its folder");
  }
  for (const std::string_view item : split(path_variable, ":")) {
    const std::string folder = joined(working_directory, item);
    if (gathering.enter(folder)) gathering.meet(joined(folder, name), folder, examine_program);
  }
  return gathering.finish("first in PATH");
}

Resolution resolve_library(const FileView& view, const LibrarySearch& search,
                           std::string_view soname) {
  Gathering gathering(view, soname);
  if (soname.empty()) return gathering.finish("first in the search path");
  const LibraryExaminer examine(view, search.architecture);
  if (soname.find('/') != std::string_view::npos) {
    const std::string path = joined(working_directory, soname);
    const std::string folder(folder_of(path));
    gathering.enter(folder);
    gathering.meet(path, folder, examine);
    return gathering.finish("named with its folder");
  }
  const RunPath run_path = run_path_of(view, search, gathering);
  std::vector<std::string> folders;
  if (run_path.is_rpath) folders = run_path.folders;
  // Of the program, which need not be the one that needs this.
  if (!search.library_path.empty())
    for (const std::string_view item : split(search.library_path, ":;"))
      folders.push_back(expanded(item, working_directory, search.architecture));
  if (!run_path.is_rpath)
    folders.insert(folders.end(), run_path.folders.begin(), run_path.folders.end());
  for (std::string& folder : system_folders(search.architecture))
    folders.push_back(std::move(folder));
  for (const std::string& item : folders) {
    const std::string folder = joined(working_directory, item);
    if (gathering.enter(folder)) gathering.meet(joined(folder, soname), folder, examine);
  }
  return gathering.finish("first in the search path");
}

}  // namespace diagnosis
