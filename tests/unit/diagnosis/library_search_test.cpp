#include "diagnosis/library_search.hpp"

#include "tests/support/elf_builder.hpp"
#include "tests/support/memory_files.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using diagnosis::LibrarySearch;
using diagnosis::Resolution;
using diagnosis::resolve_library;
using diagnosis::resolve_program;
using test_support::ElfBuilder;
using test_support::MemoryFiles;

namespace {

using Strings = std::vector<std::string>;

/// "path: reason" for each candidate.
Strings shown(const Resolution& resolution) {
  Strings text;
  for (const auto& candidate : resolution.candidates)
    text.push_back(candidate.path + ": " + candidate.reason);
  return text;
}

std::string library() {
  return ElfBuilder().soname("libx.so.1").build();
}
std::string arm_library() {
  return ElfBuilder().machine(EM_AARCH64).build();
}

LibrarySearch along(std::string library_path, std::string needed_by = "") {
  return {std::move(library_path), "x86_64", std::move(needed_by)};
}

const std::string not_executable = "not executable: the function runs as neither owner nor group";

}  // namespace

TEST_CASE("a program is the first of its name in PATH") {
  MemoryFiles files;
  files.file("/opt/bin/tool", "", 0755).file("/usr/bin/tool", "", 0755);
  const auto found = resolve_program(files, "/nowhere:/opt/bin:/usr/bin:/bin", "tool");
  CHECK(found.name == "tool");
  CHECK(found.found);
  CHECK(shown(found) == Strings{"/opt/bin/tool: first in PATH",
                                "/usr/bin/tool: later in the search path: /opt/bin comes first"});
  CHECK(found.searched == Strings{"/nowhere", "/opt/bin", "/usr/bin", "/bin"});
  CHECK(found.candidates[0].kind == "program");
  CHECK(found.candidates[0].place == "/opt/bin");
  CHECK(found.candidates[0].version == "");
}

TEST_CASE("what cannot be run is passed over") {
  MemoryFiles files;
  files.file("/a/tool", "", 0644).file("/b/tool", "", 0770).directory("/c/tool");
  files.link("/d/tool", "gone").file("/e/tool", "", 0755).file("/f/tool", "", 0600);
  const auto found = resolve_program(files, "/a:/b:/c:/d:/e:/f", "tool");
  CHECK(found.found);
  CHECK(shown(found) ==
        Strings{"/e/tool: first in PATH that can be taken", "/a/tool: " + not_executable,
                "/b/tool: " + not_executable, "/c/tool: a directory",
                "/d/tool: a symbolic link that leads nowhere",
                "/f/tool: later in the search path: /e comes first, and " + not_executable});
  CHECK(found.candidates[3].kind == "directory");

  const auto lost = resolve_program(files, "/a:/b", "tool");
  CHECK_FALSE(lost.found);
  CHECK(lost.candidates.size() == 2);
}

TEST_CASE("a program behind a symbolic link is judged by what it leads to, and counts once") {
  MemoryFiles files;
  files.file("/usr/bin/tool", "", 0755).link("/bin", "usr/bin").link("/opt/bin/tool", "/bin/tool");
  const auto found = resolve_program(files, "/opt/bin:/usr/bin:/bin", "tool");
  CHECK(shown(found) == Strings{"/opt/bin/tool: first in PATH"});
}

TEST_CASE("empty and relative folders start where the function does") {
  MemoryFiles files;
  files.file("/var/task/tool", "", 0755).file("/var/task/bin/tool", "", 0755);
  CHECK(resolve_program(files, "/usr/bin:", "tool").candidates.at(0).path == "/var/task/tool");
  CHECK(resolve_program(files, ":/usr/bin", "tool").searched == Strings{"/var/task", "/usr/bin"});
  CHECK(resolve_program(files, "bin:", "tool").candidates.at(0).path == "/var/task/bin/tool");
}

