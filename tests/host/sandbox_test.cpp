// The sandbox with real namespaces. Runs as root and, through a second ctest entry, as an ordinary
// user; every case holds for both.

#include "sandbox/sandbox.hpp"

#include "base/unique_fd.hpp"
#include "sandbox/host_probe.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

using namespace sandbox;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// A folder of its own for a case, gone afterwards.
class TestSpace {
 public:
  TestSpace() {
    std::string pattern = fs::temp_directory_path() / "lamina-host-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    fs::permissions(path_, fs::perms(0755));
  }
  ~TestSpace() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  fs::path file(const std::string& name, const std::string& content, unsigned mode = 0644) {
    const fs::path whole = path_ / name;
    fs::create_directories(whole.parent_path());
    std::ofstream(whole) << content;
    fs::permissions(whole, fs::perms(mode));
    return whole;
  }

 private:
  fs::path path_;
};

SandboxSpec base_spec() {
  SandboxSpec spec;
  spec.steps = system_steps();
  spec.steps.push_back(mount_tmpfs("/tmp", 4 << 20, 01777));
  spec.hostname = "sandbox";
  spec.ids = identity_of_this_user();
  spec.process_uid = 993;
  spec.process_gid = 990;
  spec.limits = {{RLIMIT_NOFILE, 1024, 1024}};
  return spec;
}

struct Ran {
  std::shared_ptr<const Process> process;
  std::string output;
};

class Box {
 public:
  explicit Box(const SandboxSpec& spec) {
    Sandbox::Options options;
    options.init_program = LAMINA_SANDBOX_INIT;
    auto made = Sandbox::create(context_.get_executor(), spec, std::move(options));
    if (!made) FAIL(made.error().message);
    sandbox_ = std::move(*made);
    wait([this] { return sandbox_->ready() || sandbox_->failure(); });
  }

  bool wait(const std::function<bool()>& condition, std::chrono::milliseconds limit = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    bool holds = condition();
    for (; !holds && std::chrono::steady_clock::now() < deadline; holds = condition()) {
      context_.restart();
      context_.run_one_for(20ms);
    }
    return holds;
  }

  std::shared_ptr<const Process> start(const std::vector<std::string>& arguments, int output) {
    auto nothing = base::open_read_only("/dev/null");
    ProcessSpec process;
    process.arguments = arguments;
    process.environment = {"PATH=/usr/bin:/bin", "NAME=value"};
    return sandbox_->launch(process, nothing->get(), output, output);
  }

  /// Runs a shell script to its end.
  Ran sh(const std::string& script) {
    auto pipe = base::make_pipe();
    Ran ran;
    ran.process = start({"/bin/sh", "-c", script}, pipe->second.get());
    pipe->second.reset();
    REQUIRE(wait([&] { return ran.process->ended(); }));
    base::set_nonblocking(pipe->first.get()).value();
    char buffer[65536];
    for (ssize_t count; (count = ::read(pipe->first.get(), buffer, sizeof buffer)) > 0;)
      ran.output.append(buffer, static_cast<std::size_t>(count));
    return ran;
  }

  Sandbox& operator*() { return *sandbox_; }
  Sandbox* operator->() { return sandbox_.get(); }
  void destroy() { sandbox_.reset(); }

 private:
  boost::asio::io_context context_;
  std::unique_ptr<Sandbox> sandbox_;
};

}  // namespace

TEST_CASE("the plan's file system is what a process sees") {
  TestSpace space;
  space.file("code/app.py", "print()");
  SandboxSpec spec = base_spec();
  spec.steps.push_back(bind_read_only(space.path() / "code", "/var/task"));
  spec.steps.push_back(write_file("/etc/passwd", "sbx_user1051:x:993:990::/:/bin/sh\n"));
  Box box(spec);
  REQUIRE(box->ready());

  CHECK(box.sh("cat /var/task/app.py").output == "print()");
  CHECK(box.sh("id -u; id -g; id -un").output == "993\n990\nsbx_user1051\n");
  CHECK(box.sh("hostname").output == "sandbox\n");
  CHECK(box.sh("echo $NAME").output == "value\n");
  CHECK(box.sh("ls /home /root 2>&1 | wc -l").output == "2\n");
  CHECK(box.sh("ls -d /dev/shm 2>/dev/null").output.empty());
  CHECK(box.sh("echo x > /dev/null && head -c 3 /dev/zero | wc -c").output == "3\n");
}

