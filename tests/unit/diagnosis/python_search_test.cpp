#include "diagnosis/python_search.hpp"

#include "tests/support/memory_files.hpp"

#include <doctest/doctest.h>

#include <sys/utsname.h>

#include <algorithm>
#include <string>
#include <vector>

using diagnosis::python_search_path;
using diagnosis::PythonSearch;
using diagnosis::Resolution;
using diagnosis::resolve_python;

using test_support::MemoryFiles;

using Lines = std::vector<std::string>;

namespace {

const std::string opt = "/opt/python/";
const std::string site = "/opt/python/lib/python3.11/site-packages/";
const std::string lang = "/var/lang/lib/python3.11/";

PythonSearch python(std::string version) {
  PythonSearch search;
  search.version = std::move(version);
  return search;
}

PythonSearch with_path(std::string path) {
  PythonSearch search = python("3.11");
  search.python_path = std::move(path);
  return search;
}

Resolution resolved(const MemoryFiles& files, std::string_view module) {
  return resolve_python(files, python("3.11"), module);
}

/// The path that wins; empty when none does.
std::string winner(const MemoryFiles& files, std::string_view module) {
  const Resolution resolution = resolved(files, module);
  return resolution.found ? resolution.candidates.front().path : "";
}

/// "path: reason" of each candidate.
Lines told(const Resolution& resolution) {
  Lines lines;
  for (const auto& candidate : resolution.candidates)
    lines.push_back(candidate.path + ": " + candidate.reason);
  return lines;
}

std::string machine() {
  utsname host{};
  REQUIRE(::uname(&host) == 0);
  return host.machine;
}

std::string suffix(const std::string& digits) {
  return ".cpython-" + digits + "-" + machine() + "-linux-gnu.so";
}

bool notes_mention(const Resolution& resolution, std::string_view text) {
  return std::any_of(resolution.notes.begin(), resolution.notes.end(),
                     [text](const std::string& note) { return note.find(text) != note.npos; });
}

/// The folders that an interpreter has.
void add_interpreter(MemoryFiles& files) {
  files.file(lang + "os.py")
      .file(lang + "typing.py")
      .file(lang + "warnings.py")
      .file(lang + "importlib/__init__.py")
      .file(lang + "importlib/util.py")
      .file(lang + "lib-dynload/_json" + suffix("311"))
      .directory(lang + "site-packages")
      .directory("/var/runtime")
      .directory("/var/task");
}

}  // namespace

TEST_CASE("the search path is the function, the layers, what is bundled, the interpreter") {
  MemoryFiles files;
  add_interpreter(files);
  files.directory("/opt/python").directory(site.substr(0, site.size() - 1));
  CHECK(python_search_path(files, python("3.11")) ==
        Lines{"/var/task", "/opt/python/lib/python3.11/site-packages", "/opt/python",
              "/var/lang/lib/python3.11/site-packages", "/var/runtime", "/var/lang/lib/python3.11",
              "/var/lang/lib/python3.11/lib-dynload"});
  CHECK(python_search_path(files, python("3.9")) ==
        Lines{"/var/task", "/opt/python", "/var/runtime"});
  CHECK(python_search_path(files, python("2.7")).empty());
}

TEST_CASE("a user's PYTHONPATH stands behind the runtime, and the layers' folders are lost") {
  MemoryFiles files;
  add_interpreter(files);
  files.directory("/opt/python/x").directory("/var/task/rel");
  CHECK(python_search_path(files, with_path("rel::/opt/python/x/:/none")) ==
        Lines{"/var/task", "/var/runtime", "/var/task/rel", "/opt/python/x",
              "/var/lang/lib/python3.11", "/var/lang/lib/python3.11/lib-dynload",
              "/var/lang/lib/python3.11/site-packages"});
  CHECK(python_search_path(files, with_path("")).size() == 5);
}

TEST_CASE("folders that .pth files name come last, each once") {
  MemoryFiles files;
  files.file("/var/task/b.pth", "more\n")
      .file("/var/task/a.pth",
            "# more\n\nsub/../deep \r\nmissing\nimport os; os.x = 1\n/opt/python\n")
      .file("/var/task/a.pth.off", "off\n")
      .file(opt + "x.pth", "/var/task/deep\nown")
      .directory("/var/task/more")
      .directory("/var/task/deep")
      .directory("/var/task/off")
      .directory(opt + "own");
  CHECK(python_search_path(files, python("3.11")) ==
        Lines{"/var/task", "/opt/python", "/var/task/deep", "/var/task/more", "/opt/python/own"});
  CHECK(notes_mention(resolved(files, "any"), "/var/task/a.pth runs code"));
}

