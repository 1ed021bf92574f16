#pragma once

#include "base/result.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/execution_environment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace emulator {

/// Runs `work` to its end on `context`. SIGINT and SIGTERM stop it: the caller then finds no result
/// and everything that it owns ends in order.
struct Interrupted {
  int signal = 0;
};
base::Result<void> run_to_end(boost::asio::io_context& context,
                              boost::asio::awaitable<base::Result<void>> work,
                              Interrupted& interrupted);

/// What one environment did from its cold start to its end.
struct EnvironmentRun {
  std::chrono::steady_clock::time_point decided_at;
  std::optional<InitOutcome> init;
  PhaseTimeline timeline;
  std::vector<InvocationOutcome> invocations;
  Interrupted interrupted;
};

/// Makes an environment of the plan, initialises it, invokes it `count` times with `event`, and
/// ends it. `on_outcome` (may be empty) sees each outcome as it comes and may stop with an error.
base::Result<EnvironmentRun> run_environment(
    const PreparedFunction& prepared, const std::string& event, std::uint32_t count, LogSink log,
    const std::function<base::Result<void>(const InvocationOutcome&)>& on_outcome = {});

}  // namespace emulator
