#include "emulator/log_lines.hpp"

#include "emulator/phase_timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace emulator {

std::string_view to_string(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::succeeded:
      return "succeeded";
    case OutcomeKind::function_error:
      return "function_error";
    case OutcomeKind::timed_out:
      return "timed_out";
    case OutcomeKind::environment_failed:
      return "environment_failed";
  }
  return "unknown";
}

std::string init_start_line(const std::string& runtime_version, const std::string& version_arn) {
  return "INIT_START Runtime Version: " + runtime_version +
         "\tRuntime Version ARN: " + version_arn + "\n";
}

std::string init_report_line(const InitOutcome& init, const std::string& phase) {
  std::string line = fmt::format("INIT_REPORT Init Duration: {:.2f} ms\tPhase: {}",
                                 milliseconds(init.duration), phase);
  if (init.status == InitOutcome::Status::timeout) line += "\tStatus: timeout";
  if (init.status == InitOutcome::Status::error)
    line += "\tStatus: error\tError Type: " + init.error_type;
  return line + "\n";
}

std::string start_line(const std::string& request_id, const std::string& version) {
  return "START RequestId: " + request_id + " Version: " + version + "\n";
}

std::string end_line(const std::string& request_id) {
  return "END RequestId: " + request_id + "\n";
}

std::string report_line(const FunctionConfiguration& function, const InvocationOutcome& outcome) {
  std::string line = fmt::format(
      "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t",
      outcome.request_id, milliseconds(outcome.duration), billed_milliseconds(outcome),
      function.memory_size);
  if (outcome.max_memory_bytes)
    line += fmt::format("Max Memory Used: {} MB\t",
                        memory_megabytes(*outcome.max_memory_bytes, function));
  if (outcome.init_duration)
    line += fmt::format("Init Duration: {:.2f} ms\t", milliseconds(*outcome.init_duration));
  if (!outcome.report_status.empty()) {
    line += "Status: " + outcome.report_status;
    if (outcome.report_status == "error") line += "\tError Type: " + outcome.error_type;
  }
  return line + "\n";
}

std::uint64_t billed_milliseconds(const InvocationOutcome& outcome) {
  const auto total = outcome.duration + outcome.init_duration.value_or(std::chrono::nanoseconds(0));
  return static_cast<std::uint64_t>(std::ceil(milliseconds(total)));
}

std::uint64_t memory_megabytes(std::uint64_t bytes, const FunctionConfiguration& function) {
  constexpr std::uint64_t megabyte = 1024 * 1024;
  return std::min<std::uint64_t>((bytes + megabyte - 1) / megabyte, function.memory_size);
}

}  // namespace emulator
