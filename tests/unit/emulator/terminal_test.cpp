#include "emulator/terminal.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("control characters are spelt out, everything else stays") {
  CHECK(emulator::printable("python/é x.py") == "python/é x.py");
  CHECK(emulator::printable(std::string_view("a\nb\x1b[2J\x7f\0", 9)) ==
        "a\\x0ab\\x1b[2J\\x7f\\x00");
  CHECK(emulator::printable("\xff\x9b") == "\xff\x9b");
  CHECK(emulator::printable("") == "");
}