TEST_CASE("in one folder a package, an extension module, source, bytecode, a portion") {
  MemoryFiles files;
  files.directory(opt + "m");
  CHECK(winner(files, "m") == opt + "m");
  files.file(opt + "m.pyc");
  CHECK(winner(files, "m") == opt + "m.pyc");
  files.file(opt + "m.py");
  CHECK(winner(files, "m") == opt + "m.py");
  files.file(opt + "m.so");
  CHECK(winner(files, "m") == opt + "m.so");
  files.file(opt + "m.abi3.so");
  CHECK(winner(files, "m") == opt + "m.abi3.so");
  files.file(opt + "m" + suffix("311"));
  CHECK(winner(files, "m") == opt + "m" + suffix("311"));
  files.file(opt + "m/__init__.pyc");
  CHECK(winner(files, "m") == opt + "m/__init__.pyc");
  files.file(opt + "m/__init__.py");
  const Resolution resolution = resolved(files, "m");
  CHECK(told(resolution) ==
        Lines{opt + "m/__init__.py: the first in sys.path",
              opt + "m" + suffix("311") +
                  ": in one folder a package comes before an extension module",
              opt + "m.abi3.so: in one folder a package comes before an extension module",
              opt + "m.so: in one folder a package comes before an extension module",
              opt + "m.py: in one folder a package comes before a module",
              opt + "m.pyc: in one folder a package comes before bytecode"});
  CHECK(resolution.candidates.front().kind == "package");
  CHECK(resolution.candidates.front().place == "/opt/python");
}

TEST_CASE("what comes later is told, with the versions of both") {
  MemoryFiles files;
  files.file(site + "own.py")
      .file(site + "own-2.0.dist-info/top_level.txt", "own\n")
      .file(opt + "own.py")
      .file(opt + "own-1.0.dist-info/top_level.txt", "own\n");
  const Resolution resolution = resolved(files, "own");
  CHECK(told(resolution) ==
        Lines{site + "own.py: the first in sys.path", opt + "own.py: later in sys.path"});
  CHECK(resolution.candidates[0].version == "2.0");
  CHECK(resolution.candidates[1].version == "1.0");
}

TEST_CASE("a regular package hides portions before and behind it") {
  MemoryFiles files;
  files.file("/var/task/space/a.py").file(site + "space/__init__.py").file(opt + "space/b.py");
  CHECK(told(resolved(files, "space")) ==
        Lines{site + "space/__init__.py: the first in sys.path that is no namespace portion",
              "/var/task/space: a namespace portion, hidden by the regular package in " +
                  site.substr(0, site.size() - 1),
              opt + "space: a namespace portion, hidden by the regular package in " +
                  site.substr(0, site.size() - 1)});
  const Resolution hidden = resolved(files, "space.b");
  CHECK_FALSE(hidden.found);
  CHECK(told(hidden) ==
        Lines{opt + "space/b.py: not looked at: space is " + site + "space/__init__.py"});
}

TEST_CASE("portions of a namespace package are searched together") {
  MemoryFiles files;
  files.file("/var/task/space/a.py").file(opt + "space/b.py").file(opt + "space/a.py");
  const Resolution resolution = resolved(files, "space");
  CHECK(resolution.found);
  CHECK(resolution.candidates.size() == 2);
  CHECK(resolution.candidates[1].kind == "namespace package");
  CHECK(winner(files, "space.a") == "/var/task/space/a.py");
  CHECK(winner(files, "space.b") == opt + "space/b.py");
  CHECK(resolved(files, "space.a").candidates[1].reason == "later in the package's __path__");
  CHECK(winner(files, "space.none") == "");
}

TEST_CASE("old namespace packages take the folders of their name along the path") {
  const std::string pkgutil = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)";
  const std::string setuptools = "__import__('pkg_resources').declare_namespace(__name__)";
  MemoryFiles files;
  files.file("/var/task/old/__init__.py", pkgutil)
      .file(site + "old/x.py")
      .file(opt + "old/__init__.py")
      .file(opt + "old/y.py")
      .file("/var/task/older/__init__.py", setuptools)
      .file(opt + "older/__init__.py")
      .file(opt + "older/y.py")
      .file(site + "older/x.py");
  CHECK(winner(files, "old.x") == site + "old/x.py");
  CHECK(winner(files, "old.y") == opt + "old/y.py");
  CHECK(notes_mention(resolved(files, "old.y"), "namespace package of the old kind (pkgutil)"));
  CHECK(winner(files, "older.y") == "");
  CHECK(notes_mention(resolved(files, "older"), "needs pkg_resources"));
  files.file(opt + "pkg_resources/__init__.py");
  CHECK(winner(files, "older.y") == opt + "older/y.py");
  // It asks for regular packages only.
  CHECK(winner(files, "older.x") == "");
}

TEST_CASE("extension modules of another interpreter are passed over, with the reason") {
  MemoryFiles files;
  files.file("/var/task/ext" + suffix("38"))
      .file("/var/task/ext.cpython-311-sparc64-linux-gnu.so")
      .file("/var/task/ext.cpython-311-darwin.so")
      .file("/var/task/ext.cp311-win_amd64.pyd")
      .file("/var/task/ext.cpython-313t-" + machine() + "-linux-gnu.so")
      .file("/var/task/ext-other.so");
  const Resolution resolution = resolved(files, "ext");
  CHECK_FALSE(resolution.found);
  Lines reasons;
  for (const auto& candidate : resolution.candidates) reasons.push_back(candidate.reason);
  std::sort(reasons.begin(), reasons.end());
  CHECK(reasons == Lines{"built for Python 3.13", "built for Python 3.8", "built for Windows",
                         "built for macOS", "built for sparc64"});
  files.file(opt + "ext.py");
  CHECK(winner(files, "ext") == opt + "ext.py");
}

