#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

TEST_CASE("a package of two versions at once is told with the files that still show") {
  FunctionBuilder function("python3.12");
  function
      .layer(PackageBuilder("old").python("requests", "1",
                                          {"requests/a.py", "requests/b.py", "requests/c.py"}))
      .layer(PackageBuilder("new").python("requests", "2", {"requests/a.py"}));
  const auto findings = function.check("mixed-package");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "old");
  CHECK(findings[0].path == "python/requests/b.py");
  CHECK(findings[0].more == std::vector<std::string>{"python/requests/c.py"});
  CHECK(findings[0].message == "2 files of requests 1 still show beside 2 of layer \"new\".");
  FunctionBuilder whole("python3.12");
  whole.layer(PackageBuilder("old").python("requests", "1", {"requests/a.py"}))
      .layer(PackageBuilder("new").python("requests", "2", {"requests/a.py"}));
  CHECK(whole.check("mixed-package").empty());
}

TEST_CASE("two places of sys.path make no mixture, the first one wins whole") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").python("x", "1", {"x/a.py"}))
      .layer(PackageBuilder("b").python("x", "2", {"x/b.py"}, {}, "",
                                        "python/lib/python3.12/site-packages"));
  CHECK(function.check("mixed-package").empty());
}

TEST_CASE("code replaces a layer's package of another version") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").python("x", "1", {"x.py"}))
      .layer(PackageBuilder("b").python("x", "2", {"x.py"}))
      .code(PackageBuilder("code").python("x", "2", {"x.py"}, {}, "", ""));
  const auto findings = function.check("shadowed-by-code");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "a");
  CHECK(findings[0].path == "python/x-1.dist-info");
  CHECK(findings[0].message == "The layer has x 1, the code has 2.");
}

TEST_CASE("two versions of a jar are told, the first of the class path wins") {
  FunctionBuilder function("java21");
  function.layer(PackageBuilder("a").jar("java/lib/guava-1.jar", "guava", "1"))
      .layer(PackageBuilder("b").jar("java/lib/guava-2.jar", "guava", "2"))
      .layer(PackageBuilder("c").jar("java/lib/other-2.jar", "other", "2"));
  const auto findings = function.check("duplicate-jar");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "b");
  CHECK(findings[0].message == "guava 2 comes after 1 of layer \"a\".");
  FunctionBuilder hidden("java21");
  hidden.layer(PackageBuilder("a").jar("java/lib/guava.jar", "guava", "1"))
      .layer(PackageBuilder("b").jar("java/lib/guava.jar", "guava", "2"));
  CHECK(hidden.check("duplicate-jar").empty());
}
