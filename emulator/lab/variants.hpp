#pragma once

#include "emulator/lab/lab_result.hpp"

#include <vector>

namespace emulator {

/// The variants that a command asks for: as configured, without any layer, without each layer in
/// turn, for each memory size, each order and each state. Pure.
std::vector<LabVariant> plan_variants(const ColdstartCommand& command);

}  // namespace emulator
