#pragma once

#include "emulator/lab/lab_result.hpp"
#include "emulator/lab/statistics.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

/// The figures that every report of the lab shows, made in one place so that text, JSON and page
/// never disagree. Pure.

/// Index of the variant "as configured" in the same state and with the same memory.
std::size_t configured_like(const LabResult& result, const LabVariant& variant);

/// The phase that this one is a part of, as "extract NAME" is of "extract"; empty for one that
/// stands by itself.
std::string phase_around(const std::string& phase);

/// NAME of the phase "extract NAME"; empty for other phases.
std::string_view package_name(std::string_view phase);
/// The package that the phase "extract NAME" is about; null for other phases.
const LabPackage* package_of(const LabVariant& variant, const std::string& phase);

/// A difference of medians, what is after minus what is before, and how well the runs know it.
struct Difference {
  double median = 0;
  Interval interval;
  bool shown() const { return !interval.contains(0); }
};
Difference difference(const std::vector<double>& before, const std::vector<double>& after);

/// What one layer, or all of them, or their being layers costs: the cold start with it minus
/// without it.
struct LayerCost {
  /// The variant that was measured without it.
  std::size_t variant = 0;
  /// Number of the layer, counted from 1; 0 for all together.
  std::size_t layer = 0;
  /// As the command names it; empty for all together.
  std::string name;
  /// Without that layer, without any, or with all that is in them: bundled into one package.
  LabVariant::Kind without = LabVariant::Kind::without_any;
  Difference cold_start;
  Difference init;
};
/// In the order of the variants; those that do not work are left out.
std::vector<LayerCost> layer_costs(const LabResult& result);

}  // namespace emulator
