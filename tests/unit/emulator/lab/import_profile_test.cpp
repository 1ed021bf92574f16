#include "emulator/lab/import_profile.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using emulator::ImportLines;

namespace {

constexpr std::string_view mark = "0123456789abcdef";

std::string line(const std::string& rest) {
  return "\n" + std::string(mark) + "\t" + rest + "\n";
}

std::size_t taken(const std::string& bytes) {
  ImportLines lines{std::string(mark)};
  lines.feed(bytes);
  return lines.modules().size();
}

}  // namespace

TEST_CASE("lines are found among the log, in whatever pieces it arrives") {
  const std::string log = "START\nhalf a line" +
                          line("\tpkg.mod\t1500000\t2000000\t/opt/python/m.py") + "END\n" +
                          line("es\tx.mjs\t0\t0\t") + "more";
  for (std::size_t piece = 1; piece <= log.size(); ++piece) {
    ImportLines lines{std::string(mark)};
    for (std::size_t at = 0; at < log.size(); at += piece)
      lines.feed(std::string_view(log).substr(at, piece));
    REQUIRE(lines.modules().size() == 2);
    CHECK(lines.modules()[0].name == "pkg.mod");
    CHECK(lines.modules()[0].self_ms == doctest::Approx(1.5));
    CHECK(lines.modules()[0].total_ms == doctest::Approx(2));
    CHECK(lines.modules()[0].file == "/opt/python/m.py");
    CHECK(lines.modules()[1].file.empty());
    CHECK(lines.has_es_modules());
  }
}

TEST_CASE("what the function writes itself is not believed") {
  CHECK(taken("import time:       100 |        100 | os\n") == 0);
  CHECK(taken("0123456789abcdeX\t\ta\t1\t1\t/f\n") == 0);
  CHECK(taken(std::string(mark) + "\n") == 0);
  CHECK(taken(std::string(mark) + "extra\t\ta\t1\t1\t/f\n") == 0);
  CHECK(taken(line("\ta\t1\t1")) == 0);
  CHECK(taken(line("\ta\t-1\t1\t/f")) == 0);
  CHECK(taken(line("\ta\t1e9\t1\t/f")) == 0);
  CHECK(taken(line("\ta\t99999999999999999999999\t1\t/f")) == 0);
  CHECK(taken(line("\ta\t18446744073709551615\t1\t/f")) == 0);
  CHECK(taken(line("\ta\t \t1\t/f")) == 0);
  CHECK(taken(line("\ta\t\t\t/f")) == 0);
  CHECK(taken(line("\t\t1\t1\t/f")) == 0);
  CHECK(taken(line("\ta\t1\t1\t/f")) == 1);
}

TEST_CASE("an empty mark takes nothing") {
  ImportLines lines{""};
  lines.feed("\t\ta\t1\t1\t/f\n");
  CHECK(lines.modules().empty());
}

TEST_CASE("a log without end costs no memory, and a line after it is found") {
  ImportLines lines{std::string(mark)};
  for (int i = 0; i < 64; ++i) lines.feed(std::string(1 << 20, 'x'));
  lines.feed(line("\ta\t1\t1\t/f"));
  CHECK(lines.modules().size() == 1);
  // The beginning of a line that is too long is no line.
  lines.feed(std::string(mark) + "\t\tb\t1\t1\t/" + std::string(1 << 20, 'f') + "\n");
  CHECK(lines.modules().size() == 1);
}

TEST_CASE("no more than 5,000 modules are kept, and that is said") {
  ImportLines lines{std::string(mark)};
  for (int i = 0; i < 5000; ++i) lines.feed(line("\ta\t1\t1\t/f"));
  CHECK_FALSE(lines.cut());
  lines.feed(line("\ta\t1\t1\t/f"));
  CHECK(lines.cut());
  CHECK(lines.modules().size() == 5000);
}
