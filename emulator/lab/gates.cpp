#include "emulator/lab/gates.hpp"

#include "emulator/lab/lab_figures.hpp"
#include "emulator/lab/lab_wording.hpp"
#include "emulator/lab/variants.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace emulator {

using base::Error;
using base::ErrorKind;

namespace {

/// The sum, and the phase that layers change most.
constexpr const char* compared_phases[] = {init_phase, whole_cold_start};

}  // namespace

std::vector<Exceeded> exceeded_budgets(const LabResult& result, const ColdstartCommand& command) {
  std::vector<Exceeded> exceeded;
  for (const auto& [phase, limit] : command.budgets) {
    bool happened = false;
    for (std::size_t i = 0; i < result.variants.size(); ++i) {
      const auto values = result.values(i, phase);
      if (result.variants[i].kind != LabVariant::Kind::configured || values.empty()) continue;
      happened = true;
      if (median(values) > limit)
        exceeded.push_back({fmt::format(
            "budget: {}{} took {:.1f} ms (median of {}), allowed are "
            "{:.1f} ms.",
            phase, result.variants[i].condition, median(values), values.size(), limit)});
    }
    // A limit that nothing was held against must not look as if it were kept.
    if (!happened)
      exceeded.push_back(
          {fmt::format("budget: \"{}\" did not happen in these runs. Archives are "
                       "extracted with --cache cold-store.",
                       phase)});
  }
  return exceeded;
}

base::Result<Baseline> read_baseline(std::string_view json) {
  const Error broken(ErrorKind::invalid_argument,
                     "it is no report of lamina coldstart --json. Make one first.");
  const auto document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  try {
    if (!document.is_object() || document.at("schema") != "lamina-coldstart/1") return broken;
    Baseline baseline;
    baseline.runtime = document.at("runtime").get<std::string>();
    baseline.cache = document.at("variants").at(0).at("cache").get<std::string>();
    baseline.memory_size = document.at("variants").at(0).at("memorySize").get<std::uint32_t>();
    for (const auto& run : document.at("runs"))
      if (run.at("variant") == 0)
        for (const auto& [phase, value] : run.at("phasesMs").items())
          baseline.values[phase].push_back(value.get<double>());
    if (baseline.values.empty()) return broken;
    return baseline;
  } catch (const nlohmann::json::exception&) {
    return broken;
  }
}

base::Result<void> check_comparable(const Baseline& baseline, const ColdstartCommand& command) {
  const LabVariant variant = plan_variants(command).front();
  const FunctionConfiguration& function = variant.selection.function;
  if (baseline.runtime == function.runtime && baseline.cache == to_string(variant.state) &&
      baseline.memory_size == function.memory_size)
    return {};
  return Error(ErrorKind::invalid_argument,
               fmt::format("it was measured with {}, {} MB and --cache {}, and this is {}, {} MB "
                           "and {}. Measure alike.",
                           baseline.runtime, baseline.memory_size, baseline.cache, function.runtime,
                           function.memory_size, to_string(variant.state)));
}

std::string comparison_text(const Baseline& baseline, const LabResult& result,
                            const Colours& colours) {
  std::string text = fmt::format("\n{}against the baseline{} (now minus then, 95 % interval)\n",
                                 colours.bold, colours.plain);
  for (const char* phase : compared_phases) {
    const auto known = baseline.values.find(phase);
    const auto values = result.values(0, phase);
    if (known != baseline.values.end() && !values.empty())
      text += fmt::format("  {}: {}\n", phase, difference_text(difference(known->second, values)));
  }
  return text;
}

std::vector<Exceeded> slower_than(const Baseline& baseline, const LabResult& result,
                                  double tolerance_percent) {
  std::vector<Exceeded> exceeded;
  for (const char* phase : compared_phases) {
    const auto known = baseline.values.find(phase);
    const auto values = result.values(0, phase);
    if (known == baseline.values.end() || values.empty()) continue;
    const Interval interval = difference_interval(known->second, values);
    const double allowed = median(known->second) * tolerance_percent / 100;
    if (interval.low <= allowed) continue;
    exceeded.push_back({fmt::format(
        "baseline: {} is slower by {:.1f} ms [{:.1f}, {:.1f}], allowed are {:.1f} ms ({:g} %).",
        phase, median(values) - median(known->second), interval.low, interval.high, allowed,
        tolerance_percent)});
  }
  return exceeded;
}

}  // namespace emulator
