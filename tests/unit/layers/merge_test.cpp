#include "layers/merge.hpp"

#include "layers/opt_composition.hpp"
#include "tests/support/ok.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using layers::TreeEntry;
using layers::TreeListing;

using test_support::ok;

namespace {

TreeEntry entry_of(std::string path, TreeEntry::Type type, std::uint32_t mode) {
  TreeEntry entry;
  entry.path = std::move(path);
  entry.type = type;
  entry.mode = mode;
  return entry;
}
TreeEntry directory(std::string path, std::uint32_t mode = 0755, bool implicit = false) {
  TreeEntry entry = entry_of(std::move(path), TreeEntry::Type::directory, mode);
  entry.implicit = implicit;
  return entry;
}
TreeEntry file(std::string path) {
  return entry_of(std::move(path), TreeEntry::Type::file, 0644);
}
TreeEntry link(std::string path) {
  return entry_of(std::move(path), TreeEntry::Type::symlink, 0777);
}

/// "path@tree" for each, directories with their mode.
std::vector<std::string> shown(std::vector<TreeListing> stack) {
  for (TreeListing& listing : stack)
    std::sort(listing.begin(), listing.end(),
              [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  std::vector<std::string> text;
  for (const auto& merged : layers::merge(stack)) {
    std::string line = merged.entry.path + "@" + std::to_string(merged.tree);
    if (merged.entry.type == TreeEntry::Type::directory && merged.entry.mode != 0755)
      line += " " + std::to_string(merged.entry.mode);
    text.push_back(line);
  }
  return text;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the later tree wins, and folders of the same name show both contents") {
  CHECK(shown({{directory("d"), file("d/a"), file("d/x")},
               {directory("d"), file("d/b"), file("d/x")}}) ==
        Lines{"d@1", "d/a@0", "d/b@1", "d/x@1"});
}

TEST_CASE("an upper file or link hides a lower folder, an upper folder hides a lower file") {
  CHECK(shown({{directory("d"), file("d/a")}, {file("d")}}) == Lines{"d@1"});
  CHECK(shown({{directory("d"), directory("d/e"), file("d/e/a")}, {link("d")}}) == Lines{"d@1"});
  CHECK(shown({{file("d")}, {directory("d"), file("d/a")}}) == Lines{"d@1", "d/a@1"});
}

TEST_CASE("a file between two folders hides the lower one for good") {
  CHECK(shown({{directory("d"), file("d/low")}, {file("d")}, {directory("d"), file("d/top")}}) ==
        Lines{"d@2", "d/top@2"});
  CHECK(shown({{directory("d"), directory("d/e"), file("d/e/low")},
               {directory("d"), link("d/e")},
               {directory("d"), directory("d/e")}}) == Lines{"d@2", "d/e@2"});
}

TEST_CASE("names that sort between a folder and its content do not confuse") {
  CHECK(shown({{directory("a"), file("a/x"), file("a-b"), directory("a.d"), file("a.d/y")},
               {file("a")}}) == Lines{"a@1", "a-b@0", "a.d@0", "a.d/y@0"});
}

TEST_CASE("a folder's mode is the topmost explicit one") {
  CHECK(shown({{directory("d", 0700)}, {directory("d", 0711)}}) == Lines{"d@1 457"});
  CHECK(shown({{directory("d", 0711)}, {directory("d", 0755, true)}}) == Lines{"d@1 457"});
  CHECK(
      shown({{directory("d", 0711)}, {directory("d", 0755, true)}, {directory("d", 0755, true)}}) ==
      Lines{"d@2 457"});
  CHECK(shown({{directory("d", 0711)}, {directory("d", 0755)}, {directory("d", 0755, true)}}) ==
        Lines{"d@2"});
  // Nothing is taken over from what does not show.
  CHECK(shown({{directory("d", 0711)}, {file("d")}, {directory("d", 0755, true)}}) == Lines{"d@2"});
}

TEST_CASE("the mode cover holds only folders whose mode must change, and those above them") {
  const std::vector<TreeListing> stack{
      {directory("a", 0711), directory("b"), directory("b/c", 0700), directory("e", 0700)},
      {directory("a", 0755, true), directory("b", 0755, true), directory("b/c", 0755, true),
       directory("e", 0750)}};
  const TreeListing cover = layers::mode_cover(stack);
  REQUIRE(cover.size() == 3);
  CHECK(cover[0].path == "a");
  CHECK(cover[0].mode == 0711);
  CHECK(cover[1].path == "b");
  CHECK(cover[1].mode == 0755);
  CHECK(cover[2].path == "b/c");
  CHECK(cover[2].mode == 0700);
  CHECK(layers::mode_cover(std::vector<TreeListing>{stack[0]}).empty());
}

TEST_CASE("a listing survives being written and read, whatever its names are") {
  TreeListing listing{directory("a b", 01, true), file("a b/\n%\xff\x7f"), link("l")};
  listing[1].size = 1ull << 40;
  listing[1].crc32 = 0xdeadbeef;
  listing[1].mtime = -5;
  listing[2].link_target = "../x y";
  const auto again = layers::listing_from_text(layers::to_text(listing));
  REQUIRE(ok(again));
  REQUIRE(again->size() == 3);
  CHECK((*again)[0].path == "a b");
  CHECK((*again)[0].implicit);
  CHECK((*again)[1].path == listing[1].path);
  CHECK((*again)[1].size == listing[1].size);
  CHECK((*again)[1].crc32 == listing[1].crc32);
  CHECK((*again)[1].mtime == -5);
  CHECK((*again)[2].link_target == "../x y");
  CHECK(!layers::listing_from_text("nonsense"));
}
