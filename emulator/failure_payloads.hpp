#pragma once

#include "sandbox/sandbox.hpp"

#include <chrono>
#include <string>

namespace emulator {

/// The payloads and texts that Lambda answers with when a runtime fails (developer guide
/// "Troubleshoot execution issues"; byte forms as recorded from the service). Pure.
struct RuntimeFailure {
  std::string error_type;  ///< "Runtime.ExitError"
  std::string message;     ///< without "RequestId: ... Error: "
};

RuntimeFailure exit_failure(const sandbox::ExitStatus& exit, bool out_of_memory);
/// `program` as inside, for example /var/task/bootstrap.
RuntimeFailure launch_failure(const sandbox::LaunchFailure& failure, const std::string& program);
RuntimeFailure missing_bootstrap();
RuntimeFailure timeout_failure(std::chrono::seconds timeout);

/// {"errorType":...,"errorMessage":"RequestId: <id> Error: <message>"}
std::string failure_payload(const RuntimeFailure& failure, const std::string& request_id);
/// The sentence in a payload; a payload without one as it is.
std::string failure_message(const std::string& payload);

}  // namespace emulator
