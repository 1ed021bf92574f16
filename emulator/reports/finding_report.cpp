#include "emulator/reports/finding_report.hpp"

#include "emulator/reports/wording.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

namespace emulator {
namespace {

using diagnosis::Finding;
using diagnosis::Rule;
using diagnosis::Severity;
using nlohmann::ordered_json;

constexpr std::size_t most_paths_shown = 5;

std::string dumped(const ordered_json& document) {
  // Names in an archive are bytes; JSON wants UTF-8.
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::size_t count_of(std::span<const Finding> findings, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [severity](const Finding& finding) { return finding.severity == severity; }));
}

std::string_view colour_of(Severity severity, const Colours& colours) {
  switch (severity) {
    case Severity::error:
      return colours.red;
    case Severity::warning:
      return colours.yellow;
    case Severity::note:
      break;
  }
  return colours.dim;
}

/// A relative reference as SARIF's artifactLocation wants it.
std::string uri_of(const std::string& path) {
  std::string uri;
  for (const char character : path) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0 ||
        std::string_view("-._~/").find(character) != std::string_view::npos)
      uri += character;
    else
      uri += fmt::format("%{:02X}", byte);
  }
  return path.starts_with('/') ? "file://" + uri : uri;
}

ordered_json location_of(const Finding& finding, const std::string& package) {
  // A file inside an archive has no address of its own: the archive has, and the message names it.
  std::error_code error;
  const bool folder = std::filesystem::is_directory(package, error);
  std::string path = package;
  if (folder && !finding.path.empty()) path += "/" + finding.path;
  ordered_json location = {{"physicalLocation", {{"artifactLocation", {{"uri", uri_of(path)}}}}}};
  if (!finding.path.empty())
    location["logicalLocations"] =
        ordered_json::array({{{"fullyQualifiedName", finding.path}, {"kind", "resource"}}});
  return location;
}

}  // namespace

std::string headline(const Finding& finding) {
  std::string text;
  if (finding.package == "code")
    text = "code: ";
  else if (!finding.package.empty())
    text = "layer \"" + finding.package + "\": ";
  if (!finding.path.empty()) text += finding.path + ": ";
  return text + finding.message;
}

std::string to_text(std::span<const Finding> findings, const Colours& colours) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}{}{}: {} {}[{}]{}\n", colour_of(finding.severity, colours),
                        to_string(finding.severity), colours.plain, printable(headline(finding)),
                        colours.dim, finding.id, colours.plain);
    const std::size_t shown = std::min(finding.more.size(), most_paths_shown);
    for (std::size_t i = 0; i < shown; ++i)
      text += "    also: " + printable(finding.more[i]) + "\n";
    if (finding.more.size() > shown)
      text += fmt::format("    and {} more\n", finding.more.size() - shown);
    text += "    On AWS: " + finding.consequence + "\n    Mend: " + finding.remedy + "\n";
  }
  if (findings.empty()) return "no findings\n";
  return text + fmt::format("{}, {}, {}\n", counted(count_of(findings, Severity::error), "error"),
                            counted(count_of(findings, Severity::warning), "warning"),
                            counted(count_of(findings, Severity::note), "note"));
}

std::string to_json(std::span<const Finding> findings) {
  ordered_json rows = ordered_json::array();
  for (const Finding& finding : findings)
    rows.push_back({{"id", finding.id},
                    {"severity", to_string(finding.severity)},
                    {"package", finding.package},
                    {"path", finding.path},
                    {"message", finding.message},
                    {"onAws", finding.consequence},
                    {"remedy", finding.remedy},
                    {"more", finding.more}});
  return dumped({{"schema", "lamina-check/1"},
                 {"errors", count_of(findings, Severity::error)},
                 {"warnings", count_of(findings, Severity::warning)},
                 {"notes", count_of(findings, Severity::note)},
                 {"findings", rows}});
}

std::string to_sarif(std::span<const Finding> findings, const std::string& code) {
  ordered_json rules = ordered_json::array();
  for (const Rule& rule : diagnosis::rules())
    rules.push_back({{"id", rule.id},
                     {"shortDescription", {{"text", rule.title}}},
                     {"fullDescription", {{"text", rule.what_happens}}},
                     {"help", {{"text", rule.remedy}}},
                     {"defaultConfiguration", {{"level", to_string(rule.severity)}}}});
  ordered_json results = ordered_json::array();
  for (const Finding& finding : findings) {
    std::string message = headline(finding) + " " + finding.consequence + " " + finding.remedy;
    ordered_json result = {{"ruleId", finding.id},
                           {"level", to_string(finding.severity)},
                           {"message", {{"text", message}}}};
    const bool of_layer = !finding.package.empty() && finding.package != "code";
    if (const std::string& package = of_layer ? finding.package : code; !package.empty())
      result["locations"] = ordered_json::array({location_of(finding, package)});
    results.push_back(std::move(result));
  }
  return dumped(
      {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
       {"version", "2.1.0"},
       {"runs",
        ordered_json::array(
            {{{"tool",
               {{"driver", {{"name", "lamina"}, {"version", LAMINA_VERSION}, {"rules", rules}}}}},
              {"results", results}}})}});
}

}  // namespace emulator
