#include "emulator/lab/lab_figures.hpp"
#include "emulator/lab/lab_reports.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace emulator {
namespace {

using nlohmann::ordered_json;

ordered_json figures(const std::vector<double>& values) {
  const Interval interval = median_interval(values);
  ordered_json object = {{"n", values.size()},
                         {"medianMs", median(values)},
                         {"medianLowMs", interval.low},
                         {"medianHighMs", interval.high},
                         {"p90Ms", percentile(values, 90)}};
  if (values.size() >= enough_for_p99) object["p99Ms"] = percentile(values, 99);
  return object;
}

ordered_json package_rows(const std::vector<LabPackage>& packages) {
  ordered_json rows = ordered_json::array();
  for (const LabPackage& package : packages)
    rows.push_back({{"name", package.name},
                    {"kind", package.is_code ? "code" : "layer"},
                    {"archiveBytes", package.archive_bytes},
                    {"bytes", package.bytes},
                    {"files", package.files}});
  return rows;
}

ordered_json touched_rows(const std::vector<TouchedPackage>& packages) {
  ordered_json rows = ordered_json::array();
  for (const TouchedPackage& package : packages)
    rows.push_back({{"name", package.name},
                    {"kind", package.is_code ? "code" : "layer"},
                    {"touchedFiles", package.touched_files},
                    {"files", package.files},
                    {"touchedBytes", package.touched_bytes},
                    {"bytes", package.bytes}});
  return rows;
}

ordered_json import_rows(const std::vector<ImportedModule>& modules) {
  ordered_json rows = ordered_json::array();
  for (const ImportedModule& module : modules)
    rows.push_back({{"name", module.name},
                    {"selfMs", module.self_ms},
                    {"totalMs", module.total_ms},
                    {"file", module.file},
                    {"package", module.package}});
  return rows;
}

std::string quoted(const std::string& text) {
  std::string field = "\"";
  for (const char character : text) field += character == '"' ? "\"\"" : std::string(1, character);
  return field + "\"";
}

}  // namespace

std::string to_json(const LabResult& result, const ColdstartCommand& command) {
  ordered_json variants = ordered_json::array();
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    const LabVariant& variant = result.variants[i];
    ordered_json row = {{"name", variant.name},
                        {"cache", to_string(variant.state)},
                        {"memorySize", variant.selection.function.memory_size},
                        {"layers", variant.selection.layers},
                        {"packages", package_rows(variant.packages)}};
    if (const auto failure = result.failures.find(i); failure != result.failures.end()) {
      row["failure"] = failure->second;
    } else {
      ordered_json phases = ordered_json::object();
      for (const std::string& phase : result.phases())
        if (const auto values = result.values(i, phase); !values.empty())
          phases[phase] = figures(values);
      row["phases"] = std::move(phases);
      if (variant.kind != LabVariant::Kind::configured) {
        const auto before = result.values(configured_like(result, variant), whole_cold_start);
        const auto after = result.values(i, whole_cold_start);
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
  ordered_json document = {{"schema", "lamina-coldstart/1"},
                           {"runtime", command.selection.function.runtime},
                           {"runsOfEach", command.runs},
                           {"variants", variants},
                           {"runs", runs},
                           {"notes", result.notes}};
  if (result.touched) document["touched"] = touched_rows(*result.touched);
  if (result.imports) document["imports"] = import_rows(*result.imports);
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

}  // namespace emulator
