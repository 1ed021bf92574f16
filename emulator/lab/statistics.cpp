#include "emulator/lab/statistics.hpp"

#include <algorithm>
#include <cstdint>
#include <random>

namespace emulator {
namespace {

constexpr int resamples = 2000;
constexpr double tail_percent = 2.5;

/// std::uniform_int_distribution may differ between libraries; this does not.
std::size_t draw(std::mt19937_64& random, std::size_t count) {
  return static_cast<std::size_t>(random() % count);
}

double resampled_median(std::span<const double> values, std::mt19937_64& random,
                        std::vector<double>& sample) {
  sample.resize(values.size());
  for (double& value : sample) value = values[draw(random, values.size())];
  return median(sample);
}

Interval middle_of(std::vector<double> estimates) {
  return {percentile(estimates, tail_percent), percentile(estimates, 100 - tail_percent)};
}

}  // namespace

double percentile(std::span<const double> values, double percent) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = place - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

double median(std::span<const double> values) {
  return percentile(values, 50);
}

Interval median_interval(std::span<const double> values) {
  if (values.empty()) return {};
  std::mt19937_64 random(1);
  std::vector<double> sample;
  std::vector<double> estimates;
  for (int i = 0; i < resamples; ++i) estimates.push_back(resampled_median(values, random, sample));
  return middle_of(std::move(estimates));
}

Interval difference_interval(std::span<const double> before, std::span<const double> after) {
  if (before.empty() || after.empty()) return {};
  std::mt19937_64 random(1);
  std::vector<double> sample;
  std::vector<double> estimates;
  for (int i = 0; i < resamples; ++i) {
    const double old = resampled_median(before, random, sample);
    estimates.push_back(resampled_median(after, random, sample) - old);
  }
  return middle_of(std::move(estimates));
}

}  // namespace emulator
