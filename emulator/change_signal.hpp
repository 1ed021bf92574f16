#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>

namespace emulator {

/// Lets one coroutine wait for facts that others change. The facts live elsewhere; notify() only
/// wakes the waiter, which looks at them again. So no event can be lost between two waits. One
/// thread, one waiter.
class ChangeSignal {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ChangeSignal(boost::asio::any_io_executor executor) : timer_(std::move(executor)) {}

  void notify() { timer_.cancel(); }

  /// True as soon as `condition` holds, false when `deadline` passes first.
  boost::asio::awaitable<bool> wait_until(Time deadline, std::function<bool()> condition);

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace emulator
