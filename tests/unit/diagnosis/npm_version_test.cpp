#include "diagnosis/npm_version.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

using diagnosis::NpmRange;
using diagnosis::NpmVersion;

namespace {

NpmVersion version(std::string_view text) {
  const auto parsed = NpmVersion::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

bool contains(std::string_view range, std::string_view candidate) {
  const auto parsed = NpmRange::parse(range);
  REQUIRE_MESSAGE(parsed, range);
  return parsed->contains(version(candidate));
}

using Texts = std::vector<std::string>;

/// Those of the candidates that match.
Texts matching(std::string_view range, const Texts& candidates) {
  Texts result;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(result),
               [&](const std::string& text) { return contains(range, text); });
  return result;
}

}  // namespace

TEST_CASE("versions are ordered by their numbers, then by their pre-release") {
  const Texts texts = {"0.0.0-0",       "0.0.0",      "0.9.0",         "0.10.0",
                       "1.0.0-0",       "1.0.0-2",    "1.0.0-10",      "1.0.0-99999999999999999999",
                       "1.0.0--",       "1.0.0-X",    "1.0.0-alpha",   "1.0.0-alpha.1",
                       "1.0.0-alpha.a", "1.0.0-beta", "1.0.0-beta.2",  "1.0.0-beta.11",
                       "1.0.0-rc.1",    "1.0.0",      "1.0.1-alpha-b", "2.0.0"};
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (std::size_t j = 0; j < texts.size(); ++j) {
      CAPTURE(texts[i]);
      CAPTURE(texts[j]);
      CHECK((version(texts[i]) <=> version(texts[j])) == (i <=> j));
    }
}

TEST_CASE("a leading v or =, blanks around and build metadata do not count") {
  for (const std::string_view text :
       {"v1.2.3", "=1.2.3", " = v1.2.3 ", "1.2.3+build.01", "\t1.2.3\n", "1.2.3+5-x"}) {
    CAPTURE(text);
    CHECK(version(text) == version("1.2.3"));
  }
  CHECK(version("1.2.3-a.b+c").prerelease == Texts{"a", "b"});
}

TEST_CASE("what is no version does not parse") {
  for (const std::string_view text : {"",
                                      "1",
                                      "1.2",
                                      "1.2.x",
                                      "1.2.3.4",
                                      "01.2.3",
                                      "1.02.3",
                                      "1.2.3-",
                                      "1.2.3-01",
                                      "1.2.3-a..b",
                                      "1.2.3+",
                                      "1.2.3+a+b",
                                      "1.2.3beta",
                                      "1.2.3-a_b",
                                      "a.b.c",
                                      "-1.2.3",
                                      "1.2.3 4",
                                      "*",
                                      "9007199254740992.0.0",
                                      "18446744073709551617.0.0"}) {
    CAPTURE(text);
    CHECK_FALSE(NpmVersion::parse(text));
  }
  CHECK(NpmVersion::parse("9007199254740991.0.0"));
  CHECK_FALSE(NpmVersion::parse("1.0.0-" + std::string(300, 'a')));
}

TEST_CASE("an empty range, * and x are any version") {
  for (const std::string_view range : {"", " ", "*", "x", "X", "x.x", "*.*.*", "||", ">=0.0.0",
                                       ">=*", "<=x", "^*", "~x", "1 || "}) {
    CAPTURE(range);
    CHECK(contains(range, "0.0.0"));
    CHECK(contains(range, "99.1.2"));
    CHECK_FALSE(contains(range, "1.0.0-beta"));
  }
  CHECK_FALSE(contains("<*", "1.0.0"));
  CHECK_FALSE(contains(">x", "1.0.0"));
}

