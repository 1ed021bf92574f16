#include "emulator/lab/page_report.hpp"

#include "emulator/lab/lab_reports.hpp"
#include "tests/support/lab_results.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using emulator::ColdstartCommand;
using emulator::filled;
using emulator::html_text;
using emulator::LabResult;
using emulator::to_page;
using Kind = emulator::LabVariant::Kind;

namespace {

constexpr const char* hostile =
    "</script><img src=x onerror=alert(1)>'\"&<!--\xe2\x80\xa8{{style}}";

ColdstartCommand command_with(std::vector<std::string> layers) {
  ColdstartCommand command;
  command.selection.function.runtime = "python3.11";
  command.selection.function.handler = "app.handler";
  command.selection.layers = std::move(layers);
  return command;
}

LabResult one_layer(const std::vector<double>& with, const std::vector<double>& without) {
  LabResult result = measured({with, without});
  result.variants[0].selection.layers = {"deps.zip"};
  return result;
}

std::string base64_decoded(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char digit : text) {
    if (digit == '=') break;
    bits = bits << 6 | static_cast<unsigned>(digits.find(digit));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

std::string record_of(const std::string& page) {
  const std::string before = "data:application/json;base64,";
  const std::size_t at = page.find(before);
  REQUIRE(at != std::string::npos);
  return base64_decoded(page.substr(at + before.size(), page.find('"', at) - at - before.size()));
}

}  // namespace

TEST_CASE("the headline says what the layers cost, and how well the runs know it") {
  const auto page =
      to_page(one_layer({30, 31, 30, 32, 31}, {10, 11, 10, 12, 11}), command_with({"deps.zip"}));
  CHECK(has(page, "The layer adds 20.0 ms (95&nbsp;%&nbsp;interval "));
}

TEST_CASE("a difference that was not shown is not claimed") {
  const auto page =
      to_page(one_layer({30, 10, 31, 11, 20}, {10, 31, 11, 30, 21}), command_with({"deps.zip"}));
  CHECK(has(page, "These runs show no measurable difference between a cold start with the layer"));
  CHECK(has(page, ">no measurable difference</span>"));
}

TEST_CASE("what was not measured has no section") {
  const auto page = to_page(measured({{30, 31, 32}}), command_with({}));
  CHECK(has(page, "A cold start takes 31.0 ms"));
  for (const char* section :
       {"costs", "others", "matrix", "touched", "imports", "failures", "notes"})
    CHECK_FALSE(has(page, std::string("id=\"") + section + "-title\""));
}

TEST_CASE("what was measured has its section") {
  LabResult result = one_layer({30, 31, 32}, {10, 11, 12});
  result.variants[0].packages = {{"code", true, 0, 1000, 1},
                                 {"deps.zip", false, 2'000'000, 4'000'000, 1200}};
  result.touched = {{"code", true, 1, 1, 1000, 1000},
                    {"deps.zip", false, 30, 1200, 90'000, 4'000'000}};
  result.imports = {{"numpy", 60.25, 80.5, "/opt/python/numpy/__init__.py", "deps.zip"},
                    {"json", 1, 1, "", ""}};
  result.notes = {"so and so"};
  const auto page = to_page(result, command_with({"deps.zip"}));
  CHECK(has(page, "4.0 MB<small>1,200 files</small><small>2.0 MB packed</small>"));
  CHECK(has(page, ">30 of 1,200</td>"));
  CHECK(has(page, ">90.0 kB of 4.0 MB</td>"));
  CHECK(has(page, ">60.2 ms</td>"));
  CHECK(has(page, ">the runtime</td>"));
  CHECK(has(page, "<li><bdi>so and so</bdi></li>"));
}

TEST_CASE("that they are layers, and not one package, has a cost of its own") {
  LabResult result = one_layer({30, 31, 30}, {10, 11, 10});
  result.variants.push_back(result.variants[0]);
  result.variants[2].kind = Kind::bundled;
  result.variants[2].name = "one package";
  for (const double value : {25.0, 26.0, 25.0}) {
    emulator::LabRun run;
    run.variant = 2;
    run.phases = {{"runtime init", value - 2}, {"cold start", value}};
    result.runs.push_back(run);
  }
  const auto page = to_page(result, command_with({"deps.zip"}));
  CHECK(has(page, ">layers, not one package</th>"));
  CHECK(has(page, "<span>+5.0 ms</span>"));
  CHECK(has(page, "The layer adds 20.0 ms"));
}

TEST_CASE("another order is compared with the configuration") {
  LabResult result = measured({{30, 31, 30}, {20, 21, 20}});
  result.variants[1].kind = Kind::other_order;
  result.variants[1].name = "order 2,1";
  const auto page = to_page(result, command_with({"deps.zip"}));
  CHECK(has(page, "id=\"others-title\""));
  CHECK(has(page, "<span>-10.0 ms</span>"));
}

TEST_CASE("a variant that does not work has a reason and no figures") {
  LabResult result = one_layer({30, 31, 32}, {});
  result.failures[1] = "No module named 'deps'";
  const auto page = to_page(result, command_with({"deps.zip"}));
  CHECK(has(page, "the function does not work without them"));
  CHECK(has(page, "No module named &#39;deps&#39;"));
  CHECK_FALSE(has(page, "id=\"costs-title\""));
}

TEST_CASE("names from outside are text, wherever they come from") {
  LabResult result = one_layer({30, 31, 32}, {10, 11, 12});
  const std::string name = hostile;
  result.variants[0].selection.layers = {name};
  result.variants[0].packages = {{name, false, 1, 1, 1}};
  result.variants[1].name = name;
  for (auto& run : result.runs)
    if (run.variant == 0) {
      run.phases.insert(run.phases.begin(), {"extract " + name, 1.0});
      run.phases.insert(run.phases.begin(), {"extract", 1.0});
    }
  result.touched = {{name, false, 1, 1, 1, 1}};
  result.imports = {{name, 1, 1, name, name}};
  result.notes = {name};
  result.variants.push_back(result.variants[1]);
  result.failures[2] = name;
  ColdstartCommand command = command_with({name});
  command.selection.code = name;
  command.selection.function.handler = name;
  command.selection.function.runtime = name;
  const auto page = to_page(result, command);
  CHECK_FALSE(has(page, "<img"));
  CHECK_FALSE(has(page, "<script"));
  CHECK_FALSE(has(page, "</script"));
  CHECK_FALSE(has(page, "<!--"));
  // A name is no place to put something in.
  CHECK(has(page, "{{style}}"));
}

TEST_CASE("the page asks the network for nothing and forbids it") {
  const auto page = to_page(one_layer({30, 31}, {10, 11}), command_with({"deps.zip"}));
  CHECK(has(page, "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"));
  for (const char* word : {"http:", "https:", "//", "url(", "@import", "<script", " src="})
    CHECK_MESSAGE(!has(page.substr(0, page.find("data:application/json")), word), word);
}

TEST_CASE("the record in the page is the JSON report") {
  const LabResult result = one_layer({30, 31}, {10, 11});
  for (const std::string layer : {"a", "ab", "abc"}) {
    const auto command = command_with({layer});
    CHECK(record_of(to_page(result, command)) == to_json(result, command));
  }
}

TEST_CASE("the same result gives the same page") {
  const auto result = one_layer({30, 31, 33}, {10, 11, 14});
  CHECK(to_page(result, command_with({"a"})) == to_page(result, command_with({"a"})));
}

TEST_CASE("a lab without any run still has a page") {
  CHECK(has(to_page(LabResult{}, command_with({})), "Nothing was measured."));
}

TEST_CASE("modules beyond the first are folded away, and those beyond all bounds counted") {
  LabResult result = measured({{30, 31, 32}});
  result.imports.emplace();
  for (int i = 0; i < 700; ++i) result.imports->push_back({"m" + std::to_string(i), 1, 1, "", ""});
  const auto page = to_page(result, command_with({}));
  CHECK(has(page, "<summary>475 more modules</summary>"));
  CHECK(has(page, "200 modules that took less are not shown."));
  CHECK_FALSE(has(page, "<bdi>m500</bdi>"));
}

TEST_CASE("text for HTML holds no markup, no control characters and no broken UTF-8") {
  CHECK(html_text("<a href=\"x\">'&") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  CHECK(html_text(std::string_view("a\0b\x1b\n", 5)) == "a\\x00b\\x1b\\x0a");
  CHECK(html_text("é€😀") == "é€😀");
  for (const char* broken : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    CHECK(html_text(broken).starts_with("\xef\xbf\xbd"));
}

TEST_CASE("a form is filled once") {
  CHECK(filled("a {{x}} b", {{"x", "{{y}}"}, {"y", "z"}}) == "a {{y}} b");
  CHECK(filled("{{#x}}[{{x}}]{{/x}}{{#y}}no{{/y}}.", {{"x", "1"}, {"y", ""}}) == "[1].");
  CHECK(filled("{{unknown}}{{#open}}", {}).empty());
  CHECK(filled("{{", {}) == "{{");
}
