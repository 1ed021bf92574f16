#include "sandbox/cgroup.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

using sandbox::Cgroup;

namespace {

// The host that a case describes; the probe takes plain function pointers.
std::set<std::string> writable_directories;
std::map<std::string, std::string> control_files;

bool can_write(const std::string& directory) {
  return writable_directories.contains(directory);
}
std::string read_text(const std::string& path) {
  const auto found = control_files.find(path);
  return found == control_files.end() ? std::string() : found->second;
}

Cgroup::Host probe(const std::string& mounts, const std::string& own) {
  return Cgroup::probe(mounts, own, can_write, read_text);
}

constexpr const char* v1_mounts =
    "31 24 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
    "33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr const char* v2_mounts =
    "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";

}  // namespace

TEST_CASE("v1: a child is made below our own cgroup when that is writable") {
  writable_directories = {"/sys/fs/cgroup/memory/ours", "/sys/fs/cgroup/memory"};
  control_files.clear();
  const auto host = probe(v1_mounts, "4:memory:/ours\n2:cpu,cpuacct:/\n0::/\n");
  CHECK(host.memory.parent == "/sys/fs/cgroup/memory/ours");
  CHECK_FALSE(host.memory.v2);
}

TEST_CASE("v1: else below the hierarchy's root, else with the reason") {
  writable_directories = {"/sys/fs/cgroup/memory"};
  const auto host = probe(v1_mounts, "4:memory:/somebody/else\n");
  CHECK(host.memory.parent == "/sys/fs/cgroup/memory");
  CHECK(host.cpu.parent.empty());
  CHECK(host.cpu.reason.find("not writable") != std::string::npos);
}

TEST_CASE("v1: a hierarchy mounted from a cgroup of its own (a container) maps paths") {
  writable_directories = {"/sys/fs/cgroup/memory/inner"};
  const auto host =
      probe("32 31 0:28 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            "4:memory:/docker/abc/inner\n");
  CHECK(host.memory.parent == "/sys/fs/cgroup/memory/inner");
}

TEST_CASE("v2: a parent must pass the controller on") {
  writable_directories = {"/sys/fs/cgroup/user/app", "/sys/fs/cgroup/user"};
  control_files = {{"/sys/fs/cgroup/user/cgroup.subtree_control", "cpu memory pids\n"},
                   {"/sys/fs/cgroup/user/app/cgroup.subtree_control", "\n"}};
  const auto host = probe(v2_mounts, "0::/user/app\n");
  CHECK(host.memory.parent == "/sys/fs/cgroup/user");
  CHECK(host.memory.v2);
  CHECK(host.pids.parent == "/sys/fs/cgroup/user");
}

TEST_CASE("v2: an ordinary login session gets a reason with the way out") {
  writable_directories = {};
  control_files = {{"/sys/fs/cgroup/cgroup.subtree_control", "cpu memory pids\n"}};
  const auto host = probe(v2_mounts, "0::/user.slice/session-1.scope\n");
  CHECK(host.memory.parent.empty());
  CHECK(host.memory.reason.find("Delegate=yes") != std::string::npos);
}

TEST_CASE("a host without cgroups says so") {
  const auto host = probe("22 1 8:1 / / rw - ext4 /dev/sda rw\n", "");
  CHECK(host.memory.parent.empty());
  CHECK(host.memory.reason.find("no cgroup file system") != std::string::npos);
}

TEST_CASE("garbage in place of the kernel's texts gives no cgroup and no crash") {
  for (const char* text : {"", "\n\n", "a b c", "1 2 3 / -", ":::::\n", "- cgroup x memory\n"}) {
    const auto host = probe(text, text);
    CHECK(host.memory.parent.empty());
  }
}
