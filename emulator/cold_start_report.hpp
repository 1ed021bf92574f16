#pragma once

#include "emulator/cold_start_lab.hpp"
#include "emulator/terminal.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

/// A budget or a baseline that was exceeded, as a sentence.
struct Exceeded {
  std::string sentence;
};

/// Medians with bars, and what each layer costs.
std::string to_text(const LabResult& result, const Colours& colours);
/// Schema lamina-coldstart/1: every run, and the figures made of them.
std::string to_json(const LabResult& result, const ColdstartCommand& command);
/// A row a run, a column a phase.
std::string to_csv(const LabResult& result);

/// The budgets whose phase has a greater median, as configured.
std::vector<Exceeded> exceeded_budgets(const LabResult& result, const ColdstartCommand& command);

/// The runs of the first variant ("as configured") out of a report: phase to values.
base::Result<std::map<std::string, std::vector<double>>> read_baseline(std::string_view json);
/// Where the whole interval of the difference lies beyond the tolerance: what is slower for sure.
std::vector<Exceeded> slower_than(const std::map<std::string, std::vector<double>>& baseline,
                                  const LabResult& result, double tolerance_percent);

}  // namespace emulator
