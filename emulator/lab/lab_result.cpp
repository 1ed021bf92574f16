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
  for (const LabRun& run : runs) {
    // A phase that only some runs have goes where those had it.
    std::size_t place = 0;
    for (const auto& [name, value] : run.phases) {
      const auto known = std::find(names.begin(), names.end(), name);
      if (known != names.end()) {
        place = static_cast<std::size_t>(known - names.begin()) + 1;
        continue;
      }
      names.insert(names.begin() + static_cast<std::ptrdiff_t>(place), name);
      ++place;
    }
  }
  return names;
}

}  // namespace emulator
