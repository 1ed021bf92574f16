#pragma once

#include "emulator/lab/lab_result.hpp"

#include <string>
#include <vector>

/// A result as the lab leaves it, of cold starts that took so many milliseconds; the first variant
/// is the configuration, the others are without layers.
inline emulator::LabResult measured(const std::vector<std::vector<double>>& cold_starts) {
  emulator::LabResult result;
  for (std::size_t i = 0; i < cold_starts.size(); ++i) {
    emulator::LabVariant variant;
    variant.kind =
        i == 0 ? emulator::LabVariant::Kind::configured : emulator::LabVariant::Kind::without_any;
    variant.name = i == 0 ? "as configured" : "no layers";
    result.variants.push_back(variant);
    for (const double value : cold_starts[i]) {
      emulator::LabRun run;
      run.variant = i;
      run.phases = {{"runtime init", value - 2}, {"cold start", value}};
      result.runs.push_back(run);
    }
  }
  return result;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