TEST_CASE("what is imported before the function's code cannot be shadowed") {
  MemoryFiles files;
  add_interpreter(files);
  files.file(opt + "os.py").file(opt + "sys.py").file(opt + "typing.py").file(opt + "_json.py");
  const Resolution os = resolved(files, "os");
  CHECK(told(os) == Lines{lang + "os.py: already imported when the function's code is loaded",
                          opt + "os.py: not looked at: os is already imported"});
  CHECK(winner(files, "sys") == "built-in");
  CHECK(resolved(files, "sys").candidates.front().kind == "built-in module");
  CHECK(winner(files, "_json") == lang + "lib-dynload/_json" + suffix("311"));
  CHECK(winner(files, "typing") == opt + "typing.py");
  CHECK(winner(files, "importlib.util") == lang + "importlib/util.py");
  CHECK(winner(files, "os.nothing") == "");
}

TEST_CASE("versions differ in what they import early") {
  MemoryFiles files;
  add_interpreter(files);
  files.file(opt + "warnings.py").file(opt + "types.py");
  CHECK(winner(files, "warnings") == lang + "warnings.py");
  CHECK(winner(files, "types") == opt + "types.py");
  CHECK(resolve_python(files, python("3.13"), "warnings").candidates.front().path ==
        opt + "warnings.py");
}

TEST_CASE("an extension module without a file is inside the interpreter") {
  MemoryFiles files;
  add_interpreter(files);
  files.file(opt + "math.py");
  CHECK(winner(files, "math") == "built-in");
  CHECK(notes_mention(resolved(files, "math"), "no file in /var/lang/lib/python3.11/lib-dynload"));
  files.file(lang + "lib-dynload/math" + suffix("311"));
  CHECK(winner(files, "math") == opt + "math.py");
}

TEST_CASE("logging is the interpreter's own") {
  MemoryFiles files;
  add_interpreter(files);
  files.file(opt + "logging/__init__.py").file(lang + "logging/__init__.py");
  CHECK(winner(files, "logging") == lang + "logging/__init__.py");
}

TEST_CASE("what the interpreter needs for its start comes from the user's PYTHONPATH, too") {
  MemoryFiles files;
  add_interpreter(files);
  files.file("/var/task/early/warnings.py").file("/var/task/early/os.py");
  const auto path_of = [&files](std::string_view module) {
    return resolve_python(files, with_path("early"), module).candidates.front().path;
  };
  CHECK(path_of("warnings") == "/var/task/early/warnings.py");
  CHECK(path_of("os") == lang + "os.py");
}

TEST_CASE("links are followed") {
  MemoryFiles files;
  files.file("/opt/real/__init__.py").file("/opt/one.py").link(opt + "linked", "../real");
  files.link(opt + "two.py", "/opt/one.py").link(opt + "broken.py", "nowhere");
  CHECK(winner(files, "linked") == opt + "linked/__init__.py");
  CHECK(winner(files, "two") == opt + "two.py");
  CHECK(winner(files, "broken") == "");
}

TEST_CASE("notes say what only the running interpreter knows") {
  MemoryFiles files;
  files.file(opt + "space-nspkg.pth", "import sys, types, os;p = os.path.join(x, *('space',))\n")
      .file(opt + "long.pth", "import " + std::string(200, 'a') + "\n")
      .file("/var/task/zipped.pth", "lib.zip\n")
      .file("/var/task/lib.zip");
  CHECK(notes_mention(resolved(files, "space.x"), "space-nspkg.pth makes the package space"));
  CHECK_FALSE(notes_mention(resolved(files, "other"), "nspkg.pth"));
  CHECK(notes_mention(resolved(files, "other"), "long.pth runs code before the function's"));
  CHECK(notes_mention(resolved(files, "other"), "/var/task/lib.zip is an archive"));
  CHECK(notes_mention(resolved(files, "sitecustomize"), "at its own start"));
}

TEST_CASE("odd names and contents find nothing and break nothing") {
  MemoryFiles files;
  files.file(opt + "a.py").file(opt + "x.pth", std::string("\0\n../../../..\n\xff\n", 16));
  for (const char* const name : {"", ".", ".a", "a.", "a..b", "../a", "/a", "a/b"}) {
    CAPTURE(name);
    CHECK_FALSE(resolved(files, name).found);
  }
  CHECK_FALSE(resolved(files, std::string_view("a\0", 2)).found);
  CHECK_FALSE(resolved(files, std::string(10'000, 'a')).found);
  CHECK_FALSE(resolved(files, "A").found);
  CHECK(notes_mention(resolved(files, "a.b"), "has no modules below"));
  CHECK(notes_mention(resolved(files, "n.b"), "n is not found"));
  CHECK_FALSE(resolve_python(files, python("x"), "a").found);
}
