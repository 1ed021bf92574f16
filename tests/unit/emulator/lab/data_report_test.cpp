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
