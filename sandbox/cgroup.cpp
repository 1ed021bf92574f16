#include "sandbox/cgroup.hpp"

#include "base/unique_fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <sstream>

namespace sandbox {
namespace {

constexpr std::string_view name_prefix = "lamina-";
constexpr int period_microseconds = 100'000;

bool writable(const std::string& directory) {
  return ::access(directory.c_str(), W_OK | X_OK) == 0;
}

std::string text_of(const std::string& path) {
  auto text = base::read_file(path, 1 << 20);
  return text ? std::move(*text) : std::string();
}

bool has_word(const std::string& text, std::string_view word) {
  std::istringstream words(text);
  for (std::string one; words >> one;)
    if (one == word) return true;
  return false;
}

struct MountPoint {
  std::string directory;
  /// The hierarchy's directory that is visible at the mount point.
  std::string root;
};

struct Mounts {
  std::map<std::string, MountPoint> v1;  // by controller
  std::optional<MountPoint> v2;
};

/// Fields as proc(5) states them: id parent dev root mount-point options ... - type source options
Mounts parse_mounts(std::string_view mountinfo) {
  Mounts mounts;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point, word;
    fields >> id >> parent >> device >> root >> point;
    while (fields >> word && word != "-") {
    }
    std::string type, source, options;
    fields >> type >> source >> options;
    if (type == "cgroup2") mounts.v2 = MountPoint{point, root};
    if (type != "cgroup") continue;
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');) mounts.v1[option] = {point, root};
  }
  return mounts;
}

/// Where this process is: by controller for v1, under "" for v2.
std::map<std::string, std::string> parse_own(std::string_view own_cgroups) {
  std::map<std::string, std::string> own;
  std::istringstream lines{std::string(own_cgroups)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream controllers(line.substr(first + 1, second - first - 1));
    const std::string path = line.substr(second + 1);
    if (second == first + 1) own[""] = path;
    for (std::string one; std::getline(controllers, one, ',');) own[one] = path;
  }
  return own;
}

/// A cgroup's directory below its mount point, or the mount point when it lies outside.
std::string directory_of(const MountPoint& mount, const std::string& path) {
  std::string below = path;
  if (mount.root != "/" && below.starts_with(mount.root)) below = below.substr(mount.root.size());
  return below.empty() || below == "/" ? mount.directory : mount.directory + below;
}

void write_control(const std::string& path, const std::string& text) {
  const base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file) [[maybe_unused]]
    const ssize_t count = ::write(file.get(), text.data(), text.size());
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::string text = text_of(path);
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
  if (end == text.c_str()) return std::nullopt;
  return value;
}

/// "lamina-<pid>-<n>": a directory whose maker is gone was left by a kill of the whole group.
void sweep(const std::string& parent) {
  DIR* directory = ::opendir(parent.c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(name_prefix)) continue;
    const int pid = std::atoi(entry->d_name + name_prefix.size());
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH)
      ::rmdir((parent + "/" + entry->d_name).c_str());
  }
  ::closedir(directory);
}

}  // namespace

Cgroup::Host Cgroup::probe() {
  return probe(text_of("/proc/self/mountinfo"), text_of("/proc/self/cgroup"), writable, text_of);
}

Cgroup::Host Cgroup::probe(std::string_view mountinfo, std::string_view own_cgroups,
                           bool (*can_write)(const std::string&),
                           std::string (*read_text)(const std::string&)) {
  const Mounts mounts = parse_mounts(mountinfo);
  const std::map<std::string, std::string> own = parse_own(own_cgroups);

  const auto find = [&](const std::string& controller) {
    Hierarchy found;
    if (const auto mount = mounts.v1.find(controller); mount != mounts.v1.end()) {
      const auto place = own.find(controller);
      for (const std::string& candidate :
           {directory_of(mount->second, place == own.end() ? "/" : place->second),
            mount->second.directory}) {
        if (!can_write(candidate)) continue;
        found.parent = candidate;
        return found;
      }
      found.reason = "the " + controller + " cgroup below " + mount->second.directory +
                     " is not writable for this user";
      return found;
    }
    if (!mounts.v2) {
      found.reason = "no cgroup file system with the " + controller + " controller is mounted";
      return found;
    }
    // A child only gets the controllers that its parent passes on, and a cgroup that holds
    // processes cannot pass any on; the parents of ours are the candidates.
    found.v2 = true;
    std::string candidate = directory_of(*mounts.v2, own.contains("") ? own.at("") : "/");
    for (;;) {
      if (can_write(candidate) &&
          has_word(read_text(candidate + "/cgroup.subtree_control"), controller)) {
        found.parent = candidate;
        return found;
      }
      if (candidate.size() <= mounts.v2->directory.size()) break;
      candidate.resize(candidate.rfind('/'));
    }
    found.reason = "no cgroup that this user may write to passes the " + controller +
                   " controller on (delegate one: systemd-run --user --scope -p Delegate=yes)";
    return found;
  };

  Host host;
  host.memory = find("memory");
  host.cpu = find("cpu");
  host.pids = find("pids");
  return host;
}

