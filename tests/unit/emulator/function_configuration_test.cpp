#include "emulator/function_configuration.hpp"

#include <doctest/doctest.h>

using namespace emulator;

namespace {

FunctionConfiguration valid() {
  FunctionConfiguration function;
  function.runtime = "python3.13";
  function.handler = "app.handler";
  function.architecture = host_architecture();
  return function;
}

std::string refusal(const FunctionConfiguration& function) {
  const auto checked = check_configuration(function);
  return checked ? std::string("(accepted)") : checked.error().message;
}

bool says(const std::string& message, const std::string& part) {
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Lambda's defaults are accepted") {
  CHECK(refusal(valid()) == "(accepted)");
}

TEST_CASE("memory, timeout and /tmp keep to Lambda's ranges") {
  for (const std::uint32_t memory : {127U, 10241U}) {
    auto function = valid();
    function.memory_size = memory;
    CHECK(says(refusal(function), "--memory a value from 128 to 10240"));
  }
  for (const int timeout : {0, 901}) {
    auto function = valid();
    function.timeout = std::chrono::seconds(timeout);
    CHECK(says(refusal(function), "--timeout a value from 1 to 900"));
  }
  auto function = valid();
  function.ephemeral_storage = 511;
  CHECK(says(refusal(function), "--ephemeral-storage"));
}

TEST_CASE("reserved variables are refused in AWS's words") {
  auto function = valid();
  function.environment = {{"AWS_REGION", "x"}, {"LAMBDA_TASK_ROOT", "y"}};
  CHECK(refusal(function) ==
        "environment: Lambda was unable to configure your environment variables because the "
        "environment "
        "variables you have provided contains reserved keys that are currently not supported for "
        "modification. Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT");
}

TEST_CASE("variables past 4 KB as JSON are refused in AWS's words, those just within are not") {
  // {"KK":"..."} has nine bytes around the value.
  auto function = valid();
  function.environment = {{"KK", std::string(4096 - 9, 'v')}};
  CHECK(refusal(function) == "(accepted)");
  function.environment = {{"KK", std::string(4096 - 8, 'v')}};
  CHECK(says(refusal(function), "exceeded the 4KB limit. String measured: {\"KK\":\"vvv"));
}

TEST_CASE("names of variables keep to Lambda's form") {
  for (const char* name : {"1A", "A", "A-B", "", "A=B"}) {
    auto function = valid();
    function.environment = {{name, "x"}};
    CHECK(says(refusal(function), "is no name that Lambda takes"));
  }
}

TEST_CASE("a managed runtime needs a handler, a provided one does not") {
  auto function = valid();
  function.handler.clear();
  CHECK(says(refusal(function), "Runtime and Handler are mandatory parameters"));
  function.runtime = "provided.al2023";
  CHECK(refusal(function) == "(accepted)");
}

TEST_CASE("a function for the other architecture is refused with what this host runs") {
  auto function = valid();
  function.architecture =
      host_architecture() == Architecture::x86_64 ? Architecture::arm64 : Architecture::x86_64;
  CHECK(says(refusal(function), "this host runs"));
}

TEST_CASE("function names keep to Lambda's form") {
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string(65, 'x'), std::string("a/b")}) {
    auto function = valid();
    function.function_name = name;
    CHECK(says(refusal(function), "function name"));
  }
}
