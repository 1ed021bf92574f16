#pragma once

#include "emulator/lab/lab_result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace emulator {

/// One run as a waterfall: what happened when. Pure; knows nothing of how it is drawn.

struct WaterfallRow {
  std::string phase;
  /// The phase that this one is a part of; empty for one that stands by itself.
  std::string within;
  /// Milliseconds since the cold start began.
  double start = 0;
  double duration = 0;
};

/// The rows in the order of events, parts behind their whole. What comes after the preparation
/// stands where it was: the cold start ends with the first invocation. Of the preparation the lab
/// keeps sums, which stand one behind the other; its time that is in no phase becomes the row
/// "other preparation". The second invocation follows the cold start, which is no row.
std::vector<WaterfallRow> waterfall(const LabRun& run);

/// Index in `runs` of the run whose cold start is the median of its variant's, or the nearest to
/// it; the earlier of two. Absent when there is none.
std::optional<std::size_t> median_run(const LabResult& result, std::size_t variant);

}  // namespace emulator
