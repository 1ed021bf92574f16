#pragma once

#include "base/result.hpp"
#include "emulator/lab/lab_result.hpp"
#include "emulator/terminal.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

/// A budget or a baseline that was exceeded, as a sentence.
struct Exceeded {
  std::string sentence;
};

/// The budgets whose phase has a greater median in a variant "as configured", and those whose phase
/// did not happen at all.
std::vector<Exceeded> exceeded_budgets(const LabResult& result, const ColdstartCommand& command);

/// The first variant ("as configured") of a report.
struct Baseline {
  std::string runtime;
  std::string cache;
  std::uint32_t memory_size = 0;
  /// Phase to one value a run.
  std::map<std::string, std::vector<double>> values;
};
base::Result<Baseline> read_baseline(std::string_view json);
/// Whether it was measured as the command measures.
base::Result<void> check_comparable(const Baseline& baseline, const ColdstartCommand& command);
/// How the first variant differs from the baseline, whichever way.
std::string comparison_text(const Baseline& baseline, const LabResult& result,
                            const Colours& colours);
/// Where the whole interval of the difference lies beyond the tolerance: what is slower for sure.
std::vector<Exceeded> slower_than(const Baseline& baseline, const LabResult& result,
                                  double tolerance_percent);

}  // namespace emulator
