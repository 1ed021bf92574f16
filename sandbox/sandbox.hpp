#pragma once

#include "base/unique_fd.hpp"
#include "sandbox/sandbox_spec.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sandbox {

/// How a launched process ended.
struct ExitStatus {
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::uint64_t max_resident_kib = 0;
};

struct LaunchFailure {
  int error_number = 0;
  /// "fork/exec", "enter the working directory", ...
  std::string step;
};

struct ProcessSpec {
  std::vector<std::string> arguments;    ///< the first is the program's path inside
  std::vector<std::string> environment;  ///< NAME=value
  std::string working_directory = "/";
};

/// A launched process, as far as it is known. `launched`, `failure` and `exit` are set as messages
/// arrive; at most one of `failure` and `exit` ever is.
struct Process {
  bool launched = false;
  /// Just before the process was made; set with `launched`.
  std::chrono::steady_clock::time_point started_at;
  std::optional<LaunchFailure> failure;
  std::optional<ExitStatus> exit;
  bool ended() const { return failure || exit; }
};

/// An isolated process tree with its own root, driven through lamina-sandbox-init. Knows nothing of
/// Lambda or HTTP. Belongs to the thread that runs `executor`, which must also be the one that
/// calls create(): the kernel ties the helper's life to it. Nothing is left behind when it goes:
/// the destructor ends all processes and waits for that; mounts die with their namespace.
class Sandbox {
 public:
  struct Options {
    /// Path of lamina-sandbox-init.
    std::string init_program;
    /// Called after every change of the facts below, on the executor; cheap, must not destroy us.
    std::function<void()> on_change;
  };

  static base::Result<std::unique_ptr<Sandbox>> create(boost::asio::any_io_executor executor,
                                                       const SandboxSpec& spec, Options options);
  virtual ~Sandbox() = default;

  /// The file system stands. Launches may be asked for before: they wait.
  virtual bool ready() const = 0;
  virtual std::chrono::steady_clock::time_point ready_at() const = 0;
  /// Why it does not, with a remedy.
  virtual const std::optional<base::Error>& failure() const = 0;
  /// Network::none: the listener made inside; empty before ready() and after it was taken.
  virtual base::UniqueFd take_listener() = 0;

  /// Descriptors are duplicated; the caller keeps its own.
  virtual std::shared_ptr<const Process> launch(const ProcessSpec& process, int standard_input,
                                                int standard_output, int standard_error) = 0;
  /// To the process and its group.
  virtual void signal(const std::shared_ptr<const Process>& process, int number) = 0;
  /// SIGKILL to everything inside but the supervisor; empty() tells when all are gone.
  virtual void kill_all() = 0;
  virtual bool empty() const = 0;
  /// Asks for the peak resident memory of everything inside; measured_kib() is empty until the
  /// answer has come.
  virtual void measure() = 0;
  virtual std::optional<std::uint64_t> measured_kib() const = 0;
  /// Stops and continues everything inside but the supervisor.
  virtual void freeze() = 0;
  virtual void thaw() = 0;
};

}  // namespace sandbox
