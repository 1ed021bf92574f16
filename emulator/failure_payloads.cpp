#include "emulator/failure_payloads.hpp"

#include <nlohmann/json.hpp>

#include <cctype>
#include <csignal>
#include <cstring>

namespace emulator {
namespace {

/// Go's names of signals, which AWS's texts use.
std::string signal_text(int number) {
  switch (number) {
    case SIGHUP:
      return "hangup";
    case SIGINT:
      return "interrupt";
    case SIGQUIT:
      return "quit";
    case SIGILL:
      return "illegal instruction";
    case SIGTRAP:
      return "trace/breakpoint trap";
    case SIGABRT:
      return "aborted";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "floating point exception";
    case SIGKILL:
      return "killed";
    case SIGUSR1:
      return "user defined signal 1";
    case SIGSEGV:
      return "segmentation fault";
    case SIGUSR2:
      return "user defined signal 2";
    case SIGPIPE:
      return "broken pipe";
    case SIGALRM:
      return "alarm clock";
    case SIGTERM:
      return "terminated";
    case SIGSYS:
      return "bad system call";
    default:
      return "signal " + std::to_string(number);
  }
}

/// Go's error texts are the C library's in lower case.
std::string error_text(int number) {
  std::string text = std::strerror(number);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

RuntimeFailure exit_failure(const sandbox::ExitStatus& exit, bool out_of_memory) {
  RuntimeFailure failure;
  failure.error_type = out_of_memory ? "Runtime.OutOfMemory" : "Runtime.ExitError";
  if (exit.signal)
    failure.message = "Runtime exited with error: signal: " + signal_text(*exit.signal);
  else if (exit.exit_code.value_or(0) == 0)
    failure.message = "Runtime exited without providing a reason";
  else
    failure.message = "Runtime exited with error: exit status " + std::to_string(*exit.exit_code);
  return failure;
}

RuntimeFailure launch_failure(const sandbox::LaunchFailure& failure, const std::string& program) {
  const bool execute = failure.step == "fork/exec";
  return {"Runtime.InvalidEntrypoint", (execute ? "fork/exec " + program : failure.step) + ": " +
                                           error_text(failure.error_number)};
}

RuntimeFailure missing_bootstrap() {
  return {"Runtime.InvalidEntrypoint",
          "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"};
}

RuntimeFailure timeout_failure(std::chrono::seconds timeout) {
  return {"Sandbox.Timedout",
          "Task timed out after " + std::to_string(timeout.count()) + ".00 seconds"};
}

std::string failure_payload(const RuntimeFailure& failure, const std::string& request_id) {
  nlohmann::ordered_json document;
  document["errorType"] = failure.error_type;
  document["errorMessage"] = "RequestId: " + request_id + " Error: " + failure.message;
  return document.dump();
}

std::string failure_message(const std::string& payload) {
  const auto document = nlohmann::json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return payload;
  const auto message = document.find("errorMessage");
  return message != document.end() && message->is_string() ? message->get<std::string>() : payload;
}

}  // namespace emulator