TEST_CASE("comparators compare, with and without blanks") {
  const Texts all = {"1.2.2", "1.2.3", "1.2.4"};
  for (const std::string_view range : {"1.2.3", "=1.2.3", "= 1.2.3", "=v1.2.3", "1.2.3+build"})
    CHECK(matching(range, all) == Texts{"1.2.3"});
  for (const std::string_view range : {">1.2.3", ">  1.2.3", "> v1.2.3", ">1.2.2 >1.2.3"})
    CHECK(matching(range, all) == Texts{"1.2.4"});
  for (const std::string_view range : {">=1.2.3", ">= 1.2.3", " >=\t1.2.3 "})
    CHECK(matching(range, all) == Texts{"1.2.3", "1.2.4"});
  CHECK(matching("< 1.2.3", all) == Texts{"1.2.2"});
  CHECK(matching("<=1.2.3", all) == Texts{"1.2.2", "1.2.3"});
  CHECK(matching(">= 1.2.3  < 1.2.4", all) == Texts{"1.2.3"});
}

TEST_CASE("comparators of a part of a version mean all of it") {
  const Texts all = {"0.9.9", "1.0.0", "1.1.9", "1.2.0", "1.2.9", "1.3.0", "2.0.0"};
  CHECK(matching(">1", all) == Texts{"2.0.0"});
  CHECK(matching(">1.2", all) == Texts{"1.3.0", "2.0.0"});
  CHECK(matching(">=1.2.x", all) == Texts{"1.2.0", "1.2.9", "1.3.0", "2.0.0"});
  CHECK(matching("<1.2", all) == Texts{"0.9.9", "1.0.0", "1.1.9"});
  CHECK(matching("<=1.2", all) == Texts{"0.9.9", "1.0.0", "1.1.9", "1.2.0", "1.2.9"});
  CHECK(matching("<=1", all) == Texts{"0.9.9", "1.0.0", "1.1.9", "1.2.0", "1.2.9", "1.3.0"});
  CHECK(matching("=1.2", all) == Texts{"1.2.0", "1.2.9"});
}

TEST_CASE("x-ranges leave the rest open") {
  const Texts all = {"1.1.9", "1.2.0", "1.2.9", "1.3.0", "2.0.0"};
  for (const std::string_view range : {"1.2", "1.2.x", "1.2.*", "v1.2.X", "1.2.x-beta"})
    CHECK(matching(range, all) == Texts{"1.2.0", "1.2.9"});
  for (const std::string_view range : {"1", "1.x", "1.x.x", "1.*"})
    CHECK(matching(range, all) == Texts{"1.1.9", "1.2.0", "1.2.9", "1.3.0"});
}

TEST_CASE("~ leaves the patch open, or the minor when there is none") {
  const Texts all = {"1.2.2", "1.2.3", "1.2.9", "1.3.0", "1.9.0", "2.0.0"};
  for (const std::string_view range : {"~1.2.3", "~ 1.2.3", "~>1.2.3", "~> 1.2.3", "~v1.2.3"})
    CHECK(matching(range, all) == Texts{"1.2.3", "1.2.9"});
  CHECK(matching("~1.2", all) == Texts{"1.2.2", "1.2.3", "1.2.9"});
  CHECK(matching("~1", all) == Texts{"1.2.2", "1.2.3", "1.2.9", "1.3.0", "1.9.0"});
  CHECK(matching("~0.0.1", {"0.0.1", "0.0.2", "0.1.0"}) == Texts{"0.0.1", "0.0.2"});
}

TEST_CASE("^ keeps the leftmost number that is not zero") {
  CHECK(matching("^1.2.3", {"1.2.2", "1.2.3", "1.9.0", "2.0.0"}) == Texts{"1.2.3", "1.9.0"});
  CHECK(matching("^ 0.2.3", {"0.2.2", "0.2.3", "0.2.9", "0.3.0"}) == Texts{"0.2.3", "0.2.9"});
  CHECK(matching("^0.0.3", {"0.0.2", "0.0.3", "0.0.4"}) == Texts{"0.0.3"});
  CHECK(matching("^1.2", {"1.1.0", "1.2.0", "1.9.0", "2.0.0"}) == Texts{"1.2.0", "1.9.0"});
  CHECK(matching("^0.0", {"0.0.0", "0.0.9", "0.1.0"}) == Texts{"0.0.0", "0.0.9"});
  CHECK(matching("^0.x", {"0.0.0", "0.9.9", "1.0.0"}) == Texts{"0.0.0", "0.9.9"});
  CHECK(matching("^1", {"0.9.9", "1.0.0", "1.9.0", "2.0.0"}) == Texts{"1.0.0", "1.9.0"});
}

