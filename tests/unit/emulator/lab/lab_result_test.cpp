#include "emulator/lab/lab_result.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using emulator::LabResult;
using emulator::LabRun;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a phase that was not measured has no values") {
  LabResult result;
  LabRun run;
  run.variant = 0;
  run.phases = {{"sandbox", 2.0}, {"runtime init", 10.0}};
  result.runs = {run, run};
  CHECK(result.values(0, "sandbox") == std::vector<double>{2, 2});
  CHECK(result.values(0, "extract").empty());
  CHECK(result.values(1, "sandbox").empty());
  CHECK(result.phases() == Names{"sandbox", "runtime init"});
}

TEST_CASE("a phase that only later runs have goes where those had it") {
  LabResult result;
  LabRun warm;
  warm.phases = {{"resolve", 1}, {"compose", 1}, {"runtime init", 1}, {"cold start", 1}};
  LabRun cold;
  cold.phases = {{"resolve", 1}, {"verify", 1},       {"extract", 1},   {"extract a.zip", 1},
                 {"compose", 1}, {"runtime init", 1}, {"cold start", 1}};
  LabRun other;
  other.phases = {{"resolve", 1}, {"extract", 1}, {"extract b.zip", 1}, {"compose", 1}};
  result.runs = {warm, cold, other};
  CHECK(result.phases() == Names{"resolve", "verify", "extract", "extract b.zip", "extract a.zip",
                                 "compose", "runtime init", "cold start"});
}
