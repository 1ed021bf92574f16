// Single files: modes, links, scripts, twins.
#include "diagnosis/checks/checks.hpp"
#include "layers/entry_name.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <tuple>

namespace diagnosis {
namespace {

using layers::TreeEntry;
using Index = TreeFacts::Index;

constexpr std::uint32_t others_read = 0004;
constexpr std::uint32_t others_run = 0001;
constexpr std::uint64_t big_file = 1 << 20;
constexpr int most_links = 40;
/// Bytes of paths, for all links of a package; real ones need some million.
constexpr std::size_t most_link_effort = 64 << 20;

/// A file that something starts: how it is called, and what starts it.
struct Program {
  std::string what;
  enum class Start {
    by_lambda,  ///< with execve(), and the function depends on it
    by_shell,   ///< the same by a script of the runtime, which takes anything else for a script
    by_code,    ///< perhaps
  } start = Start::by_lambda;
};

bool has_custom_runtime(const Subject& subject) {
  return subject.runtime && subject.runtime->language == RuntimeProfile::Language::custom;
}

/// The path inside of AWS_LAMBDA_EXEC_WRAPPER; custom runtimes know no wrappers.
std::string wrapper_of(const Subject& subject) {
  const auto wrapper = subject.variables.find("AWS_LAMBDA_EXEC_WRAPPER");
  return wrapper == subject.variables.end() || has_custom_runtime(subject) ? std::string()
                                                                           : wrapper->second;
}

std::optional<Program> program_at(const Subject& subject, const Owner& owner,
                                  const Package& package, Index index) {
  const std::string& path = package.listing[index].path;
  if (has_custom_runtime(subject) && path == "bootstrap")
    return Program{"the custom runtime's bootstrap"};
  const std::string root = owner.kind == Owner::Kind::code ? "/var/task/" : "/opt/";
  if (wrapper_of(subject) == root + path)
    return Program{"the function's AWS_LAMBDA_EXEC_WRAPPER", Program::Start::by_shell};
  if (owner.kind == Owner::Kind::code) return std::nullopt;
  if (layers::parent_path(path) == "extensions") return Program{"an extension"};
  // Texts lie in bin/, too.
  if (layers::parent_path(path) == "bin" &&
      (package.facts.elf_files.contains(index) || package.facts.scripts.contains(index)))
    return Program{"a program in PATH", Program::Start::by_code};
  return std::nullopt;
}

/// Programs that every Amazon Linux image of Lambda has, minimal ones included (Amazon Linux 2023
/// user guide, "minimal container image"; bash and coreutils are in both).
bool is_system_program(std::string_view path) {
  constexpr std::array names = {"sh", "bash", "env", "cat", "ls", "cp", "sed", "awk"};
  for (const std::string_view folder : {"/bin/", "/usr/bin/"})
    if (path.starts_with(folder))
      return std::find(names.begin(), names.end(), path.substr(folder.size())) != names.end();
  return false;
}

/// The interpreter of a runtime and its links in /var/lang/bin.
bool is_runtime_program(const Subject& subject, std::string_view name) {
  if (!subject.runtime) return true;  // Nothing known: no complaint.
  const std::string& version = subject.runtime->version;
  switch (subject.runtime->language) {
    case RuntimeProfile::Language::python:
      return name == "python" || name == "python3" || name == "python" + version;
    case RuntimeProfile::Language::nodejs:
      return name == "node";
    case RuntimeProfile::Language::ruby:
      return name == "ruby";
    case RuntimeProfile::Language::java:
      return name == "java";
    default:
      return false;
  }
}

bool in_packages(const Subject& subject, std::string_view inside) {
  if (inside.starts_with("/opt/")) return subject.opt->find(inside.substr(5)) != nullptr;
  if (inside.starts_with("/var/task/"))
    return subject.code != nullptr && subject.code->find(inside.substr(10)) != nullptr;
  return false;
}

/// Whether "#!<line>" can start something; false only when it is sure that it cannot.
bool interpreter_is_there(const Subject& subject, std::string_view line) {
  while (line.starts_with(' ')) line.remove_prefix(1);
  const std::string_view program = line.substr(0, line.find(' '));
  if (program == "/usr/bin/env" || program == "/bin/env") {
    std::string_view rest = line.substr(program.size());
    const auto skip_blanks = [&rest] {
      while (rest.starts_with(' ')) rest.remove_prefix(1);
    };
    skip_blanks();
    if (rest.starts_with("-S")) rest.remove_prefix(2);
    skip_blanks();
    const std::string name(rest.substr(0, rest.find(' ')));
    if (name.empty() || name.front() == '-' || name.find('=') != std::string::npos) return true;
    return is_system_program("/usr/bin/" + name) || is_runtime_program(subject, name) ||
           in_packages(subject, "/opt/bin/" + name);
  }
  if (program.starts_with("/var/lang/bin/")) return is_runtime_program(subject, program.substr(14));
  if (program.starts_with("/opt/") || program.starts_with("/var/task/"))
    return in_packages(subject, program);
  return is_system_program(program);
}

void check_programs(const Subject& subject, const Owner& owner, const Package& package,
                    std::vector<Finding>& findings) {
  const std::string name = package_name(subject, owner);
  for (Index index = 0; index < package.listing.size(); ++index) {
    const TreeEntry& entry = package.listing[index];
    if (entry.type != TreeEntry::Type::file) continue;
    const auto program = program_at(subject, owner, package, index);
    if (!program || !shows(subject, owner, entry.path)) continue;
    const auto grade = [&](Finding finding) {
      if (program->start == Program::Start::by_code) finding.severity = Severity::warning;
      findings.push_back(std::move(finding));
    };
    if ((entry.mode & others_run) == 0) {
      char mode[8];
      std::snprintf(mode, sizeof mode, "%04o", entry.mode);
      grade(finding_of("not-executable", name, entry.path,
                       "It is " + program->what + " with mode " + mode + "."));
    }
    const auto script = package.facts.scripts.find(index);
    if (script == package.facts.scripts.end()) {
      const bool was_read = package.facts.digests[index] != base::Digest();
      if (program->start == Program::Start::by_lambda && was_read &&
          !package.facts.elf_files.contains(index))
        grade(finding_of("not-a-program", name, entry.path,
                         "It is " + program->what +
                             ", and neither a program for Linux nor a script that names its "
                             "interpreter."));
      continue;
    }
    if (script->second.carriage_return) {
      grade(finding_of("carriage-return", name, entry.path,
                       "It is " + program->what + ", and its first line ends with CR LF."));
    } else if (!subject.incomplete &&
               !interpreter_is_there(subject, script->second.interpreter_line)) {
      grade(finding_of("missing-script-interpreter", name, entry.path,
                       "It is " + program->what + " and asks for \"" +
                           script->second.interpreter_line +
                           "\", which neither Lambda's image nor a layer has."));
    }
  }
}

/// What must be there to be started.
void check_started(const Subject& subject, std::vector<Finding>& findings) {
  if (subject.incomplete) return;
  const std::string wrapper = wrapper_of(subject);
  const bool unknown = subject.code == nullptr && wrapper.starts_with("/var/task/");
  if ((wrapper.starts_with("/opt/") || wrapper.starts_with("/var/task/")) && !unknown &&
      !in_packages(subject, wrapper))
    findings.push_back(finding_of("missing-wrapper", "", "",
                                  "AWS_LAMBDA_EXEC_WRAPPER is " + wrapper +
                                      ", which is neither in the code nor in a layer."));
  if (has_custom_runtime(subject) && subject.code != nullptr &&
      !in_packages(subject, "/var/task/bootstrap") && !in_packages(subject, "/opt/bootstrap"))
    findings.push_back(finding_of("missing-bootstrap", "code", "",
                                  "There is neither /var/task/bootstrap nor /opt/bootstrap, and " +
                                      subject.runtime->identifier + " starts one of them."));
}

void check_readable(const Subject& subject, const Owner& owner, const Package& package,
                    std::vector<Finding>& findings) {
  // AWS looks at the layers' modes itself.
  if (owner.kind != Owner::Kind::code) return;
  PathCollector unreadable;
  for (const TreeEntry& entry : package.listing)
    if ((entry.type == TreeEntry::Type::file && (entry.mode & others_read) == 0) ||
        (entry.type == TreeEntry::Type::directory && (entry.mode & others_run) == 0))
      unreadable.add(entry.path);
  if (!unreadable.empty())
    findings.push_back(unreadable.finding(
        "unreadable-code", package_name(subject, owner),
        std::to_string(unreadable.size()) + " entries are not for others to read."));
}

/// Whether a link of the merged /opt or the code leads to something, followed inside those two.
/// Each path that is looked up on the way takes its length of `effort`; without any left nobody
/// knows.
bool leads_somewhere(const Subject& subject, std::string path, std::size_t& effort) {
  for (int links = 0; links < most_links; ++links) {
    // Every component can be a link.
    bool restarted = false;
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string part = path.substr(0, slash);
      if (effort < part.size()) return true;
      effort -= part.size();
      const TreeEntry* entry = nullptr;
      if (part.starts_with("/opt/")) {
        const OptPath* found = subject.opt->find(part.substr(5));
        if (found == nullptr) return false;
        entry = &found->merged.entry;
      } else if (part.starts_with("/var/task/")) {
        if (subject.code == nullptr) return true;  // Nobody knows.
        entry = subject.code->find(part.substr(10));
        if (entry == nullptr) return false;
      }
      if (entry != nullptr && entry->type == TreeEntry::Type::symlink) {
        const std::string rest = slash == std::string::npos ? "" : path.substr(slash);
        path = joined(part.substr(0, part.rfind('/')), entry->link_target) + rest;
        path = normal_path(path);
        restarted = true;
        break;
      }
      if (slash == std::string::npos) return true;
    }
    if (!restarted) return true;
    // Outside of the packages: the system's business.
    if (!path.starts_with("/opt/") && !path.starts_with("/var/task/")) return true;
  }
  return false;
}

void check_links(const Subject& subject, const Owner& owner, const Package& package,
                 std::vector<Finding>& findings) {
  if (subject.incomplete) return;
  PathCollector dangling;
  std::string target;
  std::size_t effort = most_link_effort;
  const std::string root = owner.kind == Owner::Kind::code ? "/var/task/" : "/opt/";
  for (const TreeEntry& entry : package.listing) {
    if (entry.type != TreeEntry::Type::symlink || !shows(subject, owner, entry.path)) continue;
    if (leads_somewhere(subject, root + entry.path, effort)) continue;
    if (dangling.empty()) target = entry.link_target;
    dangling.add(entry.path);
  }
  if (!dangling.empty())
    findings.push_back(dangling.finding("dangling-link", package_name(subject, owner),
                                        "It leads to \"" + target + "\", which is not there."));
}

/// "libssl" of "libssl.so.3": names of one library.
std::string_view library_stem(std::string_view name) {
  const std::size_t dot = name.ends_with(".so") ? name.size() - 3 : name.find(".so.");
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

void check_twins(const Subject& subject, const Owner& owner, const Package& package,
                 std::vector<Finding>& findings) {
  // Of one content and one library in one folder: the links that a careless zip replaced by copies.
  std::map<std::tuple<std::string_view, std::string_view, base::Digest>, std::vector<Index>> twins;
  for (Index index = 0; index < package.listing.size(); ++index) {
    const TreeEntry& entry = package.listing[index];
    if (entry.type != TreeEntry::Type::file || entry.size == 0) continue;
    const std::string_view stem = library_stem(file_name(entry.path));
    const base::Digest& digest = package.facts.digests[index];
    if (!stem.empty() && digest != base::Digest())
      twins[{layers::parent_path(entry.path), stem, digest}].push_back(index);
  }
  for (const auto& [key, indices] : twins) {
    if (indices.size() < 2) continue;
    PathCollector same;
    for (const Index index : indices) same.add(package.listing[index].path);
    const std::uint64_t wasted = package.listing[indices[0]].size * (same.size() - 1);
    findings.push_back(same.finding("dereferenced-links", package_name(subject, owner),
                                    std::to_string(same.size()) +
                                        " identical files under names of one library; " +
                                        std::to_string(wasted) + " bytes for nothing."));
  }
}

void check_repeated(const Subject& subject, std::vector<Finding>& findings) {
  struct Place {
    Owner owner;
    std::string path;
  };
  std::map<base::Digest, Place> seen;
  std::map<std::pair<std::string, std::string>, std::pair<PathCollector, std::uint64_t>> repeated;
  for_each_package(subject, [&](const Owner& owner, const Package& package) {
    for (Index index = 0; index < package.listing.size(); ++index) {
      const TreeEntry& entry = package.listing[index];
      const base::Digest& digest = package.facts.digests[index];
      // What could not be read is like nothing else.
      if (entry.type != TreeEntry::Type::file || entry.size < big_file || digest == base::Digest())
        continue;
      const auto [known, is_new] = seen.try_emplace(digest, Place{owner, entry.path});
      if (is_new || known->second.owner == owner) continue;
      auto& found =
          repeated[{package_name(subject, owner), owner_text(subject, known->second.owner)}];
      found.first.add(entry.path);
      found.second += entry.size;
    }
  });
  for (const auto& [who, found] : repeated)
    findings.push_back(found.first.finding("same-content-twice", who.first,
                                           std::to_string(found.first.size()) + " files, " +
                                               std::to_string(found.second) + " bytes, are in " +
                                               who.second + " as well."));
}

}  // namespace

void check_files(const Subject& subject, std::vector<Finding>& findings) {
  for_each_package(subject, [&](const Owner& owner, const Package& package) {
    check_programs(subject, owner, package, findings);
    check_readable(subject, owner, package, findings);
    check_links(subject, owner, package, findings);
    check_twins(subject, owner, package, findings);
  });
  check_started(subject, findings);
  check_repeated(subject, findings);
}

}  // namespace diagnosis
