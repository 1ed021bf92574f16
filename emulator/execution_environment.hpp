#pragma once

#include "emulator/change_signal.hpp"
#include "emulator/environment_variables.hpp"
#include "emulator/function_configuration.hpp"
#include "emulator/invocation_outcome.hpp"
#include "emulator/phase_timeline.hpp"
#include "runtime-api/session.hpp"
#include "sandbox/cgroup.hpp"
#include "sandbox/output_pump.hpp"
#include "sandbox/sandbox.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace emulator {

/// Whether an environment's processes are stopped between invocations, as on AWS.
enum class Freezing { on, off };

/// Where log lines go, in the order of events. Called on the io thread.
using LogSink = std::function<void(std::string_view bytes)>;

/// A program of our own that runs beside the runtime, from before it starts: the runtime waits for
/// its first output.
struct Companion {
  /// The first is the program's path inside.
  std::vector<std::string> arguments;
  std::function<void(std::string_view bytes)> on_output;
  /// What it needs, on top of the function's memory.
  std::uint64_t memory_bytes = 0;
};

/// One function's execution environment: Init, then Invoke after Invoke, until it is destroyed.
/// Owns its sandbox, its Runtime API and its cgroup. A runtime that fails or runs out of time is
/// reset: every process ends, /tmp and the log stream stay, and the next invocation initialises
/// again. Knows nothing of layers: it is given the plan of its file system. One io thread.
class ExecutionEnvironment {
 public:
  struct Plan {
    FunctionConfiguration function;
    sandbox::SandboxSpec sandbox;
    /// The runtime's program inside; none when the function has no bootstrap.
    std::optional<std::string> bootstrap;
    Credentials credentials;
    std::string init_program;
    Freezing freezing = Freezing::on;
    /// INIT_START's fields; empty for provided runtimes.
    std::string runtime_version;
    std::string runtime_version_arn;
    /// More variables of the runtime's process than AWS has, NAME=value.
    std::vector<std::string> more_variables;
    std::optional<Companion> companion;
  };

  /// Starts building the sandbox; the work goes on in its own process.
  static base::Result<std::unique_ptr<ExecutionEnvironment>> create(
      boost::asio::any_io_executor executor, Plan plan, LogSink log);
  ~ExecutionEnvironment();

  /// The init phase, at most ten seconds. A failure is not the end: the first invocation tries
  /// again.
  boost::asio::awaitable<base::Result<void>> init();

  /// One invocation from the event to the moment that all is quiet again. The error case is a host
  /// that failed us, never the function.
  boost::asio::awaitable<base::Result<InvocationOutcome>> invoke(std::string payload);

  /// Asks the companion to end (SIGTERM), waits until it has, and hands out the rest of its output.
  boost::asio::awaitable<base::Result<void>> end_companion();

  /// A command in the environment, with the runtime's variables, in place of the runtime.
  boost::asio::awaitable<base::Result<sandbox::ExitStatus>> execute(
      std::vector<std::string> command);

  /// Thaws, so that ending it is orderly; ends everything.
  void destroy();

  const PhaseTimeline& timeline() const { return timeline_; }
  const std::optional<InitOutcome>& init_outcome() const { return init_outcome_; }
  /// When the decision to start fell; the first act of create().
  std::chrono::steady_clock::time_point decided_at() const { return decided_at_; }

 private:
  ExecutionEnvironment(boost::asio::any_io_executor executor, Plan plan, LogSink log);

  base::Result<void> make_sandbox();
  base::Result<void> open_runtime_api();
  boost::asio::awaitable<base::Result<void>> wait_for_sandbox();
  boost::asio::awaitable<base::Result<void>> start_companion();
  base::Result<void> launch_runtime();
  boost::asio::awaitable<base::Result<InitOutcome>> initialise(ChangeSignal::Time deadline,
                                                               std::string request_id);
  boost::asio::awaitable<void> reset();
  boost::asio::awaitable<std::optional<std::uint64_t>> peak_memory();
  InvocationOutcome judge(const std::string& request_id, bool in_time);
  bool out_of_memory();
  void finish_output();
  void set_frozen(bool frozen);

  boost::asio::any_io_executor executor_;
  Plan plan_;
  LogSink log_;
  ChangeSignal changed_;
  EnvironmentIdentity identity_;
  std::chrono::steady_clock::time_point decided_at_;

  std::optional<sandbox::Cgroup> cgroup_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  runtime_api::Session session_;
  std::optional<sandbox::OutputPump> output_;
  std::shared_ptr<const sandbox::Process> runtime_;
  std::optional<sandbox::OutputPump> companion_output_;
  std::shared_ptr<const sandbox::Process> companion_;
  bool companion_spoke_ = false;

  PhaseTimeline timeline_;
  std::optional<InitOutcome> init_outcome_;
  bool initialised_ = false;
  bool frozen_ = false;
  std::uint64_t invocations_ = 0;
  std::uint64_t known_oom_kills_ = 0;
  bool output_ends_line_ = true;
};

}  // namespace emulator
