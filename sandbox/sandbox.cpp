#include "sandbox/sandbox.hpp"

#include "sandbox/wire.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

namespace sandbox {
namespace {

namespace asio = boost::asio;
using base::ErrorKind;

ExitStatus to_exit_status(const wire::Exited& exited) {
  ExitStatus status;
  if (WIFSIGNALED(exited.wait_status))
    status.signal = WTERMSIG(exited.wait_status);
  else
    status.exit_code = WEXITSTATUS(exited.wait_status);
  status.max_resident_kib = exited.max_resident_kib;
  return status;
}

std::chrono::steady_clock::time_point to_time(std::int64_t monotonic_ns) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(monotonic_ns));
}

void mark_launched(Process& process, const wire::Launched& message) {
  process.launched = true;
  process.started_at = to_time(message.started_ns);
}

/// What a person can do about a step that this host refuses.
std::string remedy(const wire::Failure& failure, const SandboxSpec& spec) {
  const bool refused = failure.error_number == EPERM || failure.error_number == EACCES;
  if (failure.step == "create namespaces" && (refused || failure.error_number == ENOSPC))
    return " This host does not let this user create namespaces; run \"lamina doctor\", run as "
           "root, or allow user namespaces.";
  if (failure.step.starts_with("mount overlay"))
    return " This host refuses overlayfs here; use --opt-mode copy.";
  if (failure.step.starts_with("mount proc") && refused)
    return " A container that masks parts of /proc forbids it; start that container with "
           "--security-opt systempaths=unconfined or --privileged.";
  if (failure.step.starts_with("map ids"))
    return " /etc/subuid and /etc/subgid must grant this user a range, and newuidmap must be "
           "setuid.";
  if (failure.step == "enter the cgroup" || spec.ids.identity == Identity::single_id)
    return " \"lamina doctor\" tells what this host allows.";
  return {};
}

base::Error to_error(const wire::Failure& failure, const SandboxSpec& spec) {
  return {ErrorKind::unsupported_host, "sandbox: cannot " + failure.step + ": " +
                                           std::strerror(failure.error_number) + "." +
                                           remedy(failure, spec)};
}

/// Moves a descriptor out of the way of the numbers that the child gets.
base::Result<base::UniqueFd> above_standard(base::UniqueFd fd) {
  constexpr int first_free = 10;
  const int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, first_free);
  if (moved < 0) return base::from_errno(errno, "sandbox: cannot duplicate a descriptor");
  return base::UniqueFd(moved);
}

base::Result<pid_t> spawn_init(const std::string& program, int control_socket, int lifeline) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, control_socket, 3);
  posix_spawn_file_actions_adddup2(&actions, lifeline, 4);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  // An ignored SIGPIPE of ours would survive exec and reach every function.
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char* arguments[] = {const_cast<char*>("lamina-sandbox-init"), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return base::with_prefix(base::from_errno(error, "cannot start \"" + program + "\""),
                             "sandbox");
  return pid;
}

class InitDrivenSandbox final : public Sandbox {
 public:
  InitDrivenSandbox(asio::any_io_executor executor, SandboxSpec spec,
                    std::function<void()> on_change)
      : socket_(executor), spec_(std::move(spec)), on_change_(std::move(on_change)) {}

  base::Result<void> start(const Options& options) {
    TRY_ASSIGN(base::FdPair sockets, base::make_seqpacket_pair());
    TRY_ASSIGN(base::FdPair lifeline, base::make_pipe());
    TRY_ASSIGN(base::UniqueFd child_socket, above_standard(std::move(sockets.second)));
    TRY_ASSIGN(base::UniqueFd child_lifeline, above_standard(std::move(lifeline.first)));
    TRY_ASSIGN(init_, spawn_init(options.init_program, child_socket.get(), child_lifeline.get()));
    lifeline_ = std::move(lifeline.second);

    const int error = wire::send_packet(sockets.first.get(), wire::encode(spec_));
    if (error != 0) return base::from_errno(error, "sandbox: cannot send the plan");
    TRY(base::set_nonblocking(sockets.first.get()));
    socket_.assign(sockets.first.release());
    wait_for_message();
    return {};
  }

  ~InitDrivenSandbox() override {
    // Closing both ends the supervisor; the kernel then kills all that is left inside.
    boost::system::error_code ignored;
    socket_.close(ignored);
    lifeline_.reset();
    if (init_ > 0)
      while (::waitpid(init_, nullptr, 0) < 0 && errno == EINTR) {
      }
  }

  bool ready() const override { return ready_at_.has_value(); }
  std::chrono::steady_clock::time_point ready_at() const override {
    return ready_at_.value_or(std::chrono::steady_clock::time_point());
  }
  const std::optional<base::Error>& failure() const override { return failure_; }
  base::UniqueFd take_listener() override { return std::move(listener_); }

