#include "diagnosis/tree_diff.hpp"

#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using diagnosis::OptView;
using diagnosis::Package;
using test_support::PackageBuilder;

namespace {

using Lines = std::vector<std::string>;

diagnosis::TreeDiff diff(const std::vector<Package>& before, const std::vector<Package>& after) {
  const OptView old(before);
  const OptView now(after);
  return diagnosis::diff_views(old, now, nullptr, diagnosis::RuntimeProfile::of("python3.11"), {});
}

Lines paths(const diagnosis::TreeDiff& found) {
  Lines lines;
  for (const auto& change : found.paths)
    lines.push_back(std::string(to_string(change.kind)) + " " + change.path +
                    (change.what.empty() ? "" : ": " + change.what));
  return lines;
}

Lines packages(const diagnosis::TreeDiff& found) {
  Lines lines;
  for (const auto& change : found.packages)
    lines.push_back(change.name + " " + change.old_version + "@" + change.old_owner + " -> " +
                    change.new_version + "@" + change.new_owner);
  return lines;
}

}  // namespace

TEST_CASE("what was added, removed and changed is told by path") {
  const auto old = PackageBuilder("old")
                       .file("a", "1")
                       .file("b", "1")
                       .file("mode", "1", 0644)
                       .link("link", "a")
                       .file("type", "1");
  const auto now = PackageBuilder("new")
                       .file("b", "2")
                       .file("c", "1")
                       .file("mode", "1", 0755)
                       .link("link", "b")
                       .directory("type");
  CHECK(paths(diff({old.build()}, {now.build()})) ==
        Lines{"removed a", "changed b: content", "added c", "changed link: link",
              "changed mode: mode", "changed type: type"});
}

TEST_CASE("content and mode can change together") {
  CHECK(paths(diff({PackageBuilder("old").file("x", "1", 0644).build()},
                   {PackageBuilder("new").file("x", "2", 0755).build()})) ==
        Lines{"changed x: content, mode"});
}

TEST_CASE("a package of another version is named once, however many files it has") {
  const auto old = PackageBuilder("old").python("six", "1.15", {"six.py"});
  const auto now =
      PackageBuilder("new").python("six", "1.16", {"six.py"}).python("idna", "3", {"idna.py"});
  CHECK(packages(diff({old.build()}, {now.build()})) ==
        Lines{"idna @ -> 3@new", "six 1.15@old -> 1.16@new"});
}

TEST_CASE("the same package in two layers of other names is no change") {
  CHECK(packages(diff({PackageBuilder("old").python("six", "1", {"six.py"}).build()},
                      {PackageBuilder("new").python("six", "1", {"six.py"}).build()})) == Lines{});
}

TEST_CASE("another order changes what shows, and from where a package comes") {
  const Package a = PackageBuilder("a").python("six", "1", {"six.py"}).build();
  const Package b = PackageBuilder("b").python("six", "1", {"six.py"}).file("only-b").build();
  const auto found = diff({a, b}, {b, a});
  CHECK(paths(found) == Lines{});
  CHECK(packages(found) == Lines{"six 1@b -> 1@a"});
  CHECK(diff({a, b}, {a, b}).empty());
}