TEST_CASE("only /tmp can be written, and only as much as it holds") {
  TestSpace space;
  SandboxSpec spec = base_spec();
  spec.steps.push_back(bind_read_only(space.path(), "/var/task"));
  spec.steps.push_back(cover_directory("/covered"));
  Box box(spec);
  CHECK(box.sh("for d in / /usr /var /var/task /etc /dev /covered; do touch $d/x 2>/dev/null && "
               "echo $d; done; true")
            .output.empty());
  CHECK(box.sh("echo kept > /tmp/x && cat /tmp/x").output == "kept\n");
  CHECK(box.sh("head -c 8000000 /dev/zero > /tmp/big; echo $?").output.find("No space left") !=
        std::string::npos);
  CHECK(box.sh("stat -c %a /tmp").output == "1777\n");
}

TEST_CASE("layers are stacked in order, the last one on top, read-only") {
  TestSpace space;
  space.file("one/same", "1");
  space.file("one/a/only-one", "1");
  space.file("two/same", "2");
  space.file("two/a/only-two", "2");
  SandboxSpec spec = base_spec();
  spec.steps.push_back(mount_overlay({space.path() / "one", space.path() / "two"}, "/opt"));
  Box box(spec);
  REQUIRE_MESSAGE(box->ready(), box->failure().value_or(base::Error()).message);
  CHECK(box.sh("cat /opt/same; ls /opt/a | tr '\\n' ' '").output == "2only-one only-two ");
  CHECK(box.sh("touch /opt/x 2>&1").output.find("Read-only") != std::string::npos);
}

TEST_CASE("a path with every awkward character can be a layer and the code") {
  TestSpace space;
  const std::string odd = "a:b,c=d\\e \"f\"\n";
  space.file(odd + "/one/x", "odd");
  space.file("two/y", "two");
  SandboxSpec spec = base_spec();
  spec.steps.push_back(mount_overlay({space.path() / odd / "one", space.path() / "two"}, "/opt"));
  spec.steps.push_back(bind_read_only(space.path() / odd, "/var/task"));
  Box box(spec);
  REQUIRE(box->ready());
  CHECK(box.sh("cat /opt/x /var/task/one/x").output == "oddodd");
}

TEST_CASE("a process finds descriptors 0, 1 and 2 and nothing else") {
  const base::UniqueFd inheritable(::open("/dev/null", O_RDONLY));
  Box box(base_spec());
  CHECK(box.sh("ls /proc/self/fd | tr '\\n' ' '").output == "0 1 2 3 ");  // 3 is ls's own
}

TEST_CASE("a process sees only its own PID namespace") {
  Box box(base_spec());
  CHECK(box.sh("ls /proc | grep -c '^[0-9]'").output.size() <= 3);
  // The kernel protects the first process of a namespace from its own.
  box.sh("kill -KILL 1; kill -STOP 1; kill -TERM 1");
  CHECK(box.sh("echo alive").output == "alive\n");
}

TEST_CASE("exit code, signal and a failed start are told apart") {
  Box box(base_spec());
  CHECK(box.sh("exit 7").process->exit->exit_code == 7);
  CHECK(box.sh("kill -SEGV $$").process->exit->signal == SIGSEGV);
  const base::UniqueFd sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto missing = box.start({"/nowhere"}, sink.get());
  REQUIRE(box.wait([&] { return missing->ended(); }));
  REQUIRE(missing->failure);
  CHECK(missing->failure->error_number == ENOENT);
  CHECK(missing->failure->step == "fork/exec");
}

