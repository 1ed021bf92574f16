#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace base {

/// Keeps one processor from going to sleep while two processes exchange short messages. The one
/// that waits leaves its processor idle, and on a virtual machine waking that takes longer than
/// such an exchange: an idle one stops, and the hypervisor has to start it again. The thread in
/// here has the policy SCHED_IDLE, so it only takes time that nobody else wants, and it stops a
/// moment after the last keep(). Not worth having for a single message.
class AwakeProcessor {
 public:
  AwakeProcessor();
  ~AwakeProcessor();
  AwakeProcessor(const AwakeProcessor&) = delete;
  AwakeProcessor& operator=(const AwakeProcessor&) = delete;

  /// From one thread: something just happened, so more will soon.
  void keep();

 private:
  void run();

  using Clock = std::chrono::steady_clock;
  std::atomic<Clock::rep> until_{0};
  std::atomic<std::uint32_t> calls_{0};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace base
