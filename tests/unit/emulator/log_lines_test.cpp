#include "emulator/log_lines.hpp"

#include <doctest/doctest.h>

using namespace emulator;
using namespace std::chrono_literals;

namespace {

const std::string id = "3da1f2dc-3222-475e-9205-e2e6c6318895";

InvocationOutcome outcome_of(std::chrono::nanoseconds duration) {
  InvocationOutcome outcome;
  outcome.request_id = id;
  outcome.duration = duration;
  outcome.max_memory_bytes = 36 * 1024 * 1024;
  return outcome;
}

}  // namespace

TEST_CASE("START and END are AWS's bytes") {
  CHECK(start_line(id, "$LATEST") == "START RequestId: " + id + " Version: $LATEST\n");
  CHECK(end_line(id) == "END RequestId: " + id + "\n");
}

TEST_CASE("REPORT of a cold start bills init and duration together and ends in a tab") {
  FunctionConfiguration function;
  InvocationOutcome outcome = outcome_of(3010us);
  outcome.init_duration = 110100us;
  CHECK(report_line(function, outcome) == "REPORT RequestId: " + id +
                                              "\tDuration: 3.01 ms\tBilled Duration: 114 "
                                              "ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
                                              "Init Duration: 110.10 ms\t\n");
}

TEST_CASE("REPORT of a warm invocation has no Init Duration") {
  CHECK(report_line(FunctionConfiguration(), outcome_of(1500us)) ==
        "REPORT RequestId: " + id +
            "\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 "
            "MB\t\n");
}

TEST_CASE("REPORT of a failure ends with its status") {
  InvocationOutcome outcome = outcome_of(3s);
  outcome.report_status = "timeout";
  CHECK(report_line(FunctionConfiguration(), outcome)
            .ends_with("Max Memory Used: 36 MB\tStatus: timeout\n"));
  outcome.report_status = "error";
  outcome.error_type = "Runtime.ExitError";
  CHECK(report_line(FunctionConfiguration(), outcome)
            .ends_with("Max Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError\n"));
}

TEST_CASE("a figure that could not be had is absent") {
  InvocationOutcome outcome = outcome_of(1ms);
  outcome.max_memory_bytes.reset();
  CHECK(report_line(FunctionConfiguration(), outcome).find("Max Memory Used") == std::string::npos);
}

TEST_CASE("memory is rounded up and never above what the function has") {
  FunctionConfiguration function;
  CHECK(memory_megabytes(1, function) == 1);
  CHECK(memory_megabytes(36 * 1024 * 1024 + 1, function) == 37);
  CHECK(memory_megabytes(1ULL << 40, function) == 128);
}

TEST_CASE("INIT_REPORT is written for what went wrong") {
  InitOutcome init;
  init.duration = 229040us;
  init.status = InitOutcome::Status::error;
  init.error_type = "Runtime.ImportModuleError";
  CHECK(init_report_line(init, "init") ==
        "INIT_REPORT Init Duration: 229.04 ms\tPhase: init\tStatus: error\tError Type: "
        "Runtime.ImportModuleError\n");
  init.status = InitOutcome::Status::timeout;
  init.duration = 10000490us;
  CHECK(init_report_line(init, "invoke") ==
        "INIT_REPORT Init Duration: 10000.49 ms\tPhase: invoke\tStatus: timeout\n");
}
