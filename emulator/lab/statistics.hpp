#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace emulator {

/// What can be said of a handful of measurements. Pure; the same numbers give the same answer.

double median(std::span<const double> values);
/// The value below which `percent` of them lie, between neighbours by their distance.
double percentile(std::span<const double> values, double percent);

/// With fewer measurements the 99th percentile is but the greatest one, and is not shown.
inline constexpr std::size_t enough_for_p99 = 100;

struct Interval {
  double low = 0;
  double high = 0;
  bool contains(double value) const { return low <= value && value <= high; }
};

/// 95 % bootstrap interval of the median: of 2,000 samples drawn with replacement (Efron's
/// percentile method).
Interval median_interval(std::span<const double> values);
/// The same of median(after) - median(before), drawn independently. That it contains zero means
/// that no difference was shown.
Interval difference_interval(std::span<const double> before, std::span<const double> after);

}  // namespace emulator
