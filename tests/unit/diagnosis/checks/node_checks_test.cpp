#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

const std::string modules = "nodejs/node_modules/";

std::string json_of(const std::string& name, const std::string& version,
                    const std::string& more = "") {
  return R"({"name": ")" + name + R"(", "version": ")" + version + "\"" + more + "}";
}

PackageBuilder layer(const std::string& reference, const std::string& name,
                     const std::string& version, const std::string& more = "") {
  return PackageBuilder(reference).package_json(modules + name + "/package.json",
                                                json_of(name, version, more));
}

std::vector<std::string> unmet(FunctionBuilder& function) {
  std::vector<std::string> messages;
  for (const Finding& finding : function.check("unmet-npm-dependency"))
    messages.push_back(finding.message);
  return messages;
}

using Lines = std::vector<std::string>;

const std::string needs_b = R"(, "dependencies": {"b": "^2.0.0"})";

}  // namespace

TEST_CASE("a dependency that nothing brings is told") {
  FunctionBuilder function("nodejs20.x");
  function.layer(layer("a", "x", "1.0.0", needs_b));
  CHECK(unmet(function) == Lines{"x 1.0.0 depends on b ^2.0.0, which nothing brings."});
}

TEST_CASE("a dependency of the wrong version is told with its owner") {
  FunctionBuilder function("nodejs20.x");
  function.layer(layer("a", "x", "1.0.0", needs_b)).layer(layer("other", "b", "1.9.0"));
  CHECK(unmet(function) == Lines{"x 1.0.0 depends on b ^2.0.0 and gets 1.9.0 of layer \"other\"."});
}

TEST_CASE("a dependency is taken from the nearest node_modules, then from NODE_PATH") {
  FunctionBuilder near("nodejs20.x");
  near.layer(layer("a", "x", "1.0.0", needs_b)
                 .package_json(modules + "x/node_modules/b/package.json", json_of("b", "2.1.0")))
      .layer(layer("b", "b", "1.0.0"));
  CHECK(unmet(near).empty());
  FunctionBuilder version("nodejs20.x");
  version
      .code(PackageBuilder("code").package_json("node_modules/x/package.json",
                                                json_of("x", "1.0.0", needs_b)))
      .layer(PackageBuilder("a").package_json("nodejs/node20/node_modules/b/package.json",
                                              json_of("b", "2.1.0")))
      .layer(layer("b", "b", "1.0.0"));
  CHECK(unmet(version).empty());
  // The function's own variable hides the layers.
  version.variable("NODE_PATH", "/elsewhere:/opt/nodejs/node_modules");
  CHECK(unmet(version).size() == 1);
}

TEST_CASE("what the runtime brings, optional packages and things that are no ranges are fine") {
  FunctionBuilder function("nodejs20.x");
  function
      .layer(layer("a", "x", "1.0.0",
                   R"(, "dependencies": {"@aws-sdk/client-s3": "^3", "o": "1"},
                            "optionalDependencies": {"o": "1"}, "peerDependencies": {"p": "1"})"))
      .layer(layer("b", "y", "1.0.0", R"(, "dependencies": {"x": "file:../x", "z": 5})"));
  CHECK(unmet(function).empty());
  FunctionBuilder old("nodejs16.x");
  old.layer(layer("a", "x", "1.0.0", R"(, "dependencies": {"aws-sdk": "^2", "@aws-sdk/x": "3"})"));
  CHECK(unmet(old).size() == 1);
}

TEST_CASE("a peer may be absent, but not of another version") {
  FunctionBuilder function("nodejs20.x");
  function.layer(layer("a", "x", "1.0.0", R"(, "peerDependencies": {"react": "^18"})"))
      .layer(layer("b", "react", "17.0.0"));
  CHECK(unmet(function).size() == 1);
}

TEST_CASE("a package.json inside of a package or of the code itself asks for nothing") {
  FunctionBuilder function("nodejs20.x");
  function
      .layer(layer("a", "x", "1.0.0")
                 .package_json(modules + "x/test/package.json", json_of("t", "1", needs_b))
                 .package_json("nodejs/package.json", json_of("l", "1", needs_b)))
      .code(PackageBuilder("code").package_json("package.json", json_of("app", "1", needs_b)));
  CHECK(unmet(function).empty());
}

TEST_CASE("texts that are no package.json do no harm") {
  FunctionBuilder function("nodejs20.x");
  function.layer(PackageBuilder("a")
                     .package_json(modules + "a/package.json", "")
                     .package_json(modules + "b/package.json", "[1]")
                     .package_json(modules + "c/package.json", R"({"name": 5, "version": []})")
                     .package_json(modules + "d/package.json",
                                   R"({"dependencies": [], "optionalDependencies": "x"})")
                     .package_json(modules + "e/package.json", R"({"dependencies": {"": ""}})"));
  CHECK(unmet(function) == Lines{"  depends on  , which nothing brings."});
}

TEST_CASE("other languages do not look at packages of Node.js") {
  FunctionBuilder function("python3.12");
  function.layer(layer("a", "x", "1.0.0", needs_b));
  CHECK(unmet(function).empty());
}

TEST_CASE("hundreds of thousands of unmet dependencies end soon, and most are only counted") {
  FunctionBuilder function("nodejs20.x");
  std::string deep = modules;
  for (int i = 0; i < 200; ++i) deep += "d/node_modules/";
  for (int package = 0; package < 3; ++package) {
    std::string list = R"(, "dependencies": {)";
    for (int i = 0; i < 50'000; ++i)
      list += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "-" + std::to_string(package) +
              R"(": "1")";
    function.layer(PackageBuilder("a" + std::to_string(package))
                       .package_json(deep + "x/package.json", json_of("x", "1", list + "}")));
  }
  const auto messages = unmet(function);
  REQUIRE(messages.size() == 1001);
  CHECK(messages.front().ends_with(" more of this kind are not listed."));
}

TEST_CASE("before Node.js 18 an ES module cannot import from layers") {
  const auto found = [](const char* runtime, const PackageBuilder& code, bool with_layer = true) {
    FunctionBuilder function(runtime);
    function.code(code);
    if (with_layer) function.layer(layer("a", "x", "1.0.0"));
    return function.check("es-import-needs-nodejs18").size();
  };
  const PackageBuilder module = PackageBuilder("code").file("index.mjs");
  const PackageBuilder typed =
      PackageBuilder("code").package_json("package.json", R"({"type": "module"})");
  CHECK(found("nodejs16.x", module) == 1);
  CHECK(found("nodejs16.x", typed) == 1);
  CHECK(found("nodejs18.x", module) == 0);
  CHECK(found("nodejs16.x", module, false) == 0);
  CHECK(found("nodejs16.x", PackageBuilder("code").file("index.js")) == 0);
  CHECK(found("nodejs16.x", PackageBuilder("code").file("node_modules/x/index.mjs")) == 0);
}
