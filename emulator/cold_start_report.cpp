#include "emulator/cold_start_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;
using nlohmann::ordered_json;

constexpr std::size_t bar_width = 30;
constexpr std::string_view whole = "cold start";
/// What --against compares: the sum, and the phase that layers change most.
constexpr std::string_view init = "runtime init";

std::string bar(double value, double longest) {
  if (longest <= 0) return {};
  const auto filled =
      static_cast<std::size_t>(value / longest * static_cast<double>(bar_width) + 0.5);
  std::string text;
  for (std::size_t i = 0; i < filled; ++i) text += "█";
  return text;
}

/// "+12.3 ms [+10.1, +14.0]", or that no difference was shown.
std::string difference_text(const std::vector<double>& base, const std::vector<double>& other) {
  const Interval interval = difference_interval(base, other);
  if (interval.contains(0))
    return fmt::format("no measurable difference [{:+.1f}, {:+.1f}] ms", interval.low,
                       interval.high);
  return fmt::format("{:+.1f} ms [{:+.1f}, {:+.1f}]", median(other) - median(base), interval.low,
                     interval.high);
}

ordered_json figures(const std::vector<double>& values) {
  const Interval interval = median_interval(values);
  ordered_json object = {{"n", values.size()},
                         {"medianMs", median(values)},
                         {"medianLowMs", interval.low},
                         {"medianHighMs", interval.high},
                         {"p90Ms", percentile(values, 90)}};
  // With fewer runs the 99th percentile is but the slowest one.
  constexpr std::size_t enough_for_p99 = 100;
  if (values.size() >= enough_for_p99) object["p99Ms"] = percentile(values, 99);
  return object;
}

std::string variants_text(const LabResult& result, const Colours& colours) {
  std::size_t width = 7;
  double longest = 0;
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    width = std::max(width, result.variants[i].name.size());
    longest = std::max(longest, median(result.values(i, std::string(whole))));
  }
  std::string text =
      fmt::format("{}{:{}}  {:>10}  {:>17}  {:>8}  {:>10}{}\n", colours.bold, "variant", width,
                  "cold start", "95 % interval", "p90", "init", colours.plain);
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    text += fmt::format("{:{}}  ", result.variants[i].name, width);
    if (result.failures.contains(i)) {
      text += "the function does not work so\n";
      continue;
    }
    const auto values = result.values(i, std::string(whole));
    const Interval interval = median_interval(values);
    text += fmt::format("{:>7.1f} ms  {:>17}  {:>8.1f}  {:>7.1f} ms  {}\n", median(values),
                        fmt::format("{:.1f} to {:.1f}", interval.low, interval.high),
                        percentile(values, 90), median(result.values(i, std::string(init))),
                        bar(median(values), longest));
  }
  return text;
}

std::string phases_text(const LabResult& result, const Colours& colours) {
  std::string text =
      fmt::format("\n{}phases as configured{} (medians)\n", colours.bold, colours.plain);
  double longest = 0;
  std::size_t width = 0;
  for (const std::string& phase : result.phases()) {
    if (phase == whole || result.values(0, phase).empty()) continue;
    longest = std::max(longest, median(result.values(0, phase)));
    width = std::max(width, phase.size());
  }
  for (const std::string& phase : result.phases()) {
    const auto values = result.values(0, phase);
    if (phase == whole || values.empty()) continue;
    text += fmt::format("  {:{}}  {:>8.2f} ms  {}\n", phase, width, median(values),
                        bar(median(values), longest));
  }
  return text;
}

/// The variant "as configured" in the same state and with the same memory.
std::size_t configured_like(const LabResult& result, const LabVariant& variant) {
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& other = result.variants[i];
    if (other.kind == LabVariant::Kind::configured && other.state == variant.state &&
        other.selection.function.memory_size == variant.selection.function.memory_size)
      return i;
  }
  return 0;
}

/// What leaving something out saves is what it costs.
std::string costs_text(const LabResult& result, const Colours& colours) {
  std::string text;
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& variant = result.variants[i];
    if (result.failures.contains(i)) continue;
    const std::size_t base = configured_like(result, variant);
    const auto configured = result.values(base, std::string(whole));
    const auto without = result.values(i, std::string(whole));
    if (variant.kind == LabVariant::Kind::without_one)
      text += fmt::format("  layer {} \"{}\"", variant.without_layer,
                          result.variants[base].selection.layers[variant.without_layer - 1]);
    else if (variant.kind == LabVariant::Kind::without_any)
      text += "  all layers";
    else
      continue;
    text += fmt::format("{}: {}\n", variant.condition, difference_text(without, configured));
  }
  if (text.empty()) return {};
  return fmt::format("\n{}what layers cost{} (cold start with minus without, 95 % interval)\n",
                     colours.bold, colours.plain) +
         text;
}

