#include "emulator/environment_variables.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <regex>

using namespace emulator;

namespace {

FunctionConfiguration function_of(const std::string& runtime) {
  FunctionConfiguration function;
  function.function_name = "f";
  function.runtime = runtime;
  function.handler = "app.handler";
  return function;
}

std::vector<std::string> environment_of(const FunctionConfiguration& function) {
  return runtime_environment(function, {"2026/01/31/[$LATEST]0123", "127.0.0.1:9001"},
                             {"AKID", "secret", "token"});
}

std::string value_of(const std::vector<std::string>& environment, const std::string& name) {
  for (const std::string& line : environment)
    if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
  return "(absent)";
}

}  // namespace

TEST_CASE("provided.al2023 gets exactly AWS's variables and values") {
  CHECK(
      environment_of(function_of("provided.al2023")) ==
      std::vector<std::string>{
          "AWS_ACCESS_KEY_ID=AKID",
          "AWS_DEFAULT_REGION=us-east-1",
          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
          "AWS_LAMBDA_FUNCTION_NAME=f",
          "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
          "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
          "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f",
          "AWS_LAMBDA_LOG_STREAM_NAME=2026/01/31/[$LATEST]0123",
          "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001",
          "AWS_REGION=us-east-1",
          "AWS_SECRET_ACCESS_KEY=secret",
          "AWS_SESSION_TOKEN=token",
          "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
          "AWS_XRAY_DAEMON_ADDRESS=169.254.100.1:2000",
          "LAMBDA_RUNTIME_DIR=/var/runtime",
          "LAMBDA_TASK_ROOT=/var/task",
          "LANG=en_US.UTF-8",
          "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:"
          "/var/task/lib:/opt/lib",
          "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
          "TZ=:UTC",
          "_AWS_XRAY_DAEMON_ADDRESS=169.254.100.1",
          "_AWS_XRAY_DAEMON_PORT=2000",
          "_HANDLER=app.handler",
      });
}

TEST_CASE("provided.al2 has no /var/lang and another X-Ray address") {
  const auto environment = environment_of(function_of("provided.al2"));
  CHECK(value_of(environment, "PATH") == "/usr/local/bin:/usr/bin/:/bin:/opt/bin");
  CHECK(value_of(environment, "LD_LIBRARY_PATH") ==
        "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib");
  CHECK(value_of(environment, "AWS_XRAY_DAEMON_ADDRESS") == "169.254.79.129:2000");
}

TEST_CASE("only managed runtimes have AWS_EXECUTION_ENV") {
  CHECK(value_of(environment_of(function_of("python3.13")), "AWS_EXECUTION_ENV") ==
        "AWS_Lambda_python3.13");
  CHECK(value_of(environment_of(function_of("provided.al2023")), "AWS_EXECUTION_ENV") ==
        "(absent)");
}

TEST_CASE("HOME, USER and the timeout are not told") {
  const auto environment = environment_of(function_of("python3.13"));
  for (const char* name :
       {"HOME", "USER", "AWS_LAMBDA_FUNCTION_TIMEOUT", "AWS_LAMBDA_FUNCTION_HANDLER"})
    CHECK(value_of(environment, name) == "(absent)");
}

TEST_CASE("the function's variable replaces a whole unreserved value and nothing is put back") {
  auto function = function_of("python3.13");
  function.environment = {{"PATH", "/mine"}, {"LD_LIBRARY_PATH", "/opt/other"}, {"STAGE", "a b=c"}};
  const auto environment = environment_of(function);
  CHECK(value_of(environment, "PATH") == "/mine");
  CHECK(value_of(environment, "LD_LIBRARY_PATH") == "/opt/other");
  CHECK(value_of(environment, "STAGE") == "a b=c");
}

TEST_CASE("reserved names are found, in the order given") {
  CHECK(reserved_keys({{"A1", ""}, {"_HANDLER", ""}, {"AWS_REGION", ""}, {"TZ", ""}}) ==
        std::vector<std::string>{"_HANDLER", "AWS_REGION"});
}

TEST_CASE("a log stream is named after the day and the version") {
  CHECK(std::regex_match(make_log_stream_name("$LATEST"),
                         std::regex(R"(\d{4}/\d{2}/\d{2}/\[\$LATEST\][0-9a-f]{32})")));
}
