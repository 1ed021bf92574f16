#include "emulator/planned_files.hpp"

#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace emulator;

using diagnosis::FileNode;
using test_support::ScratchFolder;

using Names = std::vector<std::string>;
using Steps = std::vector<sandbox::MountStep>;

namespace {

/// "file", "directory", "link" or "-".
std::string kind(const PlannedFiles& files, const std::string& path) {
  const auto node = files.look(path);
  if (!node) return "-";
  return node->is_file() ? "file" : node->is_directory() ? "directory" : "link";
}

}  // namespace

TEST_CASE("an empty plan has a root and nothing else") {
  const PlannedFiles files{Steps{}};
  CHECK(kind(files, "/") == "directory");
  CHECK(files.names("/").empty());
  CHECK(kind(files, "/etc") == "-");
  CHECK_FALSE(files.read("/etc/passwd", 10));
}

TEST_CASE("steps of every kind show what they make") {
  const ScratchFolder scratch;
  scratch.write("code/app.py", "code", 0640);
  const PlannedFiles files(Steps{
      sandbox::make_directory("/data", 0700), sandbox::write_file("/etc/hosts", "127.0.0.1", 0600),
      sandbox::make_link("/lib64", "usr/lib64"),
      sandbox::bind_read_only(scratch / "code", "/var/task"),
      sandbox::mount_tmpfs("/tmp", 1 << 20, 01777), sandbox::mount_proc("/proc")});
  REQUIRE(files.look("/data"));
  CHECK(files.look("/data")->mode == 0700);
  CHECK(files.look("/data")->is_directory());
  REQUIRE(files.look("/etc/hosts"));
  CHECK(files.look("/etc/hosts")->is_file());
  CHECK(files.look("/etc/hosts")->mode == 0600);
  CHECK(files.look("/etc/hosts")->size == 9);
  CHECK(files.read("/etc/hosts", 3) == "127");
  REQUIRE(files.look("/lib64"));
  CHECK(files.look("/lib64")->link_target == "usr/lib64");
  REQUIRE(files.look("/var/task/app.py"));
  CHECK(files.look("/var/task/app.py")->mode == 0640);
  CHECK(files.read("/var/task/app.py", 10) == "code");
  CHECK(files.look("/tmp")->mode == 01777);
  CHECK(kind(files, "/proc") == "directory");
  CHECK(files.names("/") == Names{"data", "etc", "lib64", "proc", "tmp", "var"});
  CHECK(files.names("/var/task") == Names{"app.py"});
}

TEST_CASE("there is nothing below a file, a link, procfs and an empty file system") {
  const PlannedFiles files(Steps{sandbox::write_file("/f", "x"), sandbox::make_link("/l", "/etc"),
                                 sandbox::mount_proc("/proc"),
                                 sandbox::mount_tmpfs("/tmp", 1, 0755),
                                 sandbox::make_directory("/d")});
  for (const char* path : {"/f/x", "/l/passwd", "/proc/self", "/tmp/x", "/d/x"}) {
    CHECK(kind(files, path) == "-");
    CHECK_FALSE(files.read(path, 10));
  }
  for (const char* path : {"/f", "/l", "/proc", "/tmp", "/d"}) CHECK(files.names(path).empty());
  CHECK_FALSE(files.read("/d", 10));
  CHECK_FALSE(files.read("/tmp", 10));
}

TEST_CASE("mount points that nothing else makes are plain directories") {
  const ScratchFolder scratch;
  scratch.write("x", "content");
  const PlannedFiles files(Steps{sandbox::bind_read_only(scratch / "x", "/a/b/c")});
  CHECK(kind(files, "/a") == "directory");
  CHECK(kind(files, "/a/b") == "directory");
  CHECK(files.look("/a/b")->mode == 0755);
  CHECK(kind(files, "/a/b/c") == "file");
  CHECK(kind(files, "/a/b/d") == "-");
  CHECK(kind(files, "/ab") == "-");
  CHECK(files.names("/a") == Names{"b"});
  CHECK(files.names("/a/b") == Names{"c"});
}

TEST_CASE("a mount point inside of a bind shows beside what the bind has") {
  const ScratchFolder scratch;
  scratch.write("runtime/bootstrap", "x");
  scratch.write("runtime/lib/one", "x");
  scratch.write("extra", "y");
  const PlannedFiles files(Steps{sandbox::bind_read_only(scratch / "runtime", "/var/runtime"),
                                 sandbox::bind_read_only(scratch / "extra", "/var/runtime/lib/two"),
                                 sandbox::make_directory("/var/runtime/lib")});
  CHECK(files.names("/var/runtime") == Names{"bootstrap", "lib"});
  CHECK(files.names("/var/runtime/lib") == Names{"one", "two"});
  CHECK(files.read("/var/runtime/lib/two", 10) == "y");
  CHECK(files.read("/var/runtime/lib/one", 10) == "x");
}

