#include "emulator/reports/wording.hpp"

#include <doctest/doctest.h>

using emulator::counted;
using emulator::grouped;
using emulator::megabytes;

TEST_CASE("digits are grouped by threes") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("one thing has no s") {
  CHECK(counted(1, "file") == "1 file");
  CHECK(counted(0, "file") == "0 files");
  CHECK(counted(9600, "file") == "9,600 files");
}

TEST_CASE("a megabyte is a million bytes") {
  CHECK(megabytes(31'000'000) == "31.0");
  CHECK(megabytes(49'999) == "0.0");
}
