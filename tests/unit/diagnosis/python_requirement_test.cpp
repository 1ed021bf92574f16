#include "diagnosis/python_requirement.hpp"

#include <doctest/doctest.h>

#include <string>

using diagnosis::PythonEnvironment;
using diagnosis::PythonRequirement;
using diagnosis::PythonVersion;

namespace {

PythonRequirement requirement(std::string_view text) {
  const auto parsed = PythonRequirement::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

bool accepts(const PythonRequirement& requirement, std::string_view version) {
  return requirement.specifiers.contains(PythonVersion::parse(version).value());
}

bool holds(std::string_view marker,
           const PythonEnvironment& environment = {.version = "3.11", .machine = "x86_64"}) {
  return requirement("a; " + std::string(marker)).applies(environment);
}

}  // namespace

TEST_CASE("a name alone accepts every version") {
  for (const std::string_view text : {"zope.interface", " zope.interface ", "zope.interface ()"}) {
    const auto parsed = requirement(text);
    CHECK(parsed.name == "zope.interface");
    CHECK(parsed.specifiers_text == "");
    CHECK(parsed.marker == "");
    CHECK(accepts(parsed, "0.1.dev1"));
  }
}

TEST_CASE("specifiers stand in parentheses or without") {
  for (const std::string_view text :
       {"urllib3 (<3,>=1.21.1)", "urllib3<3,>=1.21.1", "urllib3 <3,>=1.21.1",
        "urllib3( <3,>=1.21.1 )", "urllib3[socks]<3,>=1.21.1",
        "urllib3 [ socks , brotli ] (<3,>=1.21.1)", "urllib3[] <3,>=1.21.1"}) {
    CAPTURE(text);
    const auto parsed = requirement(text);
    CHECK(parsed.name == "urllib3");
    CHECK(parsed.specifiers_text == "<3,>=1.21.1");
    CHECK(accepts(parsed, "2.0"));
    CHECK_FALSE(accepts(parsed, "3.0"));
  }
}

TEST_CASE("a marker stands behind a semicolon") {
  const auto parsed =
      requirement("urllib3 (<3,>=1.21.1) ; python_version < \"4\" and extra == \"socks\"");
  CHECK(parsed.specifiers_text == "<3,>=1.21.1");
  CHECK(parsed.marker == "python_version < \"4\" and extra == \"socks\"");
  CHECK(requirement("a;os_name=='nt'").marker == "os_name=='nt'");
  CHECK(requirement("a>=1;os_name=='nt'").specifiers_text == ">=1");
  CHECK(requirement("a===x;os_name=='nt'").specifiers_text == "===x");
}

TEST_CASE("a URL stands for the version") {
  for (const std::string_view text :
       {"pip @ https://example.com/pip.zip", "pip@https://example.com/pip.zip#sha1=da9",
        "pip[a] @ file:///pip;x  "}) {
    CAPTURE(text);
    const auto parsed = requirement(text);
    CHECK(parsed.name == "pip");
    CHECK(parsed.specifiers_text == "");
    CHECK(parsed.marker == "");
    CHECK(accepts(parsed, "1.0"));
  }
  CHECK(requirement("pip @ https://example.com/ ; os_name == 'nt'").marker == "os_name == 'nt'");
}

TEST_CASE("what is no requirement does not parse") {
  for (const std::string_view text :
       {"",          " ",      ";",     "-a",      "a-",         "a_",     "a.",
        "_a",        "a b",    "a 1.0", "a (1.0)", "a (>=1",     "a >=1)", "a[",
        "a[b",       "a[b c]", "a[b,]", "a[,b]",   "a[-]",       "a @",    "a @ ; os_name == 'nt'",
        "a @ url x", "a;",     "a ; ",  "a >=1 x", "a >= 1 < 2", "a,",     "a (>=1) x",
        "a ==",      "é"}) {
    CAPTURE(text);
    CHECK_FALSE(PythonRequirement::parse(text));
  }
  CHECK_FALSE(PythonRequirement::parse(std::string(4097, 'a')));
}

TEST_CASE("versions of Python are compared as versions") {
  CHECK(holds("python_version >= '3.9'"));
  CHECK(holds("python_version < \"4\""));
  CHECK(holds("'3.9' < python_version"));
  CHECK(holds("python_version == '3.*'"));
  CHECK(holds("python_version ~= '3.8'"));
  CHECK(holds("python_version != '3.1'"));
  CHECK(holds("python_version === '3.11'"));
  CHECK_FALSE(holds("python_version < '3.9'"));
  CHECK_FALSE(holds("python_version >= '3.11.1'"));
  CHECK(holds("python_version in '3.10, 3.11'"));
  CHECK(holds("python_version not in '2.7, 3.9'"));
}

TEST_CASE("a patch version that is not given is a late one") {
  CHECK_FALSE(holds("python_full_version < '3.11.3'"));
  CHECK(holds("python_full_version < '3.12'"));
  CHECK(holds("implementation_version >= '3.11.4'"));
  const PythonEnvironment exact{.version = "3.11.2", .machine = "x86_64"};
  CHECK(holds("python_full_version < '3.11.3'", exact));
  CHECK(holds("python_version == '3.11'", exact));
}

TEST_CASE("the variables are those of CPython on Linux") {
  CHECK(holds("os_name == 'posix'"));
  CHECK(holds("sys_platform == 'linux'"));
  CHECK(holds("'linux' in sys_platform"));
  CHECK(holds("platform_system == 'Linux'"));
  CHECK(holds("platform_machine == 'x86_64'"));
  CHECK(holds("platform_machine == 'aarch64'", {.version = "3.12", .machine = "aarch64"}));
  CHECK(holds("platform_python_implementation == 'CPython'"));
  CHECK(holds("implementation_name == 'cpython'"));
  CHECK(holds("platform_release == '' and platform_version == ''"));
  CHECK(holds("os.name == 'posix' and sys.platform == 'linux' and platform.machine == 'x86_64'"));
  CHECK(holds("python_implementation == 'CPython' and platform.version == ''"));
  CHECK_FALSE(holds("sys_platform == 'win32'"));
}

TEST_CASE("no extra is asked for") {
  CHECK_FALSE(holds("extra == 'socks'"));
  CHECK_FALSE(holds("python_version >= '3' and extra == 'socks'"));
  CHECK_FALSE(holds("extra == '1.0'"));
  CHECK(holds("extra != 'socks'"));
}

TEST_CASE("what is no version is compared as text") {
  CHECK(holds("sys_platform < 'm'"));
  CHECK(holds("sys_platform >= 'linux'"));
  CHECK(holds("sys_platform === 'linux'"));
  CHECK(holds("python_version != 'x'"));
  CHECK_FALSE(holds("platform_release >= '20'"));
}

TEST_CASE("and binds closer than or, parentheses closer than both") {
  const std::string yes = "os_name == 'posix'";
  const std::string no = "os_name == 'nt'";
  CHECK(holds(yes + " or " + no + " and " + no));
  CHECK_FALSE(holds("(" + yes + " or " + no + ") and " + no));
  CHECK(holds(no + " and " + no + " or " + yes));
  CHECK(holds("((" + yes + ")and(" + yes + "))"));
  CHECK_FALSE(holds(no + " or (" + yes + " and (" + no + "))"));
  CHECK(holds("os_name=='posix'and\"x\"not  in'y'"));
  CHECK(holds("'\"' in 'a\"b'"));
}

TEST_CASE("a marker that cannot be parsed holds not") {
  for (const std::string_view marker : {"os_name",
                                        "os_name ==",
                                        "== 'posix'",
                                        "os_name = 'posix'",
                                        "os_name == posix",
                                        "os_name == 'posix",
                                        "os_name == 'posix\"",
                                        "os_name == 'posix' or",
                                        "os_name == 'posix' x",
                                        "(os_name == 'posix'",
                                        "os_name == 'posix')",
                                        "()",
                                        "os_name not 'nt'",
                                        "os_name notin 'nt'",
                                        "os_name == 'posix' orx os_name == 'posix'",
                                        "os_name == 'posix' or bogus == '1'",
                                        "not os_name == 'nt'",
                                        "os_name is 'posix'",
                                        "os_name ~= 'posix'",
                                        "OS_NAME == 'posix'"}) {
    CAPTURE(marker);
    CHECK_FALSE(holds(marker));
  }
}

TEST_CASE("parentheses nest as deep as anybody writes, and no deeper") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "os_name == 'posix'" + std::string(depth, ')');
  };
  CHECK(holds(nested(64)));
  CHECK_FALSE(holds(nested(65)));
  CHECK_FALSE(holds(std::string(4000, '(')));
  PythonRequirement endless;
  endless.marker = "os_name == 'posix'" + std::string(100'000, ' ');
  CHECK_FALSE(endless.applies({.version = "3.11", .machine = "x86_64"}));
}
