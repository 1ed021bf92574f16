#include "emulator/lab/file_watch.hpp"

#include "tests/support/lab_results.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using emulator::WatchRecords;
using namespace std::string_view_literals;

TEST_CASE("records may arrive in any pieces") {
  const auto bytes = "R\0F/opt/a\0F/opt/b c\n\0F/opt/a\0E\0"sv;
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    WatchRecords records;
    for (std::size_t at = 0; at < bytes.size(); at += piece) records.feed(bytes.substr(at, piece));
    CHECK(records.complete());
    CHECK(records.opened() == std::unordered_set<std::string>{"/opt/a", "/opt/b c\n"});
  }
}

TEST_CASE("without its end nothing is known, and the reason is said with a remedy") {
  WatchRecords killed;
  killed.feed("R\0F/opt/a\0"sv);
  CHECK_FALSE(killed.complete());
  CHECK(has(killed.problem(), "ended before it could tell"));

  const auto problem = [](std::string_view record) {
    WatchRecords records;
    records.feed(record);
    records.feed("E\0"sv);
    CHECK_FALSE(records.complete());
    return records.problem();
  };
  CHECK(has(problem("X28 watch /opt/python\0"sv), "fs.inotify.max_user_watches"));
  CHECK(has(problem("X24 start\0"sv), "fs.inotify.max_user_instances"));
  CHECK(has(problem("X0 overflow\0"sv), "fs.inotify.max_queued_events"));
  CHECK(has(problem("X13 folder /opt/shut\0"sv), "\"/opt/shut\" but not list it"));
  CHECK(has(problem("X5 read\0"sv), "Measure again."));
  CHECK(has(problem("X\0"sv), "Measure again."));
  CHECK(has(problem("Xno number at all\0"sv), "Measure again."));
  CHECK(has(problem("X99999999999999999999 overflow\0"sv), "Measure again.") == false);
}

TEST_CASE("a record without end is given up, not kept") {
  WatchRecords records;
  for (int i = 0; i < 100; ++i) records.feed(std::string(1 << 20, 'F'));
  CHECK_FALSE(records.complete());
  CHECK(records.opened().empty());
}

TEST_CASE("touched bytes are whole sizes, and paths of no package count for nothing") {
  layers::TreeEntry one;
  one.path = "one";
  one.size = 10;
  layers::TreeEntry folder;
  folder.path = "folder";
  folder.type = layers::TreeEntry::Type::directory;
  const emulator::PackageFiles files({one}, {{folder, one}, {one}});
  std::vector<emulator::TouchedPackage> packages(3);
  emulator::count_touched({"/opt/one", "/opt/folder", "/opt/none", "", "/etc/passwd"}, files,
                          packages);
  CHECK(packages[0].touched_files == 0);
  CHECK(packages[1].touched_files == 0);
  CHECK(packages[2].touched_files == 1);
  CHECK(packages[2].touched_bytes == 10);
}
