#include "emulator/lab/waterfall.hpp"

#include "emulator/lab/lab_figures.hpp"
#include "emulator/lab/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace emulator {
namespace {

/// Of clocks that are read one after the other, and nobody's time.
constexpr double negligible_ms = 0.05;

bool is_after_preparation(const std::string& phase) {
  return phase == "sandbox" || phase == init_phase || phase == first_invocation;
}

/// The parts of a phase one behind the other; all at its start when they overlapped in time.
void add_parts(std::vector<WaterfallRow>& rows, const LabRun& run, const WaterfallRow& whole) {
  double sum = 0;
  for (const auto& [phase, duration] : run.phases)
    if (phase_around(phase) == whole.phase) sum += duration;
  const bool overlapped = sum > whole.duration + negligible_ms;
  double at = whole.start;
  for (const auto& [phase, duration] : run.phases) {
    if (phase_around(phase) != whole.phase) continue;
    rows.push_back({phase, whole.phase, at, duration});
    if (!overlapped) at += duration;
  }
}

}  // namespace

std::vector<WaterfallRow> waterfall(const LabRun& run) {
  std::vector<WaterfallRow> rows;
  const double whole = std::max(run.phase(whole_cold_start), 0.0);
  double started = 0;
  for (const auto& [phase, duration] : run.phases)
    if (is_after_preparation(phase)) started += duration;
  const double prepared = std::max(whole - started, 0.0);

  double at = 0;
  const auto add = [&](const std::string& phase, double duration) {
    const WaterfallRow row{phase, {}, at, duration};
    rows.push_back(row);
    add_parts(rows, run, row);
    at += duration;
  };
  for (const auto& [phase, duration] : run.phases)
    if (phase_around(phase).empty() && phase != whole_cold_start && phase != second_invocation &&
        !is_after_preparation(phase))
      add(phase, duration);
  if (prepared - at > negligible_ms) add("other preparation", prepared - at);
  at = prepared;
  for (const auto& [phase, duration] : run.phases)
    if (is_after_preparation(phase)) add(phase, duration);
  at = whole;
  if (const double second = run.phase(second_invocation); second >= 0)
    add(second_invocation, second);
  return rows;
}

std::optional<std::size_t> median_run(const LabResult& result, std::size_t variant) {
  const double middle = median(result.values(variant, whole_cold_start));
  std::optional<std::size_t> nearest;
  double distance = 0;
  for (std::size_t i = 0; i < result.runs.size(); ++i) {
    const LabRun& run = result.runs[i];
    if (run.variant != variant || run.phase(whole_cold_start) < 0) continue;
    const double away = std::abs(run.phase(whole_cold_start) - middle);
    if (nearest && away >= distance) continue;
    nearest = i;
    distance = away;
  }
  return nearest;
}

}  // namespace emulator
