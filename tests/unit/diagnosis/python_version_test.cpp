#include "diagnosis/python_version.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

using diagnosis::PythonSpecifiers;
using diagnosis::PythonVersion;

namespace {

PythonVersion version(std::string_view text) {
  const auto parsed = PythonVersion::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

bool contains(std::string_view specifiers, std::string_view candidate) {
  const auto parsed = PythonSpecifiers::parse(specifiers);
  REQUIRE_MESSAGE(parsed, specifiers);
  return parsed->contains(version(candidate));
}

using Texts = std::vector<std::string>;

/// Those of the candidates that match.
Texts matching(std::string_view specifiers, const Texts& candidates) {
  Texts result;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(result),
               [&](const std::string& text) { return contains(specifiers, text); });
  return result;
}

void check_ascending(const Texts& texts) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (std::size_t j = 0; j < texts.size(); ++j) {
      CAPTURE(texts[i]);
      CAPTURE(texts[j]);
      CHECK((version(texts[i]) <=> version(texts[j])) == (i <=> j));
    }
}

}  // namespace

TEST_CASE("dev releases come first, then alpha, beta, rc, the release and its post releases") {
  check_ascending({"1.dev0",
                   "1.0.dev456",
                   "1.0a1",
                   "1.0a2.dev456",
                   "1.0a12.dev456",
                   "1.0a12",
                   "1.0b1.dev456",
                   "1.0b2",
                   "1.0b2.post345.dev456",
                   "1.0b2.post345",
                   "1.0rc1.dev456",
                   "1.0rc1",
                   "1.0",
                   "1.0+abc.5",
                   "1.0+abc.7",
                   "1.0+5",
                   "1.0.post456.dev34",
                   "1.0.post456",
                   "1.0.15",
                   "1.1.dev1"});
}

TEST_CASE("segments are numbers, and an epoch goes before them all") {
  check_ascending({"0.9", "0.9.1", "0.9.2", "0.9.10", "0.10", "1.0", "2013.10", "2014.4", "1!0.1",
                   "1!1.0", "2!0"});
}

TEST_CASE("local parts are compared piece by piece, numbers after letters") {
  check_ascending({"1", "1+a", "1+a.b", "1+a.1", "1+b", "1+ubuntu", "1+2", "1+2.a", "1+2.0", "1+10",
                   "1+99999999999999999999999", "1+100000000000000000000000"});
}

TEST_CASE("all spellings of a version are the same version") {
  const auto same = [](std::string_view normal, const Texts& spellings) {
    for (const std::string& spelling : spellings) {
      CAPTURE(spelling);
      CHECK(version(spelling) == version(normal));
    }
  };
  same("1.0", {"1", "1.0.0", "v1.0", "V1.0", "  1.0\n", "\t1.0\r\f", "01.00", "0!1.0"});
  same("1.0a1", {"1.0.a.1", "1.0-A1", "1.0alpha1", "1.0_ALPHA_1", "1.0.a1", "1a01"});
  same("1.0b0", {"1.0b", "1.0beta", "1.0.beta.0", "1.0-b", "1.0b."});
  same("1.0rc1", {"1.0-RC1", "1.0c1", "1.0.c.1", "1.0pre1", "1.0preview1", "1.0_preview_1"});
  same("1.0.post1", {"1.0-1", "1.0.post.1", "1.0post1", "1.0-r1", "1.0rev1", "1.0.POST-1"});
  same("1.0.post0", {"1.0.post", "1.0-post", "1.0r"});
  same("1.0.dev0", {"1.0dev", "1.0-DEV", "1.0_dev_0", "1.0.dev00"});
  same("1.0a0.post1", {"1.0a--1", "1.0a.post1"});
  same("1.0a1", {"1.0a-1"});
  same("1.0+ubuntu.1", {"1.0+ubuntu-1", "1.0+Ubuntu_01"});
}

