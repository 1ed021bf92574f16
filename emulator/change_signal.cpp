#include "emulator/change_signal.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace emulator {

boost::asio::awaitable<bool> ChangeSignal::wait_until(Time deadline,
                                                      std::function<bool()> condition) {
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) co_return false;
    timer_.expires_at(deadline);
    boost::system::error_code woken;
    auto token = boost::asio::redirect_error(boost::asio::use_awaitable, woken);
    co_await timer_.async_wait(token);
  }
  co_return true;
}

}  // namespace emulator
