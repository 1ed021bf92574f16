#include "emulator/failure_hint.hpp"

#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

/// The identifier of the finding that explains the failure; empty for none.
std::string explained(std::string_view failure, FunctionBuilder& function) {
  const auto findings = function.check();
  const diagnosis::OptView opt(function.layers());
  diagnosis::Subject subject = function.subject();
  subject.opt = &opt;
  const auto finding = emulator::explain_failure(failure, subject, findings);
  return finding ? std::string(finding->id) : std::string();
}

constexpr std::string_view no_tariff =
    R"({"errorMessage": "Unable to import module 'app': No module named 'tariff'"})";

}  // namespace

TEST_CASE("the missing module is read out of the interpreters' words") {
  CHECK(emulator::missing_module("No module named 'requests.adapters'") == "requests");
  CHECK(emulator::missing_module("Cannot find module 'lodash/fp'\\nRequire stack") == "lodash");
  CHECK(emulator::missing_module("Cannot find package '@scope/x' imported from") == "@scope/x");
  CHECK(emulator::missing_module("Cannot find module '@scope/x/sub'") == "@scope/x");
  CHECK(emulator::missing_module("Cannot find module './local'").empty());
  CHECK(emulator::missing_module("Cannot find module '/var/task/index'").empty());
  CHECK(emulator::missing_module("No module named '").empty());
  CHECK(emulator::missing_module("KeyError: 'x'").empty());
}

TEST_CASE("a missing module is explained by the layer in which it lies at the wrong place") {
  FunctionBuilder function("python3.11");
  function.layer(PackageBuilder("flat").python("tariff", "1", {"tariff/__init__.py"}, {}, "", ""));
  CHECK(explained(no_tariff, function) == "nothing-on-search-path");
}

TEST_CASE("a layer without the missing module explains nothing") {
  FunctionBuilder function("python3.11");
  function.layer(PackageBuilder("flat").python("other", "1", {"other/__init__.py"}, {}, "", ""));
  CHECK(explained(no_tariff, function).empty());
}

TEST_CASE("a name that cannot be imported points to the mixed package") {
  FunctionBuilder function("python3.11");
  function.layer(PackageBuilder("a").python("tariff", "1", {"tariff/__init__.py", "tariff/old.py"}))
      .layer(PackageBuilder("b").python("tariff", "2", {"tariff/__init__.py"}));
  CHECK(explained("cannot import name 'rate' from 'tariff.rates'", function) == "mixed-package");
  CHECK(explained("module 'tariff' has no attribute 'rate'", function) == "mixed-package");
  // Of another package, or of no package at all: not the layers' fault.
  CHECK(explained("cannot import name 'x' from 'other'", function).empty());
  CHECK(explained("'NoneType' object has no attribute 'get'", function).empty());
  CHECK(explained("KeyError: 'rate'", function).empty());
}

TEST_CASE("a refusal of the kernel is explained by the file that it names") {
  FunctionBuilder function("python3.11");
  function.layer(PackageBuilder("a").script("bin/tool", "/bin/sh", false, 0644));
  CHECK(explained("PermissionError: [Errno 13] Permission denied: '/opt/bin/tool'", function) ==
        "not-executable");
  CHECK(explained("PermissionError: bucket: permission denied by policy", function).empty());
}

TEST_CASE("most failures are not worth a look at the layers") {
  CHECK_FALSE(emulator::may_be_explained(R"({"errorType": "Sandbox.Timedout"})"));
  CHECK_FALSE(emulator::may_be_explained(R"({"errorMessage": "'x'", "errorType": "KeyError"})"));
  CHECK(emulator::may_be_explained(no_tariff));
  CHECK(emulator::may_be_explained("cannot import name 'a' from 'b'"));
}

TEST_CASE("foobar.so is not the module foo") {
  FunctionBuilder function("python3.11");
  function.layer(
      PackageBuilder("flat").python("x", "1", {"x/__init__.py"}, {}, "", "").file("tariffed.so"));
  CHECK(explained(no_tariff, function).empty());
}

TEST_CASE("an exit status of the start script points to what could not be started") {
  FunctionBuilder function("provided.al2023");
  function.code(PackageBuilder("code").file("bootstrap", "x", 0644));
  const auto findings = function.check("not-executable");
  REQUIRE(findings.size() == 1);
}

TEST_CASE("hostile failures are text like any other") {
  FunctionBuilder function("python3.11");
  function.layer(PackageBuilder("a").file("python/x.py"));
  for (const char* text : {"", "'", "cannot open shared object file", ": cannot open",
                           "No module named ''", "Cannot find module '@'"})
    CHECK(explained(text, function).empty());
}
