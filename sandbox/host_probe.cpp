#include "sandbox/host_probe.hpp"

#include "base/unique_fd.hpp"
#include "sandbox/cgroup.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>

namespace sandbox {
namespace {

/// Runs `attempt` in a child process of its own and gives its errno (0: it worked).
int try_in_child(const std::function<int()>& attempt) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(attempt() & 0xff);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

bool write_text(const char* path, const std::string& text) {
  const base::UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// 0 or errno. As an ordinary user: with a user namespace in which our id is root.
int enter_namespaces(int kinds) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(kinds | (uid == 0 ? 0 : CLONE_NEWUSER)) != 0) return errno;
  if (uid == 0) return 0;
  if (!write_text("/proc/self/setgroups", "deny") ||
      !write_text("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1") ||
      !write_text("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1"))
    return errno;
  return 0;
}

int try_overlay() {
  if (const int error = enter_namespaces(CLONE_NEWNS)) return error;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  if (::mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) != 0) return errno;
  for (const char* directory : {"/tmp/a", "/tmp/b", "/tmp/m"})
    if (::mkdir(directory, 0755) != 0) return errno;
  const char* options =
      ::geteuid() == 0 ? "lowerdir=/tmp/a:/tmp/b" : "lowerdir=/tmp/a:/tmp/b,userxattr";
  return ::mount("overlay", "/tmp/m", "overlay", MS_RDONLY, options) == 0 ? 0 : errno;
}

int try_proc() {
  if (const int error = enter_namespaces(CLONE_NEWNS | CLONE_NEWPID)) return error;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  return try_in_child([] {
    return ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 ? 0
                                                                                            : errno;
  });
}

std::string login_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

std::string subordinate_text(const char* path) {
  auto text = base::read_file(path, 1 << 20);
  return text ? std::move(*text) : std::string();
}

bool kernel_at_least(int major, int minor) {
  utsname name{};
  int have_major = 0;
  int have_minor = 0;
  return ::uname(&name) == 0 && std::sscanf(name.release, "%d.%d", &have_major, &have_minor) == 2 &&
         (have_major > major || (have_major == major && have_minor >= minor));
}

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "unknown";
}

Capability tried(std::string name, bool required, int error, std::string detail,
                 std::string remedy) {
  Capability capability;
  capability.name = std::move(name);
  capability.required = required;
  capability.available = error == 0;
  capability.detail = error == 0 ? std::move(detail) : std::strerror(error);
  if (error != 0) capability.remedy = std::move(remedy);
  return capability;
}

Capability from_hierarchy(std::string name, const Cgroup::Hierarchy& hierarchy,
                          std::string remedy) {
  Capability capability;
  capability.name = std::move(name);
  capability.available = !hierarchy.parent.empty();
  capability.detail =
      capability.available
          ? std::string(hierarchy.v2 ? "cgroup v2 at " : "cgroup v1 at ") + hierarchy.parent
          : hierarchy.reason;
  if (!capability.available) capability.remedy = std::move(remedy);
  return capability;
}

/// /bin, /lib and so on are links on most hosts and folders on some.
void add_system_folder(std::vector<MountStep>& steps, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    steps.push_back(bind_read_only(path, path));
    return;
  }
  char target[4096];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length > 0)
    steps.push_back(make_link(path, std::string(target, static_cast<std::size_t>(length))));
}

}  // namespace

std::optional<std::uint32_t> first_subordinate_id(const std::string& text, const std::string& user,
                                                  std::uint32_t id) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string who, first, count;
    if (!std::getline(fields, who, ':') || !std::getline(fields, first, ':') ||
        !std::getline(fields, count))
      continue;
    if (who != user && who != std::to_string(id)) continue;
    const unsigned long start = std::strtoul(first.c_str(), nullptr, 10);
    if (start != 0 && start < UINT32_MAX && std::strtoul(count.c_str(), nullptr, 10) > 0)
      return static_cast<std::uint32_t>(start);
  }
  return std::nullopt;
}

