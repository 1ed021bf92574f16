#include "sandbox/init/supervise.hpp"

#include "sandbox/wire.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <map>
#include <sstream>
#include <string>

namespace sandbox::init {
namespace {

/// What a child tells about a failed launch, through a pipe that a successful exec closes.
struct LaunchReport {
  int error_number = 0;
  enum Step : int { limits, ids, working_directory, execute } step = limits;
};

const char* step_name(LaunchReport::Step step) {
  switch (step) {
    case LaunchReport::limits:
      return "set resource limits";
    case LaunchReport::ids:
      return "become the process user";
    case LaunchReport::working_directory:
      return "enter the working directory";
    case LaunchReport::execute:
      return "fork/exec";
  }
  return "launch";
}

[[noreturn]] void give_up(int report_fd, LaunchReport::Step step) {
  const LaunchReport report{errno, step};
  // Nothing can be done about a failed report: lamina then sees exit status 127.
  [[maybe_unused]] const ssize_t written = ::write(report_fd, &report, sizeof report);
  ::_exit(127);
}

bool apply_limits(const std::vector<ResourceLimit>& limits) {
  for (const ResourceLimit& wanted : limits) {
    rlimit current{};
    if (::getrlimit(static_cast<__rlimit_resource>(wanted.resource), &current) != 0) return false;
    // Raising a hard limit needs a privilege that we may not have; then the host's is the limit.
    const rlimit next{std::min<rlim_t>(wanted.soft, current.rlim_max),
                      std::min<rlim_t>(wanted.hard, current.rlim_max)};
    if (::setrlimit(static_cast<__rlimit_resource>(wanted.resource), &next) != 0) return false;
  }
  return true;
}

bool become(const SandboxSpec& spec) {
  // With one mapped id the kernel forbids setgroups; the groups kept are not mapped inside.
  if (::setgroups(0, nullptr) != 0 && spec.ids.identity != Identity::single_id) return false;
  return ::setresgid(spec.process_gid, spec.process_gid, spec.process_gid) == 0 &&
         ::setresuid(spec.process_uid, spec.process_uid, spec.process_uid) == 0 &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// Returns only on failure. A name without a slash is looked for in the PATH that the process gets,
/// as a shell would.
void execute(const wire::Launch& launch, char* const* arguments, char* const* environment) {
  const std::string& name = launch.arguments.front();
  if (name.find('/') != std::string::npos) {
    ::execve(name.c_str(), arguments, environment);
    return;
  }
  constexpr std::string_view path_prefix = "PATH=";
  for (const std::string& variable : launch.environment) {
    if (!variable.starts_with(path_prefix)) continue;
    std::istringstream folders(variable.substr(path_prefix.size()));
    for (std::string folder; std::getline(folders, folder, ':');)
      ::execve((folder + "/" + name).c_str(), arguments, environment);
  }
}

[[noreturn]] void run_child(const wire::Launch& launch, const std::vector<base::UniqueFd>& stdio,
                            int report_pipe, const SandboxSpec& spec) {
  ::setsid();
  constexpr int report_fd = 3;
  for (int target = 0; target < report_fd; ++target) ::dup2(stdio[target].get(), target);
  if (report_pipe != report_fd) ::dup3(report_pipe, report_fd, O_CLOEXEC);
  ::close_range(report_fd + 1, ~0U, 0);

  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  if (!apply_limits(spec.limits)) give_up(report_fd, LaunchReport::limits);
  if (!become(spec)) give_up(report_fd, LaunchReport::ids);
  if (::chdir(launch.working_directory.c_str()) != 0)
    give_up(report_fd, LaunchReport::working_directory);
  const std::vector<char*> arguments = pointers(launch.arguments);
  const std::vector<char*> environment = pointers(launch.environment);
  execute(launch, arguments.data(), environment.data());
  give_up(report_fd, LaunchReport::execute);
}

std::uint64_t peak_resident_kib(int pid) {
  const auto status = base::read_file("/proc/" + std::to_string(pid) + "/status", 1 << 16);
  if (!status) return 0;  // it has just ended
  constexpr std::string_view field = "VmHWM:";
  const std::size_t at = status->find(field);
  return at == std::string::npos ? 0
                                 : std::strtoull(status->c_str() + at + field.size(), nullptr, 10);
}

class Supervisor {
 public:
  Supervisor(int control_socket, const SandboxSpec& spec) : socket_(control_socket), spec_(spec) {}

  [[noreturn]] void run() {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, nullptr);
    const base::UniqueFd children(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    pollfd waited[] = {{socket_, POLLIN, 0}, {children.get(), POLLIN, 0}};
    for (;;) {
      if (::poll(waited, 2, -1) < 0 && errno != EINTR) ::_exit(1);
      if (waited[1].revents != 0) {
        signalfd_siginfo ignored;
        while (::read(children.get(), &ignored, sizeof ignored) > 0) {
        }
        reap();
      }
      if (waited[0].revents != 0) handle_message();
    }
  }

 private:
  void handle_message() {
    wire::Packet packet;
    switch (wire::receive_packet(socket_, packet)) {
      case wire::Received::packet:
        break;
      case wire::Received::would_block:
        return;
      case wire::Received::closed:
      case wire::Received::failed:
        ::_exit(0);
    }
    wire::Launch launch;
    wire::SignalRequest request;
    if (wire::decode(packet.bytes, request))
      deliver(request);
    else if (wire::kind_of(packet.bytes) == wire::Kind::measure)
      measure();
    else if (wire::decode(packet.bytes, launch) && packet.descriptors.size() == 3)
      start(launch, packet.descriptors);
  }

  void start(const wire::Launch& launch, const std::vector<base::UniqueFd>& stdio) {
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) return refuse(launch.id, errno, "make a pipe");
    base::UniqueFd reading(report[0]);
    base::UniqueFd writing(report[1]);
    const std::int64_t started = monotonic_ns();
    const pid_t child = ::fork();
    if (child < 0) return refuse(launch.id, errno, "fork");
    if (child == 0) run_child(launch, stdio, writing.get(), spec_);
    writing.reset();
    LaunchReport failure;
    ssize_t count = 0;
    do {
      count = ::read(reading.get(), &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    if (count == sizeof failure) {
      ::waitpid(child, nullptr, 0);
      return refuse(launch.id, failure.error_number, step_name(failure.step));
    }
    launched_[child] = launch.id;
    wire::send_packet(socket_, wire::encode(wire::Launched{launch.id, started}));
  }

  /// For hosts without a memory cgroup.
  void measure() {
    wire::Measured measured;
    if (DIR* proc = ::opendir("/proc")) {
      while (const dirent* entry = ::readdir(proc))
        if (const int pid = std::atoi(entry->d_name); pid > 1)
          measured.peak_resident_kib += peak_resident_kib(pid);
      ::closedir(proc);
    }
    wire::send_packet(socket_, wire::encode(measured));
  }

  void refuse(std::uint32_t id, int error_number, const char* step) {
    wire::LaunchFailed failed;
    failed.id = id;
    failed.error_number = error_number;
    failed.step = step;
    wire::send_packet(socket_, wire::encode(failed));
  }

  void deliver(const wire::SignalRequest& request) {
    if (request.id == 0) {
      // Everything in this PID namespace but ourselves, also what has left its process group.
      ::kill(-1, request.number);
      if (request.number == SIGKILL) {
        announce_empty_ = true;
        reap();
      }
      return;
    }
    for (const auto& [pid, id] : launched_)
      if (id == request.id) ::kill(-pid, request.number);
  }

  void reap() {
    for (;;) {
      int status = 0;
      rusage usage{};
      const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0 && announce_empty_) {
        announce_empty_ = false;
        wire::send_packet(socket_, wire::encode(wire::Kind::emptied));
      }
      if (pid <= 0) return;
      const auto found = launched_.find(pid);
      if (found == launched_.end()) continue;  // an orphan that a launched process left behind
      wire::Exited exited;
      exited.id = found->second;
      exited.wait_status = status;
      exited.max_resident_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
      launched_.erase(found);
      wire::send_packet(socket_, wire::encode(exited));
    }
  }

  int socket_;
  const SandboxSpec& spec_;
  std::map<pid_t, std::uint32_t> launched_;
  bool announce_empty_ = false;
};

}  // namespace

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void supervise(int control_socket, const SandboxSpec& spec) {
  Supervisor(control_socket, spec).run();
}

}  // namespace sandbox::init