TEST_CASE("a hyphen includes both ends, and all of an end that is given in part") {
  const Texts all = {"1.2.2", "1.2.3", "2.3.3", "2.3.4", "2.3.5", "2.9.0", "3.0.0"};
  CHECK(matching("1.2.3 - 2.3.4", all) == Texts{"1.2.3", "2.3.3", "2.3.4"});
  CHECK(matching("1.2  -  2.3.3", all) == Texts{"1.2.2", "1.2.3", "2.3.3"});
  CHECK(matching("1.2.3 - 2.3", all) == Texts{"1.2.3", "2.3.3", "2.3.4", "2.3.5"});
  CHECK(matching("2.3.5 - 2", all) == Texts{"2.3.5", "2.9.0"});
  CHECK(matching("2.3.5 - *", all) == Texts{"2.3.5", "2.9.0", "3.0.0"});
  CHECK(matching("* - 1.2.2", all) == Texts{"1.2.2"});
}

TEST_CASE("|| is any of its sides") {
  CHECK(matching(">=1 <2 || 3.x||^5.1.0", {"0.9.0", "1.5.0", "2.0.0", "3.9.9", "5.0.0", "5.1.0"}) ==
        Texts{"1.5.0", "3.9.9", "5.1.0"});
}

TEST_CASE("a pre-release matches only beside a comparator with one of the same numbers") {
  CHECK(matching(">1.2.3-alpha.3", {"1.2.3-alpha.3", "1.2.3-alpha.7", "3.4.5-alpha.9", "3.4.5"}) ==
        Texts{"1.2.3-alpha.7", "3.4.5"});
  CHECK(matching("^1.2.3-beta.2", {"1.2.3-beta.1", "1.2.3-beta.4", "1.2.4-beta.2", "1.2.3"}) ==
        Texts{"1.2.3-beta.4", "1.2.3"});
  CHECK(matching("~0.0.1-beta", {"0.0.1-alpha", "0.0.1-beta", "0.0.2-beta", "0.0.2"}) ==
        Texts{"0.0.1-beta", "0.0.2"});
  CHECK(matching("^1.2.3", {"1.2.3-beta", "1.3.0-beta", "2.0.0-alpha", "2.0.0-0"}) == Texts{});
  CHECK(matching("<2", {"2.0.0-alpha", "1.9.9-alpha", "1.9.9"}) == Texts{"1.9.9"});
  CHECK(matching("1.0.0-a - 2.0.0-b", {"1.0.0-b", "2.0.0-a", "2.0.0-c", "1.5.0-a", "1.5.0"}) ==
        Texts{"1.0.0-b", "2.0.0-a", "1.5.0"});
  CHECK(matching("^1.0.0 || 2.0.0-rc.1", {"2.0.0-rc.1", "2.0.0-rc.2"}) == Texts{"2.0.0-rc.1"});
}

TEST_CASE("tags, addresses and other protocols are no ranges") {
  for (const std::string_view range : {"latest",
                                       "next",
                                       "beta || 1",
                                       "1 || latest",
                                       "workspace:^",
                                       "workspace:*",
                                       "npm:a@^1",
                                       "file:../a",
                                       "git+https://example.com/a.git",
                                       "user/repository",
                                       "https://example.com/a.tgz",
                                       "link:a",
                                       "1.2.3.4",
                                       "01.2",
                                       "1.2-beta",
                                       ">",
                                       "^",
                                       "~ ",
                                       "<>1",
                                       "> <1",
                                       "1.2.3 -",
                                       "- 1.2.3",
                                       "1.2.3 -2",
                                       "1 - 2 - 3",
                                       "1 - 2 >1",
                                       ">1 - 2",
                                       ">=1,<2",
                                       "1.2.3-",
                                       "1..2",
                                       "^^1",
                                       "~^1",
                                       "!1",
                                       "9007199254740992",
                                       "v",
                                       "="}) {
    CAPTURE(range);
    CHECK_FALSE(NpmRange::parse(range));
  }
  CHECK_FALSE(NpmRange::parse(std::string(4097, ' ')));
}
