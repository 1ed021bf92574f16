#pragma once

#include "emulator/lab/lab_result.hpp"
#include "emulator/terminal.hpp"

#include <string>

namespace emulator {

/// Medians with bars, and what each layer costs.
std::string to_text(const LabResult& result, const Colours& colours);
/// Schema lamina-coldstart/1: every run, and the figures made of them.
std::string to_json(const LabResult& result, const ColdstartCommand& command);
/// A row a run, a column a phase.
std::string to_csv(const LabResult& result);

}  // namespace emulator
