#include "emulator/lab/lab_result.hpp"

#include <algorithm>

namespace emulator {

std::string_view to_string(CacheState state) {
  switch (state) {
    case CacheState::extracted:
      return "extracted";
    case CacheState::cold_store:
      return "cold-store";
    case CacheState::cold_cache:
      return "cold-cache";
  }
  return "unknown";
}

double LabRun::phase(const std::string& name) const {
  for (const auto& [phase, value] : phases)
    if (phase == name) return value;
  return -1;
}

std::vector<double> LabResult::values(std::size_t variant, const std::string& phase) const {
  std::vector<double> values;
  for (const LabRun& run : runs)
    if (run.variant == variant)
      if (const double value = run.phase(phase); value >= 0) values.push_back(value);
  return values;
}

std::vector<std::string> LabResult::phases() const {
  std::vector<std::string> names;
  for (const LabRun& run : runs)
    for (const auto& [name, value] : run.phases)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

}  // namespace emulator
