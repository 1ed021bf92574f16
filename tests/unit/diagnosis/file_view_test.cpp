#include "diagnosis/file_view.hpp"

#include "tests/support/memory_files.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace diagnosis;

using test_support::MemoryFiles;

TEST_CASE("a path in normal form is absolute and without dots") {
  CHECK(normal_path("/a/./b//../c/") == "/a/c");
  CHECK(normal_path("a") == "/a");
  CHECK(normal_path("") == "/");
  CHECK(normal_path("/../../..") == "/");
  CHECK(normal_path("/..a/...") == "/..a/...");
  CHECK(joined("/opt", "x/../y") == "/opt/y");
  CHECK(joined("/opt/lib", "../../etc") == "/etc");
  CHECK(joined("/opt", "/etc/x") == "/etc/x");
  CHECK(joined("/", "x") == "/x");
}

TEST_CASE("links are followed where they lead inside, anywhere on the way") {
  MemoryFiles files;
  files.file("/opt/real/x.py", "content").link("/opt/lib", "real").link("/opt/abs", "/opt/lib");
  files.link("/opt/up", "../opt/real/./x.py").link("/opt/top", "/");
  CHECK(real_path(files, "/opt/lib/x.py") == "/opt/real/x.py");
  CHECK(real_path(files, "/opt/abs/x.py") == "/opt/real/x.py");
  CHECK(real_path(files, "/opt/up") == "/opt/real/x.py");
  CHECK(real_path(files, "/opt/top/opt/top/opt/lib/x.py") == "/opt/real/x.py");
  CHECK(real_path(files, "/") == "/");
  CHECK(real_path(files, "/opt/top") == "/");
  CHECK(is_file(files, "/opt/abs/x.py"));
  CHECK(is_directory(files, "/opt/abs"));
  CHECK(read_file(files, "/opt/up", 3) == "con");
}

TEST_CASE("dots after a link count from where it leads") {
  MemoryFiles files;
  files.file("/a/b/x").file("/x").link("/link", "/a/b");
  CHECK(real_path(files, "/link/../b/x") == "/a/b/x");
  CHECK_FALSE(real_path(files, "/link/../x"));
}

TEST_CASE("what is missing, a file on the way and a circle lead nowhere") {
  MemoryFiles files;
  files.file("/file").link("/dangling", "nowhere").link("/a", "b").link("/b", "a");
  files.link("/self", "self/x").link("/grows", "grows/grows");
  CHECK_FALSE(real_path(files, "/missing"));
  CHECK_FALSE(real_path(files, "/file/x"));
  CHECK_FALSE(real_path(files, "/file/."));
  CHECK_FALSE(real_path(files, "/file/.."));
  CHECK_FALSE(real_path(files, "/dangling"));
  CHECK_FALSE(real_path(files, "/a"));
  CHECK_FALSE(real_path(files, "/self"));
  CHECK_FALSE(real_path(files, "/grows"));
  CHECK_FALSE(find(files, "/a"));
  CHECK_FALSE(is_file(files, "/a"));
  CHECK_FALSE(is_directory(files, "/file"));
  CHECK_FALSE(read_file(files, "/dangling", 10));
}

TEST_CASE("forty links are followed and one more is not") {
  MemoryFiles files;
  files.file("/0");
  for (int i = 1; i <= 41; ++i) files.link("/" + std::to_string(i), std::to_string(i - 1));
  CHECK(real_path(files, "/40") == "/0");
  CHECK_FALSE(real_path(files, "/41"));
}
