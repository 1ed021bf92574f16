#include "diagnosis/folder_files.hpp"

#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace diagnosis;

using test_support::ScratchFolder;

TEST_CASE("a folder shows its files, directories and links as they are") {
  const ScratchFolder scratch;
  scratch.write("d/b", "12345", 0640);
  scratch.write("d/a", "");
  std::filesystem::create_symlink("/etc/passwd", scratch / "d/link");
  const FolderFiles files(scratch.path());
  const auto file = files.look("/d/b");
  REQUIRE(file);
  CHECK(file->is_file());
  CHECK(file->size == 5);
  CHECK(file->mode == 0640);
  CHECK(file->mtime > 0);
  REQUIRE(files.look("/d/link"));
  CHECK(files.look("/d/link")->is_symlink());
  CHECK(files.look("/d/link")->link_target == "/etc/passwd");
  CHECK(files.look("/d")->is_directory());
  CHECK(files.look("/")->is_directory());
  CHECK_FALSE(files.look("/d/missing"));
  CHECK(files.names("/d") == std::vector<std::string>{"a", "b", "link"});
  CHECK(files.names("/d/b").empty());
  CHECK(files.names("/missing").empty());
}

TEST_CASE("reading ends at the limit and never follows a link out of the folder") {
  const ScratchFolder scratch;
  scratch.write("file", "content");
  std::filesystem::create_symlink("/etc/passwd", scratch / "link");
  std::filesystem::create_directory_symlink("/etc", scratch / "folder");
  const FolderFiles files(scratch.path());
  CHECK(files.read("/file", 100) == "content");
  CHECK(files.read("/file", 3) == "con");
  CHECK(files.read("/file", 0) == "");
  CHECK_FALSE(files.read("/link", 100));
  CHECK_FALSE(files.read("/", 100));
  CHECK_FALSE(files.read("/missing", 100));
  CHECK(files.names("/folder").empty());
  // Inside, the link leads to an /etc that is not there.
  CHECK_FALSE(read_file(files, "/link", 100));
  CHECK_FALSE(read_file(files, "/folder/passwd", 100));
}

TEST_CASE("a fifo is not waited for") {
  const ScratchFolder scratch;
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0644) == 0);
  CHECK_FALSE(FolderFiles(scratch.path()).read("/fifo", 100));
}

TEST_CASE("a name with a NUL byte is no shorter name") {
  const ScratchFolder scratch;
  scratch.write("d/a", "content");
  const FolderFiles files(scratch.path());
  const std::string tail("\0.py", 4);
  CHECK_FALSE(files.look("/d/a" + tail));
  CHECK_FALSE(files.read("/d/a" + tail, 100));
  CHECK(files.names("/d" + tail).empty());
}
