#include "base/awake_processor.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <ctime>
#include <thread>

using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

TEST_CASE("it rests when nothing happens any more, and can be wanted again") {
  base::AwakeProcessor processor;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) {
      processor.keep();
      std::this_thread::sleep_for(20us);
    }
    // Its patience is 200 us; a tenth of a second of rest may not cost a tenth of that.
    std::this_thread::sleep_for(20ms);
    const auto before = processor_time();
    std::this_thread::sleep_for(100ms);
    CHECK(processor_time() - before < 10ms);
  }
}

TEST_CASE("it ends with its owner, at rest or not") {
  for (int i = 0; i < 200; ++i) {
    base::AwakeProcessor processor;
    if (i % 2 == 0) processor.keep();
    if (i % 3 == 0) std::this_thread::sleep_for(1ms);
  }
}