TEST_CASE("kill_all ends what has left its session, and the sandbox can be used again") {
  Box box(base_spec());
  const auto ran =
      box.sh("setsid sh -c 'trap \"\" TERM; exec sleep 1000' & setsid sleep 1000 & echo started");
  CHECK(ran.output == "started\n");
  box->kill_all();
  CHECK(box.wait([&] { return box->empty(); }));
  CHECK(box.sh("ls /proc | grep -c '^[0-9]'").process->exit->exit_code == 0);
  CHECK(box.sh("pgrep sleep; true").output.empty());
}

TEST_CASE("/tmp outlives the processes") {
  Box box(base_spec());
  box.sh("echo there > /tmp/kept");
  box->kill_all();
  box.wait([&] { return box->empty(); });
  CHECK(box.sh("cat /tmp/kept").output == "there\n");
}

TEST_CASE("a frozen process makes no progress until it is thawed") {
  Box box(base_spec());
  auto pipe = base::make_pipe();
  const auto counter =
      box.start({"/bin/sh", "-c", "while :; do echo x; sleep 0.01; done"}, pipe->second.get());
  base::set_nonblocking(pipe->first.get()).value();
  const auto drain = [&] {
    char buffer[65536];
    ssize_t all = 0;
    for (ssize_t count; (count = ::read(pipe->first.get(), buffer, sizeof buffer)) > 0;)
      all += count;
    return all;
  };
  REQUIRE(box.wait([&] { return drain() > 0; }));
  box->freeze();
  // The message has a process to wake; what it wrote before is not counted.
  box.wait([] { return false; }, 100ms);
  drain();
  box.wait([] { return false; }, 200ms);
  CHECK(drain() == 0);
  box->thaw();
  CHECK(box.wait([&] { return drain() > 0; }));
}

TEST_CASE("a private network has loopback, the address asked for and nothing else") {
  SandboxSpec spec = base_spec();
  spec.network = Network::none;
  spec.listen_address = "169.254.100.1";
  spec.listen_port = 9001;
  Box box(spec);
  REQUIRE_MESSAGE(box->ready(), box->failure().value_or(base::Error()).message);
  const base::UniqueFd listener = box->take_listener();
  CHECK(listener);
  CHECK_FALSE(box->take_listener());
  CHECK(box.sh("cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '").output == "lo\n");
  CHECK(box.sh("cat /proc/net/tcp | grep -c 0164FEA9:2329").output == "1\n");  // 169.254.100.1:9001
}

TEST_CASE("resource limits are set") {
  Box box(base_spec());
  CHECK(box.sh("ulimit -n; ulimit -Hn").output == "1024\n1024\n");
}

TEST_CASE("a plan that cannot be carried out says which step and why") {
  SandboxSpec spec = base_spec();
  spec.steps.push_back(bind_read_only("/does/not/exist", "/var/task"));
  Box box(spec);
  CHECK_FALSE(box->ready());
  REQUIRE(box->failure());
  CHECK(box->failure()->message.find("bind /does/not/exist on /var/task: No such file") !=
        std::string::npos);
}

TEST_CASE("peak memory is measured without a cgroup") {
  Box box(base_spec());
  auto pipe = base::make_pipe();
  const auto sleeper = box.start({"/bin/sh", "-c", "echo up; sleep 100; true"}, pipe->second.get());
  // A process has its memory only some time after its start; a line of its own tells. The shell
  // stays, since a program that takes its place begins with nothing.
  char line[3];
  REQUIRE(::read(pipe->first.get(), line, sizeof line) == sizeof line);
  box->measure();
  REQUIRE(box.wait([&] { return box->measured_kib().has_value(); }));
  CHECK(*box->measured_kib() > 100);
}

TEST_CASE("mounts, processes and descriptors are gone with the sandbox") {
  const auto count = [](const char* folder) {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  };
  const auto mounts = [] {
    std::ifstream file("/proc/self/mountinfo");
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  {
    Box warm_up(base_spec());
  }
  const auto descriptors = count("/proc/self/fd");
  const std::string before = mounts();
  for (int i = 0; i < 5; ++i) {
    Box box(base_spec());
    box.sh("setsid sleep 1000 &");
  }
  CHECK(count("/proc/self/fd") == descriptors);
  CHECK(mounts() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child is left, not even a zombie
}
