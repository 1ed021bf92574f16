#include "sandbox/init/setup_steps.hpp"

#include "sandbox/init/die.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace sandbox::init {
namespace {

// The new root is put together here, in our own mount namespace. Whatever the host has below it is
// reached through descriptors that were opened before.
constexpr const char* staging = "/tmp";

void write_text(const std::string& path, const std::string& text, const std::string& step) {
  const base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) die(step);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) die(step);
}

/// newuidmap and newgidmap are setuid: they may map what /etc/subuid grants.
void run_map_program(const char* program, int pid, std::uint32_t inside_own,
                     std::uint32_t outside_own, std::uint32_t inside_other,
                     std::uint32_t outside_other) {
  const std::string arguments[] = {program,
                                   std::to_string(pid),
                                   std::to_string(inside_own),
                                   std::to_string(outside_own),
                                   "1",
                                   std::to_string(inside_other),
                                   std::to_string(outside_other),
                                   "1"};
  const pid_t child = ::fork();
  if (child < 0) die(std::string("start ") + program);
  if (child == 0) {
    char* argv[std::size(arguments) + 1] = {};
    for (std::size_t i = 0; i < std::size(arguments); ++i)
      argv[i] = const_cast<char*>(arguments[i].c_str());
    ::execvp(program, argv);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    errno = EPERM;
    die(std::string("map ids with ") + program);
  }
}

