#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox {

struct CgroupLimits {
  std::uint64_t memory_bytes = 0;
  std::uint32_t processes = 0;
};

/// One sandbox's place in the cgroup hierarchies that this user may write to: v2 where the
/// controllers are delegated, else v1. Bytes; processors as a fraction of one. Knows nothing of
/// Lambda. The directories are removed by whoever ends the processes last (SandboxSpec lists them);
/// remove() is for the case that nothing was ever started.
class Cgroup {
 public:
  /// Tells for each controller where a child can be made, or why not.
  struct Hierarchy {
    bool v2 = false;
    /// Absolute directory under which a child may be made; empty when there is none.
    std::string parent;
    /// When parent is empty: the reason, a sentence without full stop.
    std::string reason;
  };
  struct Host {
    Hierarchy memory;
    Hierarchy cpu;
    Hierarchy pids;
  };
  /// Looks at /proc/self/mountinfo and /proc/self/cgroup; makes nothing.
  static Host probe();
  /// The same out of given texts, with `can_write` answering for a directory.
  static Host probe(std::string_view mountinfo, std::string_view own_cgroups,
                    bool (*can_write)(const std::string&),
                    std::string (*read_text)(const std::string&));

  /// Makes the directories and sets memory and process limits. A controller that the host does not
  /// give is left out.
  static base::Result<Cgroup> create(const Host& host, const CgroupLimits& limits);

  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&&) noexcept = default;

  bool limits_memory() const { return !memory_.empty(); }
  const std::vector<std::string>& directories() const { return directories_; }
  /// The files that PID 1 writes itself into.
  base::Result<std::vector<base::UniqueFd>> open_tasks() const;

  /// Share of processor time; nullopt lifts the limit.
  void set_processors(std::optional<double> processors);
  std::optional<std::uint64_t> peak_memory_bytes() const;
  /// How often the kernel killed a process inside for lack of memory.
  std::uint64_t out_of_memory_kills() const;
  void remove();

 private:
  Cgroup() = default;
  std::string memory_;
  std::string cpu_;
  bool memory_v2_ = false;
  bool cpu_v2_ = false;
  std::vector<std::string> directories_;
};

}  // namespace sandbox
