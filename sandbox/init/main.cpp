// lamina-sandbox-init: enters fresh namespaces, builds the root that a function sees and stays as
// its PID 1. Started by lamina with a SOCK_SEQPACKET socket on descriptor 3 and a pipe on 4 whose
// other end closes when lamina ends, however it ends. Two processes: the outer one stays in the
// host's namespaces, maps ids, and removes the cgroups when all is over; the inner one is PID 1.

#include "sandbox/init/die.hpp"
#include "sandbox/init/setup_steps.hpp"
#include "sandbox/init/supervise.hpp"
#include "sandbox/wire.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace sandbox::init {
namespace {

constexpr int control_socket = 3;
constexpr int lifeline = 4;

struct Clone {
  pid_t pid = 0;
  base::UniqueFd pidfd;
};

Clone clone_into_namespaces(const SandboxSpec& spec) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD;
  if (spec.ids.identity != Identity::root) arguments.flags |= CLONE_NEWUSER;
  if (spec.network == Network::none) arguments.flags |= CLONE_NEWNET;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) die("create namespaces");
  return {static_cast<pid_t>(pid), base::UniqueFd(pidfd)};
}

[[noreturn]] void run_inside(const SandboxSpec& spec, std::vector<base::UniqueFd> cgroup_tasks,
                             const base::UniqueFd& go) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // The byte says that the ids are mapped, and that the outer process still lived when the line
  // above took effect.
  char byte = 0;
  if (::read(go.get(), &byte, 1) != 1) ::_exit(1);
  ::close(lifeline);

  enter_cgroups(cgroup_tasks);
  cgroup_tasks.clear();
  name_host(spec.hostname);
  base::UniqueFd listener;
  if (spec.network == Network::none) {
    raise_loopback(spec.listen_address);
    listener = listen_on(spec.listen_address, spec.listen_port);
  }
  build_root(spec.steps, spec.ids.identity);
  drop_capabilities();

  std::vector<int> passed;
  if (listener) passed.push_back(listener.get());
  wire::send_packet(control_socket, wire::encode(wire::Ready{monotonic_ns()}), passed);
  listener.reset();
  supervise(control_socket, spec);
}

[[noreturn]] void watch_from_outside(const Clone& inner, const SandboxSpec& spec) {
  pollfd waited[] = {{lifeline, 0, 0}, {inner.pidfd.get(), POLLIN, 0}};
  while (::poll(waited, 2, -1) < 0 && errno == EINTR) {
  }
  if (waited[1].revents == 0) ::kill(inner.pid, SIGKILL);
  int status = 0;
  while (::waitpid(inner.pid, &status, 0) < 0 && errno == EINTR) {
  }
  remove_cgroups(spec.cgroups);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

[[noreturn]] void run() {
  // Ctrl-C in the terminal is lamina's to handle; it then ends us in order.
  ::setsid();
  ::fcntl(control_socket, F_SETFD, FD_CLOEXEC);
  ::fcntl(lifeline, F_SETFD, FD_CLOEXEC);
  wire::Packet packet;
  SandboxSpec spec;
  if (wire::receive_packet(control_socket, packet) != wire::Received::packet ||
      !wire::decode(packet.bytes, spec)) {
    std::fputs("lamina-sandbox-init is started by lamina, not by hand.\n", stderr);
    ::_exit(2);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) die("make a pipe");
  base::UniqueFd go(ends[0]);
  base::UniqueFd give_go(ends[1]);

  std::vector<base::UniqueFd> cgroup_tasks = make_cgroups(spec.cgroups);
  const Clone inner = clone_into_namespaces(spec);
  if (inner.pid == 0) {
    give_go.reset();
    run_inside(spec, std::move(cgroup_tasks), go);
  }
  go.reset();
  cgroup_tasks.clear();
  write_id_maps(inner.pid, spec.ids, spec);
  if (::write(give_go.get(), "", 1) != 1) die("start PID 1");
  give_go.reset();
  ::close(control_socket);
  watch_from_outside(inner, spec);
}

}  // namespace

void die(const std::string& step) {
  wire::Failure failure;
  failure.step = step;
  failure.error_number = errno;
  wire::send_packet(control_socket, wire::encode(failure));
  ::_exit(1);
}

}  // namespace sandbox::init

int main() {
  sandbox::init::run();
}
