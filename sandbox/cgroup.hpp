#pragma once

#include "sandbox/sandbox_spec.hpp"

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
/// Lambda. A plan and a way to read and steer: the directories are made and removed by
/// lamina-sandbox-init; remove() is for the case that it could not even do that.
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

  /// Names the directories and their limits, and removes those that a process now dead left there.
  /// A controller that the host does not give is left out.
  static Cgroup plan(const Host& host, const CgroupLimits& limits);

  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&&) noexcept = default;

  bool limits_memory() const { return !memory_.empty(); }
  const CgroupPlan& plan() const { return plan_; }

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
  CgroupPlan plan_;
};

}  // namespace sandbox
