#include "emulator/lab/lab_figures.hpp"
#include "emulator/lab/lab_reports.hpp"
#include "emulator/lab/lab_wording.hpp"
#include "emulator/reports/wording.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace emulator {
namespace {

constexpr std::size_t bar_width = 30;

std::string bar(double value, double longest) {
  if (longest <= 0) return {};
  const auto filled =
      static_cast<std::size_t>(value / longest * static_cast<double>(bar_width) + 0.5);
  std::string text;
  for (std::size_t i = 0; i < filled; ++i) text += "█";
  return text;
}

std::string variants_text(const LabResult& result, const Colours& colours) {
  std::size_t width = 7;
  double longest = 0;
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    width = std::max(width, result.variants[i].name.size());
    longest = std::max(longest, median(result.values(i, whole_cold_start)));
  }
  bool has_p99 = false;
  for (std::size_t i = 0; i < result.variants.size(); ++i)
    has_p99 = has_p99 || result.values(i, whole_cold_start).size() >= enough_for_p99;
  std::string text = fmt::format("{}{:{}}  {:>10}  {:>17}  {:>8}{}  {:>10}{}\n", colours.bold,
                                 "variant", width, "cold start", "95 % interval", "p90",
                                 has_p99 ? "       p99" : "", "init", colours.plain);
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    text += fmt::format("{:{}}  ", result.variants[i].name, width);
    if (result.failures.contains(i)) {
      text += "the function does not work so\n";
      continue;
    }
    const auto values = result.values(i, whole_cold_start);
    const Interval interval = median_interval(values);
    text += fmt::format("{:>7.1f} ms  {:>17}  {:>8.1f}{}  {:>7.1f} ms  {}\n", median(values),
                        fmt::format("{:.1f} to {:.1f}", interval.low, interval.high),
                        percentile(values, 90),
                        has_p99 ? fmt::format("  {:>8.1f}", percentile(values, 99)) : std::string(),
                        median(result.values(i, init_phase)), bar(median(values), longest));
  }
  return text;
}

std::string phases_text(const LabResult& result, std::size_t variant, const Colours& colours) {
  std::string text = fmt::format("\n{}phases {}{} (medians)\n", colours.bold,
                                 result.variants[variant].name, colours.plain);
  double longest = 0;
  std::size_t width = 0;
  const auto label = [](const std::string& phase) {
    return phase_around(phase).empty() ? phase : "  " + phase;
  };
  for (const std::string& phase : result.phases()) {
    if (phase == whole_cold_start || result.values(variant, phase).empty()) continue;
    longest = std::max(longest, median(result.values(variant, phase)));
    width = std::max(width, label(phase).size());
  }
  for (const std::string& phase : result.phases()) {
    const auto values = result.values(variant, phase);
    if (phase == whole_cold_start || values.empty()) continue;
    const LabPackage* package = package_of(result.variants[variant], phase);
    text += fmt::format("  {:{}}  {:>8.2f} ms  {}\n", label(phase), width, median(values),
                        package != nullptr ? extraction_text(*package, median(values))
                                           : bar(median(values), longest));
  }
  return text;
}

/// One table for each state of the cache, with the first of the memory sizes: what the phases are
/// does not depend on the size.
std::string phases_text(const LabResult& result, const Colours& colours) {
  std::string text;
  std::vector<CacheState> shown;
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& variant = result.variants[i];
    if (variant.kind != LabVariant::Kind::configured ||
        std::find(shown.begin(), shown.end(), variant.state) != shown.end())
      continue;
    shown.push_back(variant.state);
    text += phases_text(result, i, colours);
  }
  return text;
}

/// How every table names a layer.
std::string layer_text(std::size_t number, const std::string& name) {
  return fmt::format("layer {} \"{}\"", number, name);
}

