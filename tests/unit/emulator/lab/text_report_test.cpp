#include "emulator/lab/lab_reports.hpp"
#include "tests/support/lab_results.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

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

TEST_CASE("what was touched is a line a package, with the layer's number") {
  auto result = measured({{30, 31, 32}});
  CHECK_FALSE(has(to_text(result, {}), "touched"));
  emulator::TouchedPackage code;
  code.is_code = true;
  code.name = "app";
  code.touched_files = 1;
  code.files = 2;
  code.touched_bytes = 1500;
  code.bytes = 20'000;
  emulator::TouchedPackage layer;
  layer.name = "deps.zip";
  layer.touched_files = 214;
  layer.files = 1'009'600;
  layer.touched_bytes = 31'000'000;
  layer.bytes = 198'000'000;
  result.touched = {code, layer};
  const auto text = to_text(result, {});
  CHECK(has(text, "code: touched 1 of 2 files, 1.5 of 20.0 kB\n"));
  CHECK(has(text, "layer 1 \"deps.zip\": touched 214 of 1,009,600 files, 31.0 of 198.0 MB\n"));
}

TEST_CASE("the ten dearest imports are shown, with the layer of each") {
  auto result = measured({{30, 31, 32}});
  result.variants[0].selection.code = "app";
  result.variants[0].selection.layers = {"a.zip", "b.zip"};
  result.imports.emplace();
  for (int i = 0; i < 12; ++i) {
    emulator::ImportedModule module;
    module.name = "module" + std::to_string(i);
    module.self_ms = 50 - i;
    module.total_ms = 60;
    module.package = i == 0 ? "b.zip" : i == 1 ? "app" : "";
    result.imports->push_back(module);
  }
  result.imports->at(2).name = "evil\x1b[31m\n";
  const auto text = to_text(result, {});
  CHECK(has(text, "module0       50.00 ms          60.00 ms  layer 2 \"b.zip\"\n"));
  CHECK(has(text, "ms  code\n"));
  CHECK(has(text, "module9"));
  CHECK(has(text, "ms  runtime\n"));
  CHECK_FALSE(has(text, "module10"));
  CHECK_FALSE(has(text, "\x1b"));
}

TEST_CASE("the 99th percentile is shown when there are runs enough for it") {
  std::vector<double> few(99, 10);
  std::vector<double> enough(100, 10);
  CHECK_FALSE(has(to_text(measured({few}), {}), "p99"));
  CHECK(has(to_text(measured({enough}), {}), "p99"));
}