TEST_CASE("what is no version does not parse") {
  for (const std::string_view text : {"",
                                      " ",
                                      "v",
                                      "french toast",
                                      "1.0+a+",
                                      "1.0++",
                                      "1.0+_foobar",
                                      "1.0+foo&asd",
                                      "1.0+1+1",
                                      "1.0+",
                                      "1.0.",
                                      ".1",
                                      "1..0",
                                      "1.0-",
                                      "1.0x",
                                      "1.0 1",
                                      "1.0a1b1",
                                      "1.0.post1.post2",
                                      "!1",
                                      "a!1",
                                      "1!",
                                      "1!2!3",
                                      "1.0.*",
                                      "1.0.dev1a1",
                                      "vv1",
                                      "-1",
                                      "1.0--1"}) {
    CAPTURE(text);
    CHECK_FALSE(PythonVersion::parse(text));
  }
}

TEST_CASE("numbers beyond 64 bits and endless texts do not parse") {
  CHECK(PythonVersion::parse("18446744073709551615"));
  for (const std::string_view text :
       {"18446744073709551616", "18446744073709551616!1", "1a18446744073709551616",
        "1-18446744073709551616", "1.dev18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(PythonVersion::parse(text));
  }
  std::string text = "1";
  while (text.size() < 4095) text += ".1";
  CHECK(PythonVersion::parse(text));
  CHECK_FALSE(PythonVersion::parse(text + ".1.1"));
  CHECK_FALSE(PythonSpecifiers::parse(">=" + text + ".1.1"));
}

TEST_CASE("pre-releases are what has an a, b, rc or dev") {
  for (const std::string_view text : {"1a1", "1.0b2", "1rc1", "1.dev1", "1.post1.dev2"})
    CHECK(version(text).is_prerelease());
  for (const std::string_view text : {"1", "1.0.post1", "1+dev", "1!2"})
    CHECK_FALSE(version(text).is_prerelease());
}

TEST_CASE("~= keeps all but the last segment of the release") {
  CHECK(matching("~=2.2", {"2.1", "2.2", "2.2.post3", "2.9", "2.10", "3.0", "1!2.2"}) ==
        Texts{"2.2", "2.2.post3", "2.9", "2.10"});
  CHECK(matching("~=1.4.5", {"1.4.4", "1.4.5", "1.4.9", "1.5", "1.4.5+local"}) ==
        Texts{"1.4.5", "1.4.9", "1.4.5+local"});
  CHECK(matching("~=2.2.0", {"2.2", "2.2.1", "2.3"}) == Texts{"2.2", "2.2.1"});
  CHECK(matching("~=2.2rc1", {"2.2b9", "2.2rc1", "2.2", "2.10", "3.0"}) ==
        Texts{"2.2rc1", "2.2", "2.10"});
  CHECK(matching("~=1.4.5a4", {"1.4.5a3", "1.4.5a4", "1.4.6", "1.5"}) == Texts{"1.4.5a4", "1.4.6"});
  CHECK(matching("~=2.2.post3", {"2.2", "2.2.post3", "2.3", "3.0"}) == Texts{"2.2.post3", "2.3"});
}

TEST_CASE("== pads with zeros and ignores the local part it does not name") {
  CHECK(matching("==1.1", {"1.1", "1.1.0", "1.1.post1", "1.1a1", "1.1.dev1", "1.1+local"}) ==
        Texts{"1.1", "1.1.0", "1.1+local"});
  CHECK(matching("==1.1+local.1", {"1.1", "1.1+local.1", "1.1+LOCAL-1", "1.1+local.2"}) ==
        Texts{"1.1+local.1", "1.1+LOCAL-1"});
  CHECK(matching("!=1.1", {"1.1", "1.1+local", "1.1.post1"}) == Texts{"1.1.post1"});
  CHECK(matching("!=1.1+local", {"1.1", "1.1+local"}) == Texts{"1.1"});
}

TEST_CASE("a wildcard matches all that begins so") {
  CHECK(matching("==1.1.*", {"1.1", "1.1.post1", "1.1a1", "1.1.9+local", "1.10", "1", "1!1.1"}) ==
        Texts{"1.1", "1.1.post1", "1.1a1", "1.1.9+local"});
  CHECK(matching("==1.0.*", {"1", "1rc1", "1.0.0.1", "1.1"}) == Texts{"1", "1rc1", "1.0.0.1"});
  CHECK(matching("==2!1.*", {"1.0", "2!1.3"}) == Texts{"2!1.3"});
  CHECK(matching("!=1.1.*", {"1.1", "1.1.post1", "1.2"}) == Texts{"1.2"});
}

TEST_CASE("<= and >= do not look at local parts") {
  CHECK(matching("<=1.1", {"1.0", "1.1a1", "1.1", "1.1+local", "1.1.post1"}) ==
        Texts{"1.0", "1.1a1", "1.1", "1.1+local"});
  CHECK(matching(">=1.1", {"1.1a1", "1.1", "1.1+local", "1.1.post1", "1!0"}) ==
        Texts{"1.1", "1.1+local", "1.1.post1", "1!0"});
}

TEST_CASE("< does not mean the pre-releases of its version unless it is one") {
  CHECK(matching("<3.0", {"2.9", "2.9.post1", "3.0a1", "3.0.dev1", "3.0", "3.0+local", "2.9rc1"}) ==
        Texts{"2.9", "2.9.post1", "2.9rc1"});
  CHECK(matching("<3.0rc1", {"3.0a1", "3.0.dev1", "3.0rc1", "3.0"}) == Texts{"3.0a1", "3.0.dev1"});
  CHECK(matching("<3.0.post2", {"3.0rc1", "3.0", "3.0.post1", "3.0.post2.dev1"}) ==
        Texts{"3.0rc1", "3.0", "3.0.post1"});
}

TEST_CASE("> means neither post releases nor local versions of its version") {
  CHECK(matching(">1.7", {"1.7", "1.7.0.post1", "1.7+local", "1.7.post1+local", "1.7.1",
                          "1.8a1"}) == Texts{"1.7.1", "1.8a1"});
  CHECK(matching(">1.7.post2", {"1.7.0", "1.7.post2+local", "1.7.post3", "1.7.1"}) ==
        Texts{"1.7.post3", "1.7.1"});
  CHECK(matching(">1.7rc1", {"1.7rc1.post1", "1.7rc2", "1.7", "1.7.post1", "1.7+local"}) ==
        Texts{"1.7rc2", "1.7", "1.7.post1", "1.7+local"});
}

TEST_CASE("=== compares the text") {
  CHECK(matching("===1.0", {"1.0", "1", "1.0.0", "1.0+local"}) == Texts{"1.0"});
  CHECK(contains("===1.0RC1", "1.0-rc.1"));
  CHECK_FALSE(contains("===lolwat", "1.0"));
}

TEST_CASE("all clauses of a set must hold, and no clause is no condition") {
  CHECK(matching(">=1.21.1, <3 ,!=2.0.0", {"1.21", "1.21.1", "2", "2.0.1", "2.9", "3"}) ==
        Texts{"1.21.1", "2.0.1", "2.9"});
  CHECK(contains("", "1.0.dev1"));
  CHECK(contains(">=1.0,", "1.0"));
  CHECK(contains(" >= 1.0 ", "2.0a1"));
}

TEST_CASE("what is no specifier does not parse") {
  for (const std::string_view text : {"1.0",
                                      "=1.0",
                                      "=>2.0",
                                      ">=",
                                      "==",
                                      "===",
                                      "~=1",
                                      "~=1.0.*",
                                      ">=1.0.*",
                                      "<1.*",
                                      "==1.0.*+a",
                                      "==1.0a1.*",
                                      "==1.*.0",
                                      "==1.0.dev1.*",
                                      "==.*",
                                      "==1.0 .*",
                                      "==1.0.post1.*",
                                      "==1.0+a.*",
                                      ">=1.0+a",
                                      "<1+a",
                                      "~=1.0+a",
                                      ">=1.0 <2.0",
                                      ">=1;<2",
                                      "^1.0",
                                      "==1.0,lol",
                                      "!=",
                                      "<>1.0",
                                      "=== 1.0 rc1",
                                      "*"}) {
    CAPTURE(text);
    CHECK_FALSE(PythonSpecifiers::parse(text));
  }
}
