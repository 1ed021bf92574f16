#include "emulator/commands/run_environment.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include <sched.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <optional>

namespace emulator {

namespace asio = boost::asio;
namespace {

/// As context.run(), but looks for more work for a moment before it sleeps. A runtime answers
/// within microseconds, and waking a processor that has gone to sleep takes longer than that: twice
/// as long a warm invocation on a virtual machine. Whoever else wants the processor gets it.
void run_awake(asio::io_context& context) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds patience{50};
  auto sleep_at = Clock::now() + patience;
  while (!context.stopped()) {
    if (context.poll_one() == 0) {
      if (Clock::now() < sleep_at) {
        ::sched_yield();
        continue;
      }
      context.run_one();
    }
    sleep_at = Clock::now() + patience;
  }
}

}  // namespace

base::Result<void> run_to_end(asio::io_context& context, asio::awaitable<base::Result<void>> work,
                              Interrupted& interrupted) {
  std::optional<base::Result<void>> result;
  std::exception_ptr bug;
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int number) {
    if (error) return;
    interrupted.signal = number;
    context.stop();
  });
  asio::co_spawn(context, std::move(work),
                 [&](std::exception_ptr thrown, base::Result<void> value) {
                   bug = thrown;
                   result = std::move(value);
                   context.stop();
                 });
  run_awake(context);
  if (bug) std::rethrow_exception(bug);
  if (!result) return base::Error(base::ErrorKind::io_error, "interrupted.");
  return *result;
}

}  // namespace emulator
