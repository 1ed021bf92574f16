#include "emulator/lab/package_files.hpp"

#include <doctest/doctest.h>

#include <string>

using emulator::PackageFiles;
using layers::TreeEntry;

namespace {

TreeEntry entry(const std::string& path, TreeEntry::Type type, std::uint64_t size = 0) {
  TreeEntry made;
  made.path = path;
  made.type = type;
  made.size = size;
  return made;
}

constexpr auto folder = TreeEntry::Type::directory;
constexpr auto file = TreeEntry::Type::file;

}  // namespace

TEST_CASE("a file below /opt is the topmost layer's that has it, one below /var/task the code's") {
  const PackageFiles files({entry("app.py", file, 7)},
                           {{entry("python", folder), entry("python/both.py", file, 1),
                             entry("python/first.py", file, 2)},
                            {entry("python", folder), entry("python/both.py", file, 3)}});
  CHECK(files.find("/opt/python/both.py")->package == 2);
  CHECK(files.find("/opt/python/both.py")->size == 3);
  CHECK(files.find("/opt/python/first.py")->package == 1);
  CHECK(files.find("/var/task/app.py")->package == 0);
  CHECK(files.find("/var/task/app.py")->size == 7);
  CHECK(files.find("/opt/python")->is_directory);
  CHECK_FALSE(files.find("/opt/python/none.py"));
  CHECK_FALSE(files.find("/var/lang/lib/python3.11/os.py"));
}

TEST_CASE("what a file hides below itself is no package's") {
  const PackageFiles files({}, {{entry("a", folder), entry("a/b", file)}, {entry("a", file)}});
  CHECK(files.find("/opt/a")->package == 2);
  CHECK_FALSE(files.find("/opt/a/b"));
}

TEST_CASE("a module in a zip is the zip's") {
  const PackageFiles files({}, {{entry("python", folder), entry("python/all.zip", file, 9)}});
  CHECK(files.find_container("/opt/python/all.zip/pkg/module.py")->package == 1);
  CHECK(files.find_container("/opt/python/all.zip")->package == 1);
  CHECK_FALSE(files.find_container("/opt/python/other.py"));
  CHECK_FALSE(files.find_container(""));
  CHECK_FALSE(files.find_container("relative"));
}
