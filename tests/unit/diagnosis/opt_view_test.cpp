#include "diagnosis/opt_view.hpp"

#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

using How = Shadowed::How;

namespace {

/// "path@layer <layer how" for each file, with what it hides.
std::vector<std::string> shown(const OptView& opt) {
  std::vector<std::string> lines;
  for (const OptPath& path : opt.paths()) {
    if (path.merged.entry.type == layers::TreeEntry::Type::directory && path.shadowed.empty())
      continue;
    std::string line = path.merged.entry.path + "@" + std::to_string(path.merged.tree);
    for (const Shadowed& below : path.shadowed)
      line += " <" + std::to_string(below.layer) + " " + std::string(to_string(below.how));
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> lost(const OptView& opt) {
  std::vector<std::string> lines;
  for (const LostPath& path : opt.lost())
    lines.push_back(opt.entry(path.layer, path.index).path + "@" + std::to_string(path.layer) +
                    " by " + path.hidden_by);
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("each path tells its layer and what lies under it, the next one first") {
  const std::vector<Package> stack{PackageBuilder("a").file("d/x", "1").file("d/only-a").build(),
                                   PackageBuilder("b").file("d/x", "2").build(),
                                   PackageBuilder("c").file("d/x", "1").build()};
  const OptView opt(stack);
  CHECK(shown(opt) == Lines{"d/only-a@0", "d/x@2 <1 differs <0 same content"});
  CHECK(lost(opt).empty());
  REQUIRE(opt.find("d/x") != nullptr);
  CHECK(opt.find("d/x")->index == *stack[2].index_of("d/x"));
  CHECK(opt.find("d/y") == nullptr);
  CHECK(opt.find("") == nullptr);
  CHECK(opt.shows(2, "d/x"));
  CHECK_FALSE(opt.shows(0, "d/x"));
  CHECK(opt.shows(0, "d/only-a"));
  CHECK_FALSE(opt.shows(0, "missing"));
}

TEST_CASE("links are the same when they lead to the same, whatever they are in bytes") {
  const std::vector<Package> stack{PackageBuilder("a").link("x", "t").link("y", "t").build(),
                                   PackageBuilder("b").link("x", "t").link("y", "u").build()};
  CHECK(shown(OptView(stack)) == Lines{"x@1 <0 same content", "y@1 <0 differs"});
}

TEST_CASE("another type is a conflict, and what lay below is lost") {
  const std::vector<Package> stack{
      PackageBuilder("a").file("d/x").file("d/e/y").file("f").link("l", "t").build(),
      PackageBuilder("b").file("d").file("f/z").file("l").build()};
  const OptView opt(stack);
  CHECK(shown(opt) ==
        Lines{"d@1 <0 type conflict", "f@1 <0 type conflict", "f/z@1", "l@1 <0 type conflict"});
  CHECK(lost(opt) == Lines{"d/e@0 by d", "d/e/y@0 by d", "d/x@0 by d"});
}

TEST_CASE("below a file between two folders the lower content is lost") {
  const std::vector<Package> stack{PackageBuilder("a").file("d/low").build(),
                                   PackageBuilder("b").file("d").build(),
                                   PackageBuilder("c").file("d/top").build()};
  const OptView opt(stack);
  CHECK(shown(opt) == Lines{"d@2 <1 type conflict", "d/top@2"});
  CHECK(lost(opt) == Lines{"d/low@0 by d"});
}

TEST_CASE("a file that could not be read is like no other") {
  const std::vector<Package> stack{PackageBuilder("a").unread("x", 5).build(),
                                   PackageBuilder("b").unread("x", 5).build()};
  CHECK(shown(OptView(stack)) == Lines{"x@1 <0 differs"});
}

TEST_CASE("a function without layers shows nothing") {
  const OptView opt(std::span<const Package>{});
  CHECK(opt.paths().empty());
  CHECK(opt.lost().empty());
  CHECK(opt.find("x") == nullptr);
}
