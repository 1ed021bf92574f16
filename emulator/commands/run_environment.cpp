#include "emulator/commands/run_environment.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <exception>
#include <optional>

namespace emulator {

namespace asio = boost::asio;

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
  context.run();
  if (bug) std::rethrow_exception(bug);
  if (!result) return base::Error(base::ErrorKind::io_error, "interrupted.");
  return *result;
}

}  // namespace emulator
