#include "layers/entry_name.hpp"

#include "tests/support/ok.hpp"

#include <doctest/doctest.h>

#include <string>

using layers::tree_path;

using test_support::ok;

TEST_CASE("empty and dot components and slashes at the ends are dropped") {
  CHECK(*tree_path("a/b") == "a/b");
  CHECK(*tree_path("./a//b/./c/") == "a/b/c");
  CHECK(tree_path("./")->empty());
  CHECK(tree_path("")->empty());
}

TEST_CASE("names that leave the tree are refused with AWS's sentence") {
  for (const char* name : {"../x", "a/../../x", "a/..", "..", "/etc/passwd", "/", "//x"}) {
    CAPTURE(name);
    const auto path = tree_path(name);
    REQUIRE(!path);
    CHECK(path.error().kind == base::ErrorKind::corrupt_data);
    CHECK(path.error().message.find("Could not unzip uploaded file.") != std::string::npos);
  }
}

TEST_CASE("names that only look like leaving are kept") {
  CHECK(*tree_path("..a/b..") == "..a/b..");
  CHECK(*tree_path("...") == "...");
  CHECK(*tree_path("a\\..\\b") == "a\\..\\b");
  CHECK(*tree_path("C:\\x") == "C:\\x");
}

TEST_CASE("names that Linux cannot hold are refused") {
  CHECK(ok(tree_path(std::string(255, 'a'))));
  CHECK(!tree_path(std::string(256, 'a')));
  CHECK(!tree_path(std::string("a\0b", 3)));
  std::string longest;
  while (longest.size() < 4000) longest += "component/";
  CHECK(ok(tree_path(longest)));
  CHECK(!tree_path(longest + longest));
}

TEST_CASE("a name in a message cannot drive the terminal") {
  const auto path = tree_path("../\x1b[31m");
  REQUIRE(!path);
  CHECK(path.error().message.find('\x1b') == std::string::npos);
  CHECK(path.error().message.find("\\x1b[31m") != std::string::npos);
}

TEST_CASE("a folder holds itself and what is below, not what begins alike") {
  CHECK(layers::is_at_or_below("a/b", "a"));
  CHECK(layers::is_at_or_below("a", "a"));
  CHECK_FALSE(layers::is_at_or_below("ab", "a"));
  CHECK_FALSE(layers::is_at_or_below("a", "a/b"));
}