Cgroup Cgroup::plan(const Host& host, const CgroupLimits& limits) {
  static std::atomic<unsigned> made{0};
  const std::string name =
      std::string(name_prefix) + std::to_string(::getpid()) + "-" + std::to_string(made++);
  Cgroup cgroup;
  CgroupPlan& plan = cgroup.plan_;
  const auto place = [&](const Hierarchy& hierarchy) -> std::string {
    if (hierarchy.parent.empty()) return {};
    const std::string directory = hierarchy.parent + "/" + name;
    if (std::find(plan.directories.begin(), plan.directories.end(), directory) !=
        plan.directories.end())
      return directory;
    sweep(hierarchy.parent);
    plan.directories.push_back(directory);
    plan.tasks.push_back(directory + (hierarchy.v2 ? "/cgroup.procs" : "/tasks"));
    return directory;
  };
  cgroup.memory_ = place(host.memory);
  cgroup.cpu_ = place(host.cpu);
  const std::string pids = place(host.pids);
  cgroup.memory_v2_ = host.memory.v2;
  cgroup.cpu_v2_ = host.cpu.v2;

  if (!cgroup.memory_.empty() && limits.memory_bytes != 0) {
    const std::string bytes = std::to_string(limits.memory_bytes);
    if (cgroup.memory_v2_) {
      plan.limits.push_back({cgroup.memory_ + "/memory.max", bytes});
      plan.limits.push_back({cgroup.memory_ + "/memory.swap.max", "0"});
    } else {
      plan.limits.push_back({cgroup.memory_ + "/memory.limit_in_bytes", bytes});
      // Lambda has no swap.
      plan.limits.push_back({cgroup.memory_ + "/memory.memsw.limit_in_bytes", bytes});
    }
  }
  if (!pids.empty() && limits.processes != 0)
    plan.limits.push_back({pids + "/pids.max", std::to_string(limits.processes)});
  return cgroup;
}

void Cgroup::set_processors(std::optional<double> processors) {
  if (cpu_.empty()) return;
  const long quota =
      processors ? std::max(1000L, static_cast<long>(*processors * period_microseconds)) : -1;
  if (cpu_v2_) {
    write_control(cpu_ + "/cpu.max", (quota < 0 ? "max" : std::to_string(quota)) + " " +
                                         std::to_string(period_microseconds));
  } else {
    write_control(cpu_ + "/cpu.cfs_quota_us", std::to_string(quota));
  }
}

std::optional<std::uint64_t> Cgroup::peak_memory_bytes() const {
  if (memory_.empty()) return std::nullopt;
  return number_in(memory_ + (memory_v2_ ? "/memory.peak" : "/memory.max_usage_in_bytes"));
}

std::uint64_t Cgroup::out_of_memory_kills() const {
  if (memory_.empty()) return 0;
  std::istringstream lines(
      text_of(memory_ + (memory_v2_ ? "/memory.events" : "/memory.oom_control")));
  std::string key;
  std::uint64_t value = 0;
  while (lines >> key >> value)
    if (key == "oom_kill") return value;
  return 0;
}

void Cgroup::remove() {
  for (const std::string& directory : plan_.directories) ::rmdir(directory.c_str());
  plan_ = {};
}

}  // namespace sandbox
