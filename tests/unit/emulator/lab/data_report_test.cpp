#include "emulator/lab/lab_reports.hpp"
#include "tests/support/lab_results.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_CASE("the CSV has a row a run, and names are quoted") {
  auto result = measured({{30, 31}});
  result.variants[0].name = "a \"b\"";
  CHECK(to_csv(result) ==
        "variant,cache,memory,\"runtime init ms\",\"cold start ms\"\n"
        "\"a \"\"b\"\"\",extracted,128,28.0000,30.0000\n"
        "\"a \"\"b\"\"\",extracted,128,29.0000,31.0000\n");
}

TEST_CASE("the JSON says what each variant is made of") {
  auto result = measured({{30, 31}});
  result.variants[0].packages = {{"app", true, 0, 12, 1}, {"a.zip", false, 100, 300, 7}};
  const std::string json = to_json(result, {});
  CHECK(has(json, "\"kind\": \"code\""));
  CHECK(has(json, "\"archiveBytes\": 100"));
  CHECK(has(json, "\"files\": 7"));
}