TEST_CASE("a name with a slash is taken as it is") {
  MemoryFiles files;
  files.file("/opt/tool", "", 0755).file("/var/task/bin/tool", "", 0755).file("/opt/bin/tool");
  CHECK(shown(resolve_program(files, "/opt/bin", "/opt/tool")) ==
        Strings{"/opt/tool: named with its folder"});
  CHECK(shown(resolve_program(files, "/opt", "bin/tool")) ==
        Strings{"/var/task/bin/tool: named with its folder"});
  CHECK_FALSE(resolve_program(files, "", "/opt/bin/tool").found);
  CHECK_FALSE(resolve_program(files, "/opt", "").found);
}

TEST_CASE("a library is looked for in LD_LIBRARY_PATH, then where systems keep theirs") {
  MemoryFiles files;
  files.file("/opt/lib/libx.so.1", library()).file("/usr/lib64/libx.so.1", library());
  files.file("/usr/lib/x86_64-linux-gnu/libx.so.1", library());
  const auto found = resolve_library(files, along("/var/task/lib:/opt/lib"), "libx.so.1");
  CHECK(found.found);
  CHECK(shown(found) ==
        Strings{"/opt/lib/libx.so.1: first in the search path",
                "/usr/lib64/libx.so.1: later in the search path: /opt/lib comes first",
                "/usr/lib/x86_64-linux-gnu/libx.so.1: later in the search path: /opt/lib comes "
                "first"});
  CHECK(found.searched == Strings{"/var/task/lib", "/opt/lib", "/lib64", "/usr/lib64", "/lib",
                                  "/usr/lib", "/lib/x86_64-linux-gnu",
                                  "/usr/lib/x86_64-linux-gnu"});
  CHECK(found.candidates[0].kind == "shared library");
  CHECK(found.candidates[0].place == "/opt/lib");

  const auto on_arm = resolve_library(files, {"", "arm64", ""}, "libx.so.1");
  CHECK_FALSE(on_arm.found);
  CHECK(on_arm.searched.back() == "/usr/lib/aarch64-linux-gnu");
}

TEST_CASE("libraries for another machine, and ones that may not be read, are passed over") {
  MemoryFiles files;
  files.file("/a/libx.so.1", arm_library()).file("/b/libx.so.1", library(), 0600);
  files.file("/c/libx.so.1", ElfBuilder().machine(EM_386).narrow().build());
  files.file("/d/libx.so.1", library());
  const auto found = resolve_library(files, along("/a:/b:/c:/d"), "libx.so.1");
  CHECK(found.found);
  CHECK(shown(found) ==
        Strings{"/d/libx.so.1: first in the search path that can be taken",
                "/a/libx.so.1: built for arm64, not x86_64",
                "/b/libx.so.1: not readable: the function runs as neither owner nor group",
                "/c/libx.so.1: built for i386, not x86_64"});
}

TEST_CASE("the loader stops at a file that is no library at all, whatever comes later") {
  MemoryFiles files;
  files.file("/a/libx.so.1", "/* GNU ld script */ INPUT(libx.so.1.0)");
  files.file("/b/libx.so.1", library());
  files.directory("/c/libx.so.1");
  const auto script = resolve_library(files, along("/a:/b"), "libx.so.1");
  CHECK_FALSE(script.found);
  CHECK(shown(script) ==
        Strings{"/a/libx.so.1: no ELF file: the loader stops here with \"invalid ELF header\"",
                "/b/libx.so.1: later in the search path: /a comes first"});
  const auto directory = resolve_library(files, along("/c:/b"), "libx.so.1");
  CHECK_FALSE(directory.found);
  CHECK(shown(directory).at(0) ==
        "/c/libx.so.1: a directory: the loader stops here with \"cannot read file data\"");
  const auto later = resolve_library(files, along("/b:/a"), "libx.so.1");
  CHECK(later.found);
  CHECK(shown(later).at(1) ==
        "/a/libx.so.1: later in the search path: /b comes first, and no ELF "
        "file");
}

