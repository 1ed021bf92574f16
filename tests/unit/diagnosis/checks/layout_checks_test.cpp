#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

std::vector<Finding> found(std::string_view id, const char* runtime, const PackageBuilder& layer) {
  return FunctionBuilder(runtime).layer(layer).check(id);
}

/// The remedy for a layer of which nothing is found; empty when something is.
std::string remedy(const char* runtime, const PackageBuilder& layer) {
  const auto findings = found("nothing-on-search-path", runtime, layer);
  return findings.empty() ? "" : findings[0].remedy;
}

}  // namespace

TEST_CASE("a layer of which the runtime finds something is fine") {
  CHECK(remedy("python3.12", PackageBuilder("a").file("python/x.py").file("README")) == "");
  CHECK(remedy("python3.12", PackageBuilder("a").file("lib/x.so")) == "");
  CHECK(remedy("nodejs20.x", PackageBuilder("a").file("nodejs/node_modules/x/index.js")) == "");
  CHECK(remedy("provided.al2", PackageBuilder("a").file("bootstrap")) == "");
  CHECK(remedy("python3.12", PackageBuilder("a").directory("empty")) == "");
  CHECK(remedy("", PackageBuilder("a").file("anything")) == "");
}

TEST_CASE("the usual mistakes are told with their remedies") {
  CHECK(remedy("python3.12", PackageBuilder("a").file("layer/python/x.py")) ==
        "Zip the content of \"layer/\", not the folder itself.");
  CHECK(remedy("python3.12", PackageBuilder("a").file("requests/__init__.py").file("x/y")) ==
        "Put everything below \"python/\".");
  CHECK(remedy("python3.12", PackageBuilder("a").python("six", "1", {"six.so"}, {}, "", "")) ==
        "Put everything below \"python/\".");
  CHECK(remedy("nodejs20.x", PackageBuilder("a").file("node_modules/x/index.js")) ==
        "Put it below \"nodejs/\".");
  CHECK(remedy("nodejs20.x", PackageBuilder("a").package_json("x/package.json", "{}")) ==
        "Put them below \"nodejs/node_modules/\".");
  CHECK(remedy("java21", PackageBuilder("a").file("guava.jar")) == "Put them into \"java/lib/\".");
  CHECK(remedy("python3.12", PackageBuilder("a").file("nodejs/node_modules/x/index.js")) ==
        "Attach it to functions of that language, or put the content into \"python/\".");
}

TEST_CASE("data that code opens by its path is a note") {
  const auto findings =
      found("nothing-on-search-path", "python3.12", PackageBuilder("a").file("models/x.bin"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == Severity::note);
  CHECK(findings[0].message == "0 of 1 files lie where python3.12 looks.");
}

TEST_CASE("a wrapper that the variable names needs no search path") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").file("wrap", "x", 0755))
      .variable("AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrap");
  CHECK(function.check("nothing-on-search-path").empty());
}

TEST_CASE("a folder for another version is an error when it is all that the layer has") {
  const std::string other = "python/lib/python3.8/site-packages";
  const auto alone =
      found("other-language-version", "python3.12", PackageBuilder("a").file(other + "/x.py"));
  REQUIRE(alone.size() == 1);
  CHECK(alone[0].severity == Severity::error);
  CHECK(alone[0].path == other);
  CHECK(alone[0].message ==
        "1 file is for version 3.8; the function runs python3.12, which looks into "
        "\"python/lib/python3.12/site-packages/\".");
  const auto among = found("other-language-version", "python3.12",
                           PackageBuilder("a").file(other + "/x.py").file("python/x.py"));
  REQUIRE(among.size() == 1);
  CHECK(among[0].severity == Severity::note);
  CHECK(found("nothing-on-search-path", "python3.12", PackageBuilder("a").file(other + "/x.py"))
            .empty());
  CHECK(found("other-language-version", "nodejs20.x",
              PackageBuilder("a").file("nodejs/node18/node_modules/x/index.js"))
            .size() == 1);
  CHECK(found("other-language-version", "nodejs20.x", PackageBuilder("a").file(other + "/x.py"))
            .empty());
}

TEST_CASE("backslashes are parts of names on Linux") {
  const auto findings =
      found("backslash-name", "python3.12",
            PackageBuilder("a").file("python\\x.py").file("python\\y.py").file("python/z.py"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].path == "python\\x.py");
  CHECK(findings[0].more.size() == 1);
  CHECK(found("backslash-name", "python3.12", PackageBuilder("a").file("python/z.py")).empty());
}

TEST_CASE("names that differ only in case clash in a layer and between layers") {
  const auto inside = found("case-clash", "python3.12",
                            PackageBuilder("a").file("python/X.py").file("python/x.py"));
  REQUIRE(inside.size() == 1);
  CHECK(inside[0].path == "python/x.py");
  CHECK(inside[0].message == "It differs from \"python/X.py\" only in case.");
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").file("python/X.py"))
      .layer(PackageBuilder("b").file("python/x.py"));
  const auto merged = function.check("case-clash");
  REQUIRE(merged.size() == 1);
  CHECK(merged[0].package == "b");
  CHECK(
      found("case-clash", "python3.12", PackageBuilder("a").file("A/x.py").file("b/X.py")).empty());
}

TEST_CASE("a file over a folder is told with what is lost below") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").file("python/x/one.py").file("python/x/two.py"))
      .layer(PackageBuilder("b").file("python/x"));
  const auto findings = function.check("type-conflict");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "b");
  CHECK(findings[0].path == "python/x");
  CHECK(findings[0].message ==
        "It is a file here and a folder in layer \"a\". 2 entries below it are lost.");
  CHECK(findings[0].more == std::vector<std::string>{"python/x/one.py", "python/x/two.py"});
  FunctionBuilder links("python3.12");
  links.layer(PackageBuilder("a").link("lib/x", "y")).layer(PackageBuilder("b").file("lib/x"));
  CHECK(links.check("type-conflict")[0].message ==
        "It is a file here and a symbolic link in layer \"a\".");
}
