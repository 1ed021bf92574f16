#include "emulator/cold_start_report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using emulator::ColdstartCommand;
using emulator::LabResult;
using emulator::LabRun;
using emulator::LabVariant;

namespace {

LabResult measured(const std::vector<std::vector<double>>& cold_starts) {
  LabResult result;
  for (std::size_t i = 0; i < cold_starts.size(); ++i) {
    LabVariant variant;
    variant.kind = i == 0 ? LabVariant::Kind::configured : LabVariant::Kind::without_any;
    variant.name = i == 0 ? "as configured" : "no layers";
    result.variants.push_back(variant);
    for (const double value : cold_starts[i]) {
      LabRun run;
      run.variant = i;
      run.phases = {{"runtime init", value - 2}, {"cold start", value}};
      result.runs.push_back(run);
    }
  }
  return result;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what layers cost is the difference, with its interval") {
  const auto text = to_text(measured({{30, 31, 30, 32, 31}, {10, 11, 10, 12, 11}}), {});
  CHECK(has(text, "all layers: +20.0 ms ["));
  CHECK(has(text, "as configured"));
}

TEST_CASE("an interval that holds zero is no difference") {
  const auto text = to_text(measured({{30, 10, 31, 11, 20}, {10, 31, 11, 30, 21}}), {});
  CHECK(has(text, "all layers: no measurable difference ["));
}

TEST_CASE("a variant that does not work has no figures but a reason") {
  auto result = measured({{30, 31, 32}, {}});
  result.failures[1] = "No module named 'x'";
  const auto text = to_text(result, {});
  CHECK(has(text, "the function does not work so"));
  CHECK(has(text, "no layers: No module named 'x'"));
  CHECK_FALSE(has(text, "what layers cost"));
}

TEST_CASE("a budget is held by the median") {
  ColdstartCommand command;
  command.budgets = {{"runtime init", 29.0}, {"cold start", 30.0}, {"extract", 1.0}};
  const auto exceeded = exceeded_budgets(measured({{30, 31, 32, 500, 30}}), command);
  REQUIRE(exceeded.size() == 1);
  CHECK(exceeded[0].sentence ==
        "budget: cold start took 31.0 ms (median of 5), allowed are 30.0 ms.");
}

TEST_CASE("a report is its own baseline, and one that is slower for sure is told") {
  const ColdstartCommand command;
  const auto old = measured({{30, 31, 30, 32, 31}});
  const auto baseline = emulator::read_baseline(to_json(old, command));
  REQUIRE(baseline.has_value());
  CHECK(baseline->at("cold start") == std::vector<double>{30, 31, 30, 32, 31});
  CHECK(slower_than(*baseline, old, 0).empty());
  const auto slower = slower_than(*baseline, measured({{40, 41, 40, 42, 41}}), 5);
  REQUIRE(slower.size() == 2);
  CHECK(has(slower[1].sentence, "cold start is slower by 10.0 ms ["));
  CHECK(slower_than(*baseline, measured({{40, 41, 40, 42, 41}}), 50).empty());
  // Half of the runs are as fast as ever: nothing is sure.
  CHECK(slower_than(*baseline, measured({{30, 41, 30, 31, 41}}), 5).empty());
}

TEST_CASE("what is no report is no baseline") {
  for (const char* text : {"", "[]", "{}", R"({"schema": "lamina-coldstart/1"})",
                           R"({"schema": "lamina-coldstart/1", "runs": [{"variant": 0}]})",
                           R"({"schema": "lamina-coldstart/1", "runs": [1]})"})
    CHECK_FALSE_MESSAGE(emulator::read_baseline(text).has_value(), text);
}

TEST_CASE("the CSV has a row a run, and names are quoted") {
  auto result = measured({{30, 31}});
  result.variants[0].name = "a \"b\"";
  CHECK(to_csv(result) ==
        "variant,cache,memory,\"runtime init ms\",\"cold start ms\"\n"
        "\"a \"\"b\"\"\",extracted,128,28.0000,30.0000\n"
        "\"a \"\"b\"\"\",extracted,128,29.0000,31.0000\n");
}
