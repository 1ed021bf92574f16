#include "emulator/lab/lab_figures.hpp"

namespace emulator {
namespace {

constexpr std::string_view extract_of = "extract ";

}  // namespace

std::size_t configured_like(const LabResult& result, const LabVariant& variant) {
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& other = result.variants[i];
    if (other.kind == LabVariant::Kind::configured && other.state == variant.state &&
        other.selection.function.memory_size == variant.selection.function.memory_size)
      return i;
  }
  return 0;
}

std::string phase_around(const std::string& phase) {
  if (phase.starts_with(extract_of)) return "extract";
  if (phase == "runtime start" || phase == "function init") return init_phase;
  return {};
}

std::string_view package_name(std::string_view phase) {
  return phase.starts_with(extract_of) ? phase.substr(extract_of.size()) : std::string_view();
}

const LabPackage* package_of(const LabVariant& variant, const std::string& phase) {
  const std::string_view name = package_name(phase);
  if (name.empty()) return nullptr;
  for (const LabPackage& package : variant.packages)
    if (package.name == name) return &package;
  return nullptr;
}

Difference difference(const std::vector<double>& before, const std::vector<double>& after) {
  return {median(after) - median(before), difference_interval(before, after)};
}

std::vector<LayerCost> layer_costs(const LabResult& result) {
  using Kind = LabVariant::Kind;
  std::vector<LayerCost> costs;
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& variant = result.variants[i];
    if (variant.kind != Kind::without_one && variant.kind != Kind::without_any &&
        variant.kind != Kind::bundled)
      continue;
    if (result.failures.contains(i)) continue;
    const std::size_t base = configured_like(result, variant);
    LayerCost cost;
    cost.variant = i;
    cost.layer = variant.without_layer;
    cost.without = variant.kind;
    if (cost.layer > 0) cost.name = result.variants[base].selection.layers[cost.layer - 1];
    cost.cold_start =
        difference(result.values(i, whole_cold_start), result.values(base, whole_cold_start));
    cost.init = difference(result.values(i, init_phase), result.values(base, init_phase));
    costs.push_back(std::move(cost));
  }
  return costs;
}

}  // namespace emulator
