#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace emulator {

enum class OutcomeKind {
  succeeded,
  /// The runtime reported an error, or gave a response that Lambda does not deliver.
  function_error,
  timed_out,
  /// The runtime ended, could not be started, or ran out of memory.
  environment_failed,
};
std::string_view to_string(OutcomeKind kind);

/// How an initialisation ended; `payload` is what the invoker gets when it was the invocation's
/// own.
struct InitOutcome {
  enum class Status { success, error, timeout };
  Status status = Status::success;
  /// "Runtime.ExitError"; empty on success and for a timeout.
  std::string error_type;
  std::string payload;
  std::chrono::nanoseconds duration{};
  /// The first part of it, until the runtime's own code began to run; absent where it does not
  /// tell.
  std::optional<std::chrono::nanoseconds> runtime_start;
};

/// One invocation, as its invoker, the logs and the reports need it.
struct InvocationOutcome {
  OutcomeKind kind = OutcomeKind::succeeded;
  std::string request_id;
  /// What the invoker receives: the response, or the error's JSON.
  std::string payload;
  /// "Runtime.ExitError"; empty when there is none.
  std::string error_type;
  /// The REPORT line's `Status`: also set when the response was good and the runtime failed later.
  std::string report_status;
  std::chrono::nanoseconds duration{};
  /// First invocation of an environment whose init phase succeeded.
  std::optional<std::chrono::nanoseconds> init_duration;
  std::optional<std::uint64_t> max_memory_bytes;
  bool cold_start = false;
  /// From handing the event to the runtime to having its whole response.
  std::optional<std::chrono::nanoseconds> handed_out_to_reply;
};

}  // namespace emulator