  std::shared_ptr<const Process> launch(const ProcessSpec& process, int standard_input,
                                        int standard_output, int standard_error) override {
    auto record = std::make_shared<Process>();
    wire::Launch message;
    message.id = ++last_id_;
    message.arguments = process.arguments;
    message.environment = process.environment;
    message.working_directory = process.working_directory;
    processes_[message.id] = record;
    const int error = wire::send_packet(socket_.native_handle(), wire::encode(message),
                                        {standard_input, standard_output, standard_error});
    if (error != 0) {
      record->failure = LaunchFailure{error, "send the launch request"};
      processes_.erase(message.id);
    } else {
      empty_ = false;
    }
    return record;
  }

  void signal(const std::shared_ptr<const Process>& process, int number) override {
    for (const auto& [id, known] : processes_)
      if (known == process) send_signal(id, number);
  }

  void kill_all() override {
    empty_ = false;
    send_signal(0, SIGKILL);
  }
  bool empty() const override { return empty_; }
  void measure() override {
    measured_kib_.reset();
    wire::send_packet(socket_.native_handle(), wire::encode(wire::Kind::measure));
  }
  std::optional<std::uint64_t> measured_kib() const override { return measured_kib_; }
  void freeze() override { send_signal(0, SIGSTOP); }
  void thaw() override { send_signal(0, SIGCONT); }

 private:
  void send_signal(std::uint32_t id, int number) {
    wire::SignalRequest request;
    request.id = id;
    request.number = number;
    // A failure means that the supervisor is gone, which its closed socket tells as well.
    wire::send_packet(socket_.native_handle(), wire::encode(request));
  }

  void wait_for_message() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error) return;
                         if (read_messages()) wait_for_message();
                         if (on_change_) on_change_();
                       });
  }

  /// False when no more will come.
  bool read_messages() {
    wire::Packet packet;
    for (;;) {
      switch (wire::receive_packet(socket_.native_handle(), packet)) {
        case wire::Received::packet:
          take(packet);
          break;
        case wire::Received::would_block:
          return true;
        case wire::Received::closed:
        case wire::Received::failed:
          supervisor_gone();
          return false;
      }
    }
  }

  void take(wire::Packet& packet) {
    wire::Ready ready;
    wire::Measured measured;
    wire::Launched launched;
    wire::LaunchFailed launch_failed;
    wire::Exited exited;
    wire::Failure failed;
    const auto kind = wire::kind_of(packet.bytes);
    if (wire::decode(packet.bytes, ready)) {
      ready_at_ = to_time(ready.at_ns);
      if (!packet.descriptors.empty()) listener_ = std::move(packet.descriptors.front());
    } else if (kind == wire::Kind::emptied) {
      empty_ = true;
    } else if (wire::decode(packet.bytes, failed)) {
      failure_ = to_error(failed, spec_);
    } else if (wire::decode(packet.bytes, launched)) {
      if (const auto found = processes_.find(launched.id); found != processes_.end())
        mark_launched(*found->second, launched);
    } else if (wire::decode(packet.bytes, measured)) {
      measured_kib_ = measured.peak_resident_kib;
    } else if (wire::decode(packet.bytes, launch_failed)) {
      if (const auto found = processes_.find(launch_failed.id); found != processes_.end()) {
        found->second->failure = LaunchFailure{launch_failed.error_number, launch_failed.step};
        processes_.erase(found);
      }
    } else if (wire::decode(packet.bytes, exited)) {
      if (const auto found = processes_.find(exited.id); found != processes_.end()) {
        found->second->exit = to_exit_status(exited);
        processes_.erase(found);
      }
    }
  }

  /// What it has not told can only be that the kernel killed it with everything inside.
  void supervisor_gone() {
    if (!failure_)
      failure_ = base::Error(ErrorKind::io_error, "sandbox: the supervisor ended unexpectedly.");
    ExitStatus killed;
    killed.signal = SIGKILL;
    for (const auto& [id, process] : processes_) process->exit = killed;
    processes_.clear();
    empty_ = true;
  }

  asio::posix::stream_descriptor socket_;
  SandboxSpec spec_;
  std::function<void()> on_change_;
  base::UniqueFd lifeline_;
  pid_t init_ = 0;
  std::map<std::uint32_t, std::shared_ptr<Process>> processes_;
  std::uint32_t last_id_ = 0;
  std::optional<std::chrono::steady_clock::time_point> ready_at_;
  std::optional<std::uint64_t> measured_kib_;
  bool empty_ = true;
  base::UniqueFd listener_;
  std::optional<base::Error> failure_;
};

}  // namespace

base::Result<std::unique_ptr<Sandbox>> Sandbox::create(asio::any_io_executor executor,
                                                       const SandboxSpec& spec, Options options) {
  auto sandbox = std::make_unique<InitDrivenSandbox>(executor, spec, std::move(options.on_change));
  TRY(sandbox->start(options));
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

}  // namespace sandbox
