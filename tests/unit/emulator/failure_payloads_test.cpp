#include "emulator/failure_payloads.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>

using namespace emulator;

namespace {

sandbox::ExitStatus exited(int code) {
  sandbox::ExitStatus status;
  status.exit_code = code;
  return status;
}
sandbox::ExitStatus killed(int signal) {
  sandbox::ExitStatus status;
  status.signal = signal;
  return status;
}

}  // namespace

TEST_CASE("a runtime that exits with 0 gave no reason") {
  CHECK(
      failure_payload(exit_failure(exited(0), false), "r1") ==
      R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: r1 Error: Runtime exited without providing a reason"})");
}

TEST_CASE("exit status and signal are told in AWS's words") {
  CHECK(exit_failure(exited(127), false).message == "Runtime exited with error: exit status 127");
  CHECK(exit_failure(killed(SIGKILL), false).message ==
        "Runtime exited with error: signal: killed");
  CHECK(exit_failure(killed(SIGSEGV), false).message ==
        "Runtime exited with error: signal: segmentation fault");
  CHECK(exit_failure(killed(SIGABRT), false).message ==
        "Runtime exited with error: signal: aborted");
  CHECK(exit_failure(killed(40), false).message == "Runtime exited with error: signal: signal 40");
}

TEST_CASE("out of memory is a type of its own") {
  const RuntimeFailure failure = exit_failure(killed(SIGKILL), true);
  CHECK(failure.error_type == "Runtime.OutOfMemory");
  CHECK(failure.message == "Runtime exited with error: signal: killed");
}

TEST_CASE("a timeout has two decimals") {
  CHECK(
      failure_payload(timeout_failure(std::chrono::seconds(1)), "r1") ==
      R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r1 Error: Task timed out after 1.00 seconds"})");
}

TEST_CASE("a bootstrap that cannot be started names itself and the reason in lower case") {
  const auto message = [](int error) {
    return launch_failure({error, "fork/exec"}, "/var/task/bootstrap").message;
  };
  CHECK(message(EACCES) == "fork/exec /var/task/bootstrap: permission denied");
  CHECK(message(ENOENT) == "fork/exec /var/task/bootstrap: no such file or directory");
  CHECK(message(ENOEXEC) == "fork/exec /var/task/bootstrap: exec format error");
}

TEST_CASE("no bootstrap anywhere is told with the places looked at") {
  CHECK(
      failure_payload(missing_bootstrap(), "r1") ==
      R"({"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r1 Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"})");
}

TEST_CASE("the sentence of a payload is its errorMessage, else all of it") {
  CHECK(failure_message(R"({"errorMessage":"it broke","errorType":"E"})") == "it broke");
  CHECK(failure_message(R"({"errorMessage":7})") == R"({"errorMessage":7})");
  CHECK(failure_message("[1]") == "[1]");
  CHECK(failure_message("{not json") == "{not json");
}