void make_parents(const std::string& relative) {
  for (std::size_t slash = relative.find('/'); slash != std::string::npos;
       slash = relative.find('/', slash + 1)) {
    if (::mkdir(relative.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST)
      die("make the folder " + relative.substr(0, slash));
  }
}

void make_mount_point(const std::string& relative, bool is_directory) {
  make_parents(relative);
  if (is_directory) {
    if (::mkdir(relative.c_str(), 0755) != 0 && errno != EEXIST)
      die("make the folder /" + relative);
    return;
  }
  const base::UniqueFd file(::open(relative.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0644));
  // What exists already is good enough for a mount point.
  if (!file && errno != EEXIST && errno != EROFS) die("make the file /" + relative);
}

void set_attributes(int mount, std::uint64_t attributes, unsigned flags, const std::string& step) {
  mount_attr wanted{};
  wanted.attr_set = attributes;
  if (::mount_setattr(mount, "", AT_EMPTY_PATH | flags, &wanted, sizeof wanted) != 0) die(step);
}

struct OpenedSources {
  base::UniqueFd tree;
  std::vector<base::UniqueFd> lowers;
};

/// Taken before the staging folder is covered: a source may lie below it.
OpenedSources open_sources(const MountStep& step) {
  OpenedSources sources;
  if (step.kind == StepKind::bind) {
    sources.tree.reset(::open_tree(AT_FDCWD, step.source.c_str(),
                                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!sources.tree && !(step.optional && (errno == ENOENT || errno == ENOTDIR)))
      die("bind " + step.source + " on " + step.target);
  }
  for (const std::string& lower : step.lowers) {
    sources.lowers.emplace_back(::open(lower.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!sources.lowers.back()) die("open the layer tree " + lower);
  }
  return sources;
}

void bind(const MountStep& step, const OpenedSources& sources, const std::string& relative) {
  if (!sources.tree) return;
  const std::string what = "bind " + step.source + " on " + step.target;
  struct stat status{};
  if (::fstat(sources.tree.get(), &status) != 0) die(what);
  std::uint64_t attributes = MOUNT_ATTR_NOSUID;
  if (step.read_only) attributes |= MOUNT_ATTR_RDONLY;
  if (!step.devices) attributes |= MOUNT_ATTR_NODEV;
  set_attributes(sources.tree.get(), attributes, AT_RECURSIVE, what);
  make_mount_point(relative, S_ISDIR(status.st_mode));
  if (::move_mount(sources.tree.get(), "", AT_FDCWD, relative.c_str(), MOVE_MOUNT_F_EMPTY_PATH) !=
      0)
    die(what);
}

void overlay(const MountStep& step, const OpenedSources& sources, const std::string& relative,
             Identity identity) {
  make_mount_point(relative, true);
  // Descriptors instead of paths: no character needs an escape, and five long paths stay within the
  // one page that mount(2) takes. overlayfs names the top layer first.
  std::string options = "lowerdir=";
  for (auto lower = sources.lowers.rbegin(); lower != sources.lowers.rend(); ++lower) {
    if (lower != sources.lowers.rbegin()) options += ':';
    options += "/proc/self/fd/" + std::to_string(lower->get());
  }
  if (identity != Identity::root) options += ",userxattr";
  if (::mount("overlay", relative.c_str(), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV,
              options.c_str()) != 0)
    die("mount overlay on " + step.target);
}

void write_new_file(const MountStep& step, const std::string& relative) {
  make_parents(relative);
  const base::UniqueFd file(
      ::open(relative.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, step.mode));
  if (!file || ::write(file.get(), step.source.data(), step.source.size()) !=
                   static_cast<ssize_t>(step.source.size()))
    die("write " + step.target);
}

void memory_file_system(const MountStep& step, const std::string& relative) {
  make_mount_point(relative, true);
  char mode[16];
  std::snprintf(mode, sizeof mode, "%o", step.mode);
  const std::string options = "size=" + std::to_string(step.size) + ",mode=" + mode;
  if (::mount("tmpfs", relative.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    die("mount tmpfs on " + step.target);
}

void carry_out(const MountStep& step, const OpenedSources& sources, Identity identity) {
  const std::string relative = step.target.substr(1);
  switch (step.kind) {
    case StepKind::directory:
      make_parents(relative);
      if (::mkdir(relative.c_str(), step.mode) != 0 && errno != EEXIST)
        die("make the folder " + step.target);
      break;
    case StepKind::file:
      write_new_file(step, relative);
      break;
    case StepKind::link:
      make_parents(relative);
      if (::symlink(step.source.c_str(), relative.c_str()) != 0) die("link " + step.target);
      break;
    case StepKind::bind:
      bind(step, sources, relative);
      break;
    case StepKind::overlay:
      overlay(step, sources, relative, identity);
      break;
    case StepKind::tmpfs:
      memory_file_system(step, relative);
      break;
    case StepKind::proc:
      make_mount_point(relative, true);
      if (::mount("proc", relative.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
        die("mount proc on " + step.target);
      break;
  }
}

}  // namespace

void write_id_maps(int pid, const IdMap& ids, const SandboxSpec& spec) {
  if (ids.identity == Identity::root) return;
  if (ids.identity == Identity::two_ids) {
    run_map_program("newuidmap", pid, 0, ids.outer_uid, spec.process_uid, ids.subordinate_uid);
    run_map_program("newgidmap", pid, 0, ids.outer_gid, spec.process_gid, ids.subordinate_gid);
    return;
  }
  const std::string proc = "/proc/" + std::to_string(pid) + "/";
  // The kernel wants this before an ordinary user may write gid_map: else a group could be dropped
  // to get around a mode such as 0604.
  write_text(proc + "setgroups", "deny", "deny setgroups");
  write_text(proc + "uid_map",
             std::to_string(spec.process_uid) + " " + std::to_string(ids.outer_uid) + " 1",
             "map the user id");
  write_text(proc + "gid_map",
             std::to_string(spec.process_gid) + " " + std::to_string(ids.outer_gid) + " 1",
             "map the group id");
}

std::vector<base::UniqueFd> make_cgroups(const CgroupPlan& plan) {
  for (const std::string& directory : plan.directories)
    if (::mkdir(directory.c_str(), 0755) != 0) die("make the cgroup " + directory);
  for (const ControlFile& limit : plan.limits) {
    // A kernel without swap accounting lacks some of these files.
    const base::UniqueFd file(::open(limit.path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file && ::write(file.get(), limit.value.data(), limit.value.size()) < 0)
      die("write " + limit.path);
  }
  std::vector<base::UniqueFd> tasks;
  for (const std::string& path : plan.tasks) {
    tasks.emplace_back(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!tasks.back()) die("open " + path);
  }
  return tasks;
}

void remove_cgroups(const CgroupPlan& plan) {
  constexpr int most_attempts = 200;
  constexpr int pause_microseconds = 500;
  for (const std::string& directory : plan.directories)
    // The last process leaves its cgroup a moment after it was reaped.
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
      if (::rmdir(directory.c_str()) == 0 || errno != EBUSY) break;
      ::usleep(pause_microseconds);
    }
}

void enter_cgroups(const std::vector<base::UniqueFd>& tasks_files) {
  // "0" into `tasks` moves the one calling thread. It is the only form that does not wait for a
  // grace period of the whole machine (several milliseconds).
  for (const base::UniqueFd& tasks : tasks_files)
    if (::write(tasks.get(), "0", 1) != 1) die("enter the cgroup");
}

void name_host(const std::string& hostname) {
  if (::sethostname(hostname.data(), hostname.size()) != 0) die("set the host name");
}

void build_root(const std::vector<MountStep>& steps, Identity identity) {
  ::umask(0);
  // Nothing that is mounted from here on may be seen outside.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) die("make mounts private");
  std::vector<OpenedSources> sources;
  sources.reserve(steps.size());
  for (const MountStep& step : steps) sources.push_back(open_sources(step));

  if (::mount("tmpfs", staging, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m") != 0)
    die("mount the new root");
  if (::chdir(staging) != 0) die("enter the new root");
  for (std::size_t i = 0; i < steps.size(); ++i) carry_out(steps[i], sources[i], identity);
  sources.clear();
  mount_attr sealed{};
  sealed.attr_set = MOUNT_ATTR_RDONLY;
  for (const MountStep& step : steps)
    if (step.kind == StepKind::tmpfs && step.read_only &&
        ::mount_setattr(AT_FDCWD, step.target.c_str() + 1, 0, &sealed, sizeof sealed) != 0)
      die("seal " + step.target);

  // The old root ends up over the new one and is taken away: no folder is needed for it.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) die("pivot_root");
  if (::umount2(".", MNT_DETACH) != 0) die("detach the old root");
  if (::chdir("/") != 0) die("enter /");
  if (::mount_setattr(AT_FDCWD, "/", 0, &sealed, sizeof sealed) != 0)
    die("make the root read-only");
  ::umask(022);
}

void raise_loopback(const std::string& address) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) die("open a socket for loopback");
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) die("raise loopback");
  // A second address on loopback: the Runtime API's on AWS.
  std::strncpy(request.ifr_name, "lo:1", IFNAMSIZ - 1);
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address.c_str(), &wanted.sin_addr) != 1)
    die("read the address " + address);
  std::memcpy(&request.ifr_addr, &wanted, sizeof wanted);
  if (::ioctl(socket.get(), SIOCSIFADDR, &request) != 0)
    die("give loopback the address " + address);
}

base::UniqueFd listen_on(const std::string& address, std::uint16_t port) {
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const std::string step = "listen on " + address;
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_port = htons(port);
  if (!socket || ::inet_pton(AF_INET, address.c_str(), &wanted.sin_addr) != 1 ||
      ::bind(socket.get(), reinterpret_cast<sockaddr*>(&wanted), sizeof wanted) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0)
    die(step);
  return socket;
}

void drop_capabilities() {
  constexpr unsigned kept[] = {CAP_KILL, CAP_SETGID, CAP_SETUID};
  for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    bool keep = false;
    for (const unsigned one : kept) keep = keep || one == capability;
    // EINVAL: a capability that this kernel does not have.
    if (!keep && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL)
      die("drop capabilities");
  }
  std::uint32_t mask = 0;
  for (const unsigned one : kept) mask |= 1U << one;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].effective = data[0].permitted = mask;
  if (::syscall(SYS_capset, &header, data) != 0) die("drop capabilities");
  // What runs inside as the same user (single_id) must not read or trace its supervisor.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace sandbox::init
