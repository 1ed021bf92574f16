#include "emulator/lab/gates.hpp"

#include "emulator/lab/lab_reports.hpp"
#include "tests/support/lab_results.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using emulator::ColdstartCommand;
using emulator::LabVariant;

TEST_CASE("a budget is held by the median, and one that nothing was held against is exceeded") {
  ColdstartCommand command;
  command.budgets = {{"runtime init", 29.0}, {"cold start", 30.0}, {"extract", 1.0}};
  const auto exceeded = exceeded_budgets(measured({{30, 31, 32, 500, 30}}), command);
  REQUIRE(exceeded.size() == 2);
  CHECK(exceeded[0].sentence ==
        "budget: cold start took 31.0 ms (median of 5), allowed are 30.0 ms.");
  CHECK(has(exceeded[1].sentence, "\"extract\" did not happen"));
}

TEST_CASE("a budget holds in every state of the configuration, and nowhere else") {
  ColdstartCommand command;
  command.budgets = {{"cold start", 20.0}};
  auto result = measured({{10, 10, 10}, {30, 30, 30}, {40, 40, 40}});
  result.variants[1].kind = LabVariant::Kind::configured;
  result.variants[1].condition = ", cold-store";
  const auto exceeded = exceeded_budgets(result, command);
  REQUIRE(exceeded.size() == 1);
  CHECK(has(exceeded[0].sentence, "cold start, cold-store took 30.0 ms"));
}

TEST_CASE("only what was measured alike is compared") {
  ColdstartCommand command;
  command.selection.function.runtime = "python3.11";
  command.selection.function.memory_size = 512;
  command.states = {emulator::CacheState::extracted};
  emulator::Baseline baseline{"python3.11", "extracted", 512, {}};
  CHECK(check_comparable(baseline, command).has_value());
  baseline.memory_size = 128;
  CHECK_FALSE(check_comparable(baseline, command).has_value());
  baseline = {"python3.11", "cold-store", 512, {}};
  CHECK_FALSE(check_comparable(baseline, command).has_value());
  baseline = {"python3.12", "extracted", 512, {}};
  CHECK_FALSE(check_comparable(baseline, command).has_value());
}

TEST_CASE("a report is its own baseline, and one that is slower for sure is told") {
  const ColdstartCommand command;
  const auto old = measured({{30, 31, 30, 32, 31}});
  const auto baseline = emulator::read_baseline(to_json(old, command));
  REQUIRE(baseline.has_value());
  CHECK(baseline->values.at("cold start") == std::vector<double>{30, 31, 30, 32, 31});
  CHECK(slower_than(*baseline, old, 0).empty());
  const auto slower = slower_than(*baseline, measured({{40, 41, 40, 42, 41}}), 5);
  REQUIRE(slower.size() == 2);
  CHECK(has(slower[1].sentence, "cold start is slower by 10.0 ms ["));
  CHECK(slower_than(*baseline, measured({{40, 41, 40, 42, 41}}), 50).empty());
  // Half of the runs are as fast as ever: nothing is sure.
  CHECK(slower_than(*baseline, measured({{30, 41, 30, 31, 41}}), 5).empty());
}

TEST_CASE("a comparison says the difference, also where nothing is exceeded") {
  const auto old = measured({{40, 41, 40, 42, 41}});
  const auto baseline = emulator::read_baseline(to_json(old, ColdstartCommand()));
  REQUIRE(baseline.has_value());
  const auto faster = comparison_text(*baseline, measured({{30, 31, 30, 32, 31}}), {});
  CHECK(has(faster, "cold start: -10.0 ms ["));
  CHECK(has(faster, "runtime init: -10.0 ms ["));
  CHECK(has(comparison_text(*baseline, old, {}), "cold start: no measurable difference ["));
}

TEST_CASE("what is no report is no baseline") {
  for (const char* text : {"", "[]", "{}", R"({"schema": "lamina-coldstart/1"})",
                           R"({"schema": "lamina-coldstart/1", "runs": [{"variant": 0}]})",
                           R"({"schema": "lamina-coldstart/1", "runs": [1]})",
                           R"({"schema": "lamina-coldstart/1", "runtime": "python3.11", "runs": [],
                               "variants": [{"cache": "extracted", "memorySize": 128}]})"})
    CHECK_FALSE_MESSAGE(emulator::read_baseline(text).has_value(), text);
}