/// What leaving something out saves is what it costs.
std::string costs_text(const LabResult& result, const Colours& colours) {
  const std::vector<LayerCost> costs = layer_costs(result);
  if (costs.empty()) return {};
  std::string text =
      fmt::format("\n{}what layers cost{} (cold start with minus without, 95 % interval)\n",
                  colours.bold, colours.plain);
  for (const LayerCost& cost : costs) {
    text += cost.without == LabVariant::Kind::bundled ? std::string("  layers, not one package")
            : cost.layer == 0                         ? std::string("  all layers")
                                                      : "  " + layer_text(cost.layer, cost.name);
    text += fmt::format("{}: {}\n", result.variants[cost.variant].condition,
                        difference_text(cost.cold_start));
  }
  return text;
}

/// "31.0 of 198.0 MB"; what is small all together in kB.
std::string bytes_text(std::uint64_t part, std::uint64_t whole) {
  constexpr double kilobyte = 1e3;
  constexpr std::uint64_t megabyte = 1'000'000;
  const double unit = whole < megabyte ? kilobyte : megabyte;
  return fmt::format("{:.1f} of {:.1f} {}", static_cast<double>(part) / unit,
                     static_cast<double>(whole) / unit, whole < megabyte ? "kB" : "MB");
}

std::string touched_text(const LabResult& result, const Colours& colours) {
  if (!result.touched) return {};
  std::string text = fmt::format("\n{}what a cold start and an invocation opened{}\n", colours.bold,
                                 colours.plain);
  std::size_t number = 0;
  for (const TouchedPackage& package : *result.touched)
    text += fmt::format("  {}: touched {} of {} files, {}\n",
                        package.is_code ? std::string("code") : layer_text(++number, package.name),
                        grouped(package.touched_files), grouped(package.files),
                        bytes_text(package.touched_bytes, package.bytes));
  return text;
}

/// Where a module comes from. The same archive given twice is found in the upper one.
std::string package_text(const LabResult& result, const std::string& package) {
  if (package.empty()) return "runtime";
  const auto& layers = result.variants.front().selection.layers;
  for (std::size_t number = layers.size(); number > 0; --number)
    if (layers[number - 1] == package) return layer_text(number, package);
  return "code";
}

/// A module's name for a column. It comes from the function: nothing in it may steer the terminal,
/// and one sign for each keeps the column narrow.
std::string shortened(const std::string& name) {
  constexpr std::size_t longest = 60;
  std::string text;
  for (const char character : name)
    text += static_cast<unsigned char>(character) < ' ' || character == '\x7f' ? '?' : character;
  // The end of a path tells more than its beginning.
  return text.size() <= longest ? text : "..." + text.substr(text.size() - longest + 3);
}

std::string imports_text(const LabResult& result, const Colours& colours) {
  if (!result.imports || result.imports->empty()) return {};
  constexpr std::size_t shown = 10;
  const std::size_t count = std::min(shown, result.imports->size());
  const std::string title = "dear imports";
  std::size_t width = title.size();
  for (std::size_t i = 0; i < count; ++i)
    width = std::max(width, 2 + shortened((*result.imports)[i].name).size());
  std::string text = fmt::format("\n{}{:{}}  {:>10}  {:>16}  {}{}\n", colours.bold, title, width,
                                 "self", "with its imports", "from", colours.plain);
  for (std::size_t i = 0; i < count; ++i) {
    const ImportedModule& module = (*result.imports)[i];
    text +=
        fmt::format("  {:{}}  {:>7.2f} ms  {:>13.2f} ms  {}\n", shortened(module.name), width - 2,
                    module.self_ms, module.total_ms, package_text(result, module.package));
  }
  return text;
}

}  // namespace

std::string to_text(const LabResult& result, const Colours& colours) {
  std::string text =
      variants_text(result, colours) + phases_text(result, colours) + costs_text(result, colours);
  text += touched_text(result, colours) + imports_text(result, colours);
  std::string last;
  for (const auto& [index, failure] : result.failures) {
    // The same in every state and with every memory size.
    if (failure != last) text += fmt::format("\n{}: {}\n", result.variants[index].name, failure);
    last = failure;
  }
  for (const std::string& note : result.notes) text += "\nnote: " + note + "\n";
  return text;
}

}  // namespace emulator