IdMap identity_of_this_user() {
  IdMap ids;
  ids.outer_uid = ::geteuid();
  ids.outer_gid = ::getegid();
  if (ids.outer_uid == 0) {
    ids.identity = Identity::root;
    return ids;
  }
  if (!in_path("newuidmap") || !in_path("newgidmap")) return ids;
  const std::string user = login_name();
  const auto uid = first_subordinate_id(subordinate_text("/etc/subuid"), user, ids.outer_uid);
  const auto gid = first_subordinate_id(subordinate_text("/etc/subgid"), user, ids.outer_uid);
  if (uid && gid) {
    ids.identity = Identity::two_ids;
    ids.subordinate_uid = *uid;
    ids.subordinate_gid = *gid;
  }
  return ids;
}

std::vector<Capability> probe_host(const std::string& init_program) {
  const bool root = ::geteuid() == 0;
  std::vector<Capability> all;
  all.push_back(tried("kernel", true, kernel_at_least(5, 12) ? 0 : ENOSYS, kernel_release(),
                      "Lamina needs Linux 5.12 or later (mount_setattr)."));
  all.push_back(
      tried("lamina-sandbox-init", true, ::access(init_program.c_str(), X_OK) == 0 ? 0 : errno,
            init_program,
            "Keep lamina-sandbox-init beside lamina, as the build and the installation do."));
  const std::string namespace_remedy =
      root ? "Root lacks CAP_SYS_ADMIN here: in a container, start it with --privileged or "
             "--cap-add SYS_ADMIN."
           : "Allow them (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu 23.10 and later "
             "kernel.apparmor_restrict_unprivileged_userns=0), or run as root.";
  all.push_back(
      tried(root ? "namespaces" : "user namespaces", true, try_in_child([] {
              return enter_namespaces(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS);
            }),
            root ? "as root, without a user namespace" : "as an ordinary user", namespace_remedy));
  all.push_back(
      tried("proc", true, try_in_child(try_proc), "can be mounted in a PID namespace",
            "A container that masks parts of /proc forbids it: start it with --security-opt "
            "systempaths=unconfined or --privileged."));
  all.push_back(
      tried("overlay", false, try_in_child(try_overlay), "layers are stacked by overlayfs",
            "Layers are merged by hard links instead (--opt-mode copy); the result is the same."));
  all.push_back(tried("private network", false,
                      try_in_child([] { return enter_namespaces(CLONE_NEWNET); }),
                      "--network none works", "--network none will not work."));

  Capability ids;
  ids.name = "function user";
  const IdMap map = identity_of_this_user();
  ids.available = map.identity != Identity::single_id;
  ids.detail = map.identity == Identity::root      ? "a user of its own"
               : map.identity == Identity::two_ids ? "a subordinate id of " + login_name()
                                                   : "only your own id can be mapped";
  if (!ids.available)
    ids.remedy =
        "Files of yours with modes such as 0600 stay readable for the function, unlike on "
        "AWS. Install the package uidmap and give " +
        login_name() + " a range in /etc/subuid and /etc/subgid, or run as root.";
  all.push_back(ids);

  const Cgroup::Host cgroups = Cgroup::probe();
  const std::string delegate =
      " Run as root, or under \"systemd-run --user --scope -p Delegate=yes\".";
  all.push_back(
      from_hierarchy("memory limit", cgroups.memory,
                     "The memory size is not enforced, and Max Memory Used is the runtime's "
                     "own peak." +
                         delegate));
  all.push_back(
      from_hierarchy("processor share", cgroups.cpu,
                     "Functions get whole processors whatever their memory size." + delegate));
  all.push_back(from_hierarchy("process limit", cgroups.pids,
                               "Only the rlimit bounds processes and threads." + delegate));
  return all;
}

std::vector<MountStep> system_steps() {
  std::vector<MountStep> steps;
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"})
    add_system_folder(steps, path);
  // Dynamic linking, links of /usr that go through /etc, certificates.
  for (const char* path : {"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
                           "/etc/alternatives", "/etc/ssl", "/etc/ca-certificates", "/etc/pki"})
    if (::access(path, F_OK) == 0) steps.push_back(if_present(bind_read_only(path, path)));
  steps.push_back(mount_proc("/proc"));
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
    steps.push_back(bind_device(path));
  steps.push_back(make_link("/dev/fd", "/proc/self/fd"));
  steps.push_back(make_link("/dev/stdin", "/proc/self/fd/0"));
  steps.push_back(make_link("/dev/stdout", "/proc/self/fd/1"));
  steps.push_back(make_link("/dev/stderr", "/proc/self/fd/2"));
  return steps;
}

}  // namespace sandbox
