#include "base/awake_processor.hpp"

#include <sched.h>

#include <system_error>

namespace base {
namespace {

/// Longer than a round of a busy runtime, and not long enough to be noticed on a bill.
constexpr std::chrono::microseconds patience{200};

void rest_the_pipeline() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

AwakeProcessor::AwakeProcessor() {
  // With one processor, whoever waits is woken by a switch, not by a hypervisor.
  if (std::thread::hardware_concurrency() < 2) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // All works without it, only later.
  }
}

AwakeProcessor::~AwakeProcessor() {
  if (!thread_.joinable()) return;
  ended_ = true;
  ++calls_;
  calls_.notify_one();
  thread_.join();
}

void AwakeProcessor::keep() {
  until_ = (Clock::now() + patience).time_since_epoch().count();
  if (!asleep_) return;
  ++calls_;
  calls_.notify_one();
}

void AwakeProcessor::run() {
  const sched_param none{};
  // Without that policy it would take time from the function.
  if (::sched_setscheduler(0, SCHED_IDLE, &none) != 0) return;
  while (!ended_) {
    if (Clock::now().time_since_epoch().count() < until_) {
      rest_the_pipeline();
      continue;
    }
    const std::uint32_t seen = calls_;
    asleep_ = true;
    // A keep() before `asleep_` showed is seen in its time, one after it in the count.
    if (!ended_ && Clock::now().time_since_epoch().count() >= until_) calls_.wait(seen);
    asleep_ = false;
  }
}

}  // namespace base
