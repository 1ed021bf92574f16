#pragma once

#include "emulator/cold_start.hpp"
#include "emulator/invocation_outcome.hpp"
#include "emulator/phase_timeline.hpp"

#include <string>
#include <vector>

namespace emulator {

/// Everything that one `lamina invoke` measured; schema in docs/json-report.md.
struct InvokeReport {
  const PreparedFunction* prepared = nullptr;
  std::chrono::steady_clock::time_point decided_at;
  std::optional<InitOutcome> init;
  PhaseTimeline environment_timeline;
  std::vector<InvocationOutcome> invocations;
};

std::string to_json(const InvokeReport& report);

}  // namespace emulator
