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
