#include "emulator/lab/waterfall.hpp"

#include "tests/support/lab_results.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using emulator::LabRun;
using emulator::median_run;
using emulator::waterfall;
using emulator::WaterfallRow;

namespace {

LabRun cold_store_run() {
  LabRun run;
  run.phases = {{"resolve", 1},           {"extract", 30},       {"compose", 2},
                {"extract a.zip", 10},    {"extract b.zip", 20}, {"sandbox", 5},
                {"runtime init", 50},     {"runtime start", 20}, {"function init", 30},
                {"first invocation", 10}, {"cold start", 100},   {"second invocation", 4}};
  return run;
}

WaterfallRow row(const std::vector<WaterfallRow>& rows, const std::string& phase) {
  for (const WaterfallRow& one : rows)
    if (one.phase == phase) return one;
  FAIL("no row " << phase);
  return {};
}

}  // namespace

TEST_CASE("parts stand behind their whole, in the order of events") {
  std::vector<std::string> names;
  for (const WaterfallRow& one : waterfall(cold_store_run())) names.push_back(one.phase);
  CHECK(names == std::vector<std::string>{"resolve", "extract", "extract a.zip", "extract b.zip",
                                          "compose", "other preparation", "sandbox", "runtime init",
                                          "runtime start", "function init", "first invocation",
                                          "second invocation"});
}

TEST_CASE("the first invocation ends where the cold start ends") {
  const auto rows = waterfall(cold_store_run());
  CHECK(row(rows, "sandbox").start == doctest::Approx(35));
  CHECK(row(rows, "runtime init").start == doctest::Approx(40));
  CHECK(row(rows, "function init").start == doctest::Approx(60));
  CHECK(row(rows, "first invocation").start == doctest::Approx(90));
  CHECK(row(rows, "second invocation").start == doctest::Approx(100));
}

TEST_CASE("preparation that is in no phase is said to be so") {
  const auto rows = waterfall(cold_store_run());
  CHECK(row(rows, "other preparation").start == doctest::Approx(33));
  CHECK(row(rows, "other preparation").duration == doctest::Approx(2));
}

TEST_CASE("packages that were extracted at the same time start together") {
  LabRun run = cold_store_run();
  run.phases[3].second = 25;
  const auto rows = waterfall(run);
  CHECK(row(rows, "extract a.zip").start == doctest::Approx(1));
  CHECK(row(rows, "extract b.zip").start == doctest::Approx(1));
}

TEST_CASE("the median run is one that was measured") {
  const auto result = measured({{30, 10, 20}, {40, 10, 30, 20}});
  CHECK(median_run(result, 0) == 2u);
  CHECK(median_run(result, 1) == 5u);
  CHECK_FALSE(median_run(measured({{}}), 0));
}
