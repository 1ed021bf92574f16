#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace emulator {

/// Keeps one processor from going to sleep while invocations follow each other closely. A runtime
/// that waits for its next event leaves its processor idle, and on a virtual machine waking that
/// takes longer than a short invocation: an idle one stops and the hypervisor has to start it
/// again. The thread in here has the policy SCHED_IDLE, so it only takes time that nobody else
/// wants, and it stops a moment after the last keep(). Knows nothing of invocations. Not worth
/// having for a single one.
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

}  // namespace emulator