std::string quoted(const std::string& text) {
  std::string field = "\"";
  for (const char character : text) field += character == '"' ? "\"\"" : std::string(1, character);
  return field + "\"";
}

}  // namespace

std::string to_text(const LabResult& result, const Colours& colours) {
  std::string text =
      variants_text(result, colours) + phases_text(result, colours) + costs_text(result, colours);
  std::string last;
  for (const auto& [index, failure] : result.failures) {
    // The same in every state and with every memory size.
    if (failure != last) text += fmt::format("\n{}: {}\n", result.variants[index].name, failure);
    last = failure;
  }
  for (const std::string& note : result.notes) text += "\nnote: " + note + "\n";
  return text;
}

std::string to_json(const LabResult& result, const ColdstartCommand& command) {
  ordered_json variants = ordered_json::array();
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& variant = result.variants[i];
    ordered_json row = {{"name", variant.name},
                        {"cache", to_string(variant.state)},
                        {"memorySize", variant.selection.function.memory_size},
                        {"layers", variant.selection.layers}};
    if (const auto failure = result.failures.find(i); failure != result.failures.end()) {
      row["failure"] = failure->second;
    } else {
      ordered_json phases = ordered_json::object();
      for (const std::string& phase : result.phases())
        if (const auto values = result.values(i, phase); !values.empty())
          phases[phase] = figures(values);
      row["phases"] = std::move(phases);
      if (variant.kind != LabVariant::Kind::configured) {
        const auto before = result.values(configured_like(result, variant), std::string(whole));
        const auto after = result.values(i, std::string(whole));
        const Interval interval = difference_interval(before, after);
        row["differenceMs"] = {{"median", median(after) - median(before)},
                               {"low", interval.low},
                               {"high", interval.high}};
      }
    }
    variants.push_back(std::move(row));
  }
  ordered_json runs = ordered_json::array();
  for (const LabRun& run : result.runs) {
    ordered_json phases = ordered_json::object();
    for (const auto& [name, value] : run.phases) phases[name] = value;
    runs.push_back({{"variant", run.variant}, {"phasesMs", phases}});
  }
  const ordered_json document = {{"schema", "lamina-coldstart/1"},
                                 {"runtime", command.selection.function.runtime},
                                 {"runsOfEach", command.runs},
                                 {"variants", variants},
                                 {"runs", runs},
                                 {"notes", result.notes}};
  return document.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_csv(const LabResult& result) {
  const auto phases = result.phases();
  std::string text = "variant,cache,memory";
  for (const std::string& phase : phases) text += "," + quoted(phase + " ms");
  text += "\n";
  for (const LabRun& run : result.runs) {
    const LabVariant& variant = result.variants[run.variant];
    text += fmt::format("{},{},{}", quoted(variant.name), to_string(variant.state),
                        variant.selection.function.memory_size);
    for (const std::string& phase : phases) {
      const double value = run.phase(phase);
      text += value < 0 ? std::string(",") : fmt::format(",{:.4f}", value);
    }
    text += "\n";
  }
  return text;
}

std::vector<Exceeded> exceeded_budgets(const LabResult& result, const ColdstartCommand& command) {
  std::vector<Exceeded> exceeded;
  for (const auto& [phase, limit] : command.budgets) {
    const auto values = result.values(0, phase);
    if (values.empty() || median(values) <= limit) continue;
    exceeded.push_back(
        {fmt::format("budget: {} took {:.1f} ms (median of {}), allowed are {:.1f} "
                     "ms.",
                     phase, median(values), values.size(), limit)});
  }
  return exceeded;
}

base::Result<std::map<std::string, std::vector<double>>> read_baseline(std::string_view json) {
  const Error broken(ErrorKind::invalid_argument,
                     "it is no report of lamina coldstart --json. Make one first.");
  const auto document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  try {
    if (!document.is_object() || document.at("schema") != "lamina-coldstart/1") return broken;
    std::map<std::string, std::vector<double>> values;
    for (const auto& run : document.at("runs"))
      if (run.at("variant") == 0)
        for (const auto& [phase, value] : run.at("phasesMs").items())
          values[phase].push_back(value.get<double>());
    return values;
  } catch (const nlohmann::json::exception&) {
    return broken;
  }
}

std::vector<Exceeded> slower_than(const std::map<std::string, std::vector<double>>& baseline,
                                  const LabResult& result, double tolerance_percent) {
  std::vector<Exceeded> exceeded;
  for (const std::string_view phase : {init, whole}) {
    const auto known = baseline.find(std::string(phase));
    const auto values = result.values(0, std::string(phase));
    if (known == baseline.end() || values.empty()) continue;
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