TEST_CASE("a step that is skipped shows nothing") {
  const PlannedFiles files(Steps{sandbox::write_file("/etc/a", "a"),
                                 sandbox::if_present(sandbox::bind_read_only("/no/such", "/etc/b")),
                                 sandbox::if_present(sandbox::bind_read_only("/no/such", "/x/y"))});
  CHECK(kind(files, "/etc/b") == "-");
  CHECK(kind(files, "/x") == "-");
  CHECK(files.names("/etc") == Names{"a"});
  CHECK(files.names("/") == Names{"etc"});
}

TEST_CASE("of an overlay the later folder wins and folders show both contents") {
  const ScratchFolder scratch;
  scratch.write("a/d/one", "a");
  scratch.write("a/d/both", "a");
  scratch.write("b/d/both", "b");
  scratch.write("b/d/two", "b");
  std::filesystem::create_symlink("one", scratch / "a/d/link");
  const PlannedFiles files(Steps{sandbox::mount_overlay({scratch / "a", scratch / "b"}, "/opt")});
  CHECK(files.names("/opt") == Names{"d"});
  CHECK(files.names("/opt/d") == Names{"both", "link", "one", "two"});
  CHECK(files.read("/opt/d/both", 10) == "b");
  CHECK(files.read("/opt/d/one", 10) == "a");
  CHECK(kind(files, "/opt") == "directory");
  CHECK(kind(files, "/opt/d/link") == "link");
  CHECK(files.look("/opt/d/link")->link_target == "one");
  CHECK(kind(files, "/opt/d/three") == "-");
}

TEST_CASE("in an overlay a file hides the folders below it, and so does a link") {
  const ScratchFolder scratch;
  scratch.write("a/d/low", "a");
  scratch.write("a/e/low", "a");
  scratch.write("b/d", "file");
  std::filesystem::create_symlink("elsewhere", scratch / "b/e");
  const PlannedFiles two(Steps{sandbox::mount_overlay({scratch / "a", scratch / "b"}, "/opt")});
  CHECK(kind(two, "/opt/d") == "file");
  CHECK(kind(two, "/opt/d/low") == "-");
  CHECK(two.names("/opt/d").empty());
  CHECK(kind(two, "/opt/e") == "link");
  CHECK(kind(two, "/opt/e/low") == "-");
  CHECK_FALSE(two.read("/opt/e/low", 10));

  scratch.write("c/d/top", "c");
  const PlannedFiles three(
      Steps{sandbox::mount_overlay({scratch / "a", scratch / "b", scratch / "c"}, "/opt")});
  CHECK(three.names("/opt/d") == Names{"top"});
  CHECK(kind(three, "/opt/d/low") == "-");
  CHECK(three.read("/opt/d/top", 10) == "c");
}

TEST_CASE("a later mount hides an earlier one, with what was mounted in it") {
  const ScratchFolder scratch;
  scratch.write("lib/site/old", "x");
  scratch.write("new", "y");
  const PlannedFiles files(Steps{sandbox::bind_read_only(scratch / "lib", "/lib"),
                                 sandbox::bind_read_only(scratch / "new", "/lib/site/early"),
                                 sandbox::cover_directory("/lib/site"),
                                 sandbox::bind_read_only(scratch / "new", "/lib/site/late")});
  CHECK(files.names("/lib") == Names{"site"});
  CHECK(files.names("/lib/site") == Names{"late"});
  CHECK(kind(files, "/lib/site") == "directory");
  CHECK(kind(files, "/lib/site/old") == "-");
  CHECK(kind(files, "/lib/site/early") == "-");
  CHECK(kind(files, "/lib/site/late") == "file");
}

TEST_CASE("a directory that is made hides nothing") {
  const ScratchFolder scratch;
  scratch.write("code/x/y", "z");
  const PlannedFiles files(Steps{sandbox::bind_read_only(scratch / "code", "/code"),
                                 sandbox::make_directory("/code/x", 0711)});
  CHECK(files.names("/code/x") == Names{"y"});
  CHECK(files.read("/code/x/y", 10) == "z");
}

TEST_CASE("links of the plan are followed like those of the host's folders") {
  const ScratchFolder scratch;
  scratch.write("usr/lib/libx.so", "x");
  const PlannedFiles files(Steps{sandbox::bind_read_only(scratch / "usr", "/usr"),
                                 sandbox::make_link("/lib", "usr/lib")});
  CHECK(diagnosis::real_path(files, "/lib/libx.so") == "/usr/lib/libx.so");
  CHECK(diagnosis::read_file(files, "/lib/libx.so", 10) == "x");
}