TEST_CASE("RUNPATH comes after LD_LIBRARY_PATH, RPATH before it") {
  MemoryFiles files;
  files.file("/opt/lib/new.so", ElfBuilder().run_path("/run").build());
  files.file("/opt/lib/old.so", ElfBuilder().rpath("/run").build());
  files.file("/opt/lib/both.so", ElfBuilder().rpath("/old").run_path("/run").build());
  const auto first_searched = [&files](const std::string& needed_by) {
    auto searched = resolve_library(files, along("/ld", needed_by), "libx.so.1").searched;
    searched.resize(2);
    return searched;
  };
  CHECK(first_searched("/opt/lib/new.so") == Strings{"/ld", "/run"});
  CHECK(first_searched("/opt/lib/old.so") == Strings{"/run", "/ld"});
  CHECK(first_searched("/opt/lib/both.so") == Strings{"/ld", "/run"});
}

TEST_CASE("the tokens of a run path are expanded, $ORIGIN to where the object was found") {
  MemoryFiles files;
  files.file("/opt/python/pkg/ext.so",
             ElfBuilder().run_path("$ORIGIN/../pkg.libs:${ORIGIN}/$LIB:/p/${PLATFORM}:").build());
  files.file("/opt/python/pkg.libs/libx.so.1", library());
  const auto found = resolve_library(files, along("", "/opt/python/pkg/ext.so"), "libx.so.1");
  CHECK(found.found);
  CHECK(found.candidates.at(0).path == "/opt/python/pkg.libs/libx.so.1");
  CHECK(Strings(found.searched.begin(), found.searched.begin() + 4) ==
        Strings{"/opt/python/pkg.libs", "/opt/python/pkg/lib64", "/p/x86_64", "/var/task"});
  CHECK(found.notes.empty());

  files.file("/opt/real/ext.so", ElfBuilder().run_path("$ORIGIN").build());
  files.link("/opt/lib/ext.so", "../real/ext.so");
  files.file("/opt/real/tool", ElfBuilder().pie().run_path("$ORIGIN").build());
  files.link("/opt/bin/tool", "../real/tool");
  CHECK(resolve_library(files, along("", "/opt/lib/ext.so"), "l").searched.at(0) == "/opt/lib");
  CHECK(resolve_library(files, along("", "/opt/bin/tool"), "l").searched.at(0) == "/opt/real");
}

TEST_CASE("a needing object that cannot be read leaves a note") {
  MemoryFiles files;
  files.file("/opt/x", "text").file("/lib64/libx.so.1", library());
  const auto found = resolve_library(files, along("", "/opt/x"), "libx.so.1");
  CHECK(found.found);
  CHECK(found.notes == Strings{"/opt/x cannot be read as an ELF file; its RUNPATH is not known."});
}

TEST_CASE("folders and files count once, by whatever name") {
  MemoryFiles files;
  files.file("/usr/lib64/libx.so.1", library()).link("/lib64", "usr/lib64");
  const auto found = resolve_library(files, along("/lib64:/lib64/:/usr/lib64"), "libx.so.1");
  CHECK(shown(found) == Strings{"/lib64/libx.so.1: first in the search path"});
  CHECK(found.searched.at(1) == "/usr/lib64");
}

TEST_CASE("separators, empty items and paths instead of names are as the loader has them") {
  MemoryFiles files;
  files.file("/opt/lib/libx.so.1", library());
  CHECK(resolve_library(files, along("/a;/b::/c"), "libx.so.1").searched.at(2) == "/var/task");
  CHECK(resolve_library(files, along(""), "libx.so.1").searched.at(0) == "/lib64");
  CHECK(shown(resolve_library(files, along(""), "/opt/lib/libx.so.1")) ==
        Strings{"/opt/lib/libx.so.1: named with its folder"});
  CHECK_FALSE(resolve_library(files, along("/opt/lib"), "").found);
}
