#include "diagnosis/checks/checks.hpp"

#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

TEST_CASE("a function without layers and code has nothing to complain about") {
  for (const char* runtime :
       {"", "python3.12", "nodejs16.x", "java21", "ruby3.3", "dotnet8", "go1.x", "provided.al2"})
    CHECK(FunctionBuilder(runtime).check().empty());
}

TEST_CASE("errors come first, then packages and rules in order") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("z").file("bin/tool", "x", 0644).link("lib/l", "gone"))
      .layer(PackageBuilder("b").file("data/x"))
      .layer(PackageBuilder("a").file("data/y").link("lib/m", "gone"));
  function.code(PackageBuilder("code").file("secret", "x", 0600));
  const auto findings = function.check();
  REQUIRE(findings.size() > 3);
  CHECK(findings.front().id == "unreadable-code");
  CHECK(std::is_sorted(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    if (a.severity != b.severity) return a.severity > b.severity;
    return a.package < b.package;
  }));
}

TEST_CASE("a thousand different messages are listed, and the rest is counted") {
  MessageCollector collector;
  for (int i = 0; i < 1500; ++i) collector.add("p", "message " + std::to_string(i), "path");
  collector.add("p", "message 0", "another path");
  std::vector<Finding> findings;
  collector.move_to(findings, "missing-library");
  REQUIRE(findings.size() == 1001);
  CHECK(findings.back().message == "500 more of this kind are not listed.");
  CHECK(findings.front().message == "message 0");
  CHECK(findings.front().path == "path");
  CHECK(findings.front().more == std::vector<std::string>{"another path"});
  std::vector<Finding> none;
  MessageCollector().move_to(none, "missing-library");
  CHECK(none.empty());
}

TEST_CASE("the paths of one message are bounded, too") {
  MessageCollector collector;
  for (int i = 0; i < 100'010; ++i) collector.add("p", "message", "path");
  std::vector<Finding> findings;
  collector.move_to(findings, "missing-library");
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].more.size() == 99'999);
  CHECK(findings[1].message == "10 more of this kind are not listed.");
}
