#include "emulator/commands/run_environment.hpp"

#include "base/awake_processor.hpp"

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
void run_awake(asio::io_context& context, std::optional<base::AwakeProcessor>& other_processor) {
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
    if (other_processor) other_processor->keep();
  }
}

}  // namespace

namespace {

base::Result<void> run_to_end(asio::io_context& context, asio::awaitable<base::Result<void>> work,
                              Interrupted& interrupted,
                              std::optional<base::AwakeProcessor>& other_processor) {
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
  run_awake(context, other_processor);
  if (bug) std::rethrow_exception(bug);
  if (!result) return base::Error(base::ErrorKind::io_error, "interrupted.");
  return *result;
}

using OnOutcome = std::function<base::Result<void>(const InvocationOutcome&)>;

asio::awaitable<base::Result<void>> run_invocations(
    ExecutionEnvironment& environment, const std::string& event, std::uint32_t count,
    const OnOutcome& on_outcome, std::vector<InvocationOutcome>& outcomes,
    std::optional<base::AwakeProcessor>& other_processor) {
  CO_TRY(co_await environment.init());
  for (std::uint32_t i = 0; i < count; ++i) {
    // A first and a second invocation are measured as they are; from here on it is a series.
    if (i == 2) other_processor.emplace();
    std::string payload = event;
    CO_TRY_ASSIGN(InvocationOutcome outcome, co_await environment.invoke(std::move(payload)));
    if (on_outcome) CO_TRY(on_outcome(outcome));
    outcomes.push_back(std::move(outcome));
  }
  CO_TRY(co_await environment.end_companion());
  co_return base::Result<void>();
}

}  // namespace

base::Result<void> run_to_end(asio::io_context& context, asio::awaitable<base::Result<void>> work,
                              Interrupted& interrupted) {
  std::optional<base::AwakeProcessor> none;
  return run_to_end(context, std::move(work), interrupted, none);
}

base::Result<EnvironmentRun> run_environment(const PreparedFunction& prepared,
                                             const std::string& event, std::uint32_t count,
                                             LogSink log, const OnOutcome& on_outcome) {
  asio::io_context context(1);
  TRY_ASSIGN(const auto environment,
             ExecutionEnvironment::create(context.get_executor(), prepared.plan, std::move(log)));
  EnvironmentRun run;
  run.decided_at = environment->decided_at();
  std::optional<base::AwakeProcessor> other_processor;
  const auto ran = run_to_end(
      context,
      run_invocations(*environment, event, count, on_outcome, run.invocations, other_processor),
      run.interrupted, other_processor);
  environment->destroy();
  if (run.interrupted.signal == 0 && !ran) return ran.error();
  run.init = environment->init_outcome();
  run.timeline = environment->timeline();
  return run;
}

}  // namespace emulator
