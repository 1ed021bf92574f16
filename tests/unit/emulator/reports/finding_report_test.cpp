#include "emulator/reports/finding_report.hpp"

#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace emulator;

using diagnosis::Finding;
using diagnosis::finding_of;
using diagnosis::Severity;
using nlohmann::json;

namespace {

std::vector<Finding> three() {
  std::vector<Finding> findings{
      finding_of("not-executable", "a.zip", "bin/tool", "It is a program."),
      finding_of("dangling-link", "code", "lib/x", "It leads nowhere."),
      finding_of("same-content-twice", "", "", "Twice.")};
  findings[1].more = {"1", "2", "3", "4", "5", "6", "7"};
  return findings;
}

/// Names as a hostile archive has them.
std::vector<Finding> hostile() {
  const std::string name("a\"b\n\x1b[31m\xff\xc3(\0\\", 14);
  std::vector<Finding> findings{finding_of("dangling-link", name, name, name)};
  findings[0].more = {name};
  return findings;
}

}  // namespace

TEST_CASE("the headline tells whose it is") {
  const auto findings = three();
  CHECK(headline(findings[0]) == "layer \"a.zip\": bin/tool: It is a program.");
  CHECK(headline(findings[1]) == "code: lib/x: It leads nowhere.");
  CHECK(headline(findings[2]) == "Twice.");
}

TEST_CASE("findings for people have the id, what happens and the remedy, and end with their sum") {
  const std::string text = to_text(three(), Colours());
  const diagnosis::Rule& rule = diagnosis::rule("not-executable");
  CHECK(
      text.starts_with("error: layer \"a.zip\": bin/tool: It is a program. [not-executable]\n"
                       "    On AWS: " +
                       std::string(rule.what_happens) + "\n    Mend: " + std::string(rule.remedy) +
                       "\nwarning: code: "));
  CHECK(text.find("    also: 5\n    and 2 more\n") != std::string::npos);
  CHECK(text.find("also: 6") == std::string::npos);
  CHECK(text.ends_with("1 error, 1 warning, 1 note\n"));
  CHECK(to_text({}, Colours()) == "no findings\n");
  const std::vector<Finding> one{finding_of("old-six", "a", "", "x.")};
  CHECK(to_text(one, Colours()).ends_with("0 errors, 1 warning, 0 notes\n"));
}

TEST_CASE("colours surround what they belong to and nothing else") {
  const Colours colours{"B", "R", "Y", "G", "D", "P"};
  CHECK(
      to_text(three(), colours)
          .starts_with("RerrorP: layer \"a.zip\": bin/tool: It is a program. D[not-executable]P"));
}

TEST_CASE("names of a package move no cursor and make no lines") {
  const std::string text = to_text(hostile(), Colours());
  CHECK(text.find("a\"b\\x0a\\x1b[31m\xff\xc3(\\x00\\") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
}

TEST_CASE("JSON has every field and the counts") {
  const json document = json::parse(to_json(three()));
  CHECK(document["schema"] == "lamina-check/1");
  CHECK(document["errors"] == 1);
  CHECK(document["warnings"] == 1);
  CHECK(document["notes"] == 1);
  REQUIRE(document["findings"].size() == 3);
  const json& first = document["findings"][0];
  CHECK(first["id"] == "not-executable");
  CHECK(first["severity"] == "error");
  CHECK(first["package"] == "a.zip");
  CHECK(first["path"] == "bin/tool");
  CHECK(first["message"] == "It is a program.");
  CHECK(first["onAws"] == diagnosis::rule("not-executable").what_happens);
  CHECK(first["remedy"] == diagnosis::rule("not-executable").remedy);
  CHECK(first["more"] == json::array());
  CHECK(document["findings"][1]["more"].size() == 7);
  CHECK(json::parse(to_json({}))["findings"] == json::array());
}

TEST_CASE("JSON and SARIF stay valid whatever bytes the names have") {
  const json plain = json::parse(to_json(hostile()));
  CHECK(plain["findings"][0]["path"].get<std::string>().starts_with("a\"b\n\x1b[31m\xef\xbf\xbd"));
  const json sarif = json::parse(to_sarif(hostile(), ""));
  const json& location = sarif["runs"][0]["results"][0]["locations"][0];
  CHECK(location["physicalLocation"]["artifactLocation"]["uri"] ==
        "a%22b%0A%1B%5B31m%FF%C3%28%00%5C");
}

TEST_CASE("SARIF lists every rule, and every result names one of them") {
  const json document = json::parse(to_sarif(three(), ""));
  CHECK(document["version"] == "2.1.0");
  REQUIRE(document["runs"].size() == 1);
  const json& driver = document["runs"][0]["tool"]["driver"];
  CHECK(driver["name"] == "lamina");
  REQUIRE(driver["rules"].size() == diagnosis::rules().size());
  for (const json& rule : driver["rules"]) {
    CHECK(rule["id"].is_string());
    CHECK(rule["shortDescription"]["text"].is_string());
    CHECK(rule["fullDescription"]["text"].is_string());
    CHECK(rule["help"]["text"].is_string());
    CHECK(rule["defaultConfiguration"]["level"].is_string());
  }
  const json& results = document["runs"][0]["results"];
  REQUIRE(results.size() == 3);
  CHECK(results[0]["ruleId"] == "not-executable");
  CHECK(results[0]["level"] == "error");
  CHECK(results[0]["message"]["text"].get<std::string>().starts_with("layer \"a.zip\": bin/tool"));
  const json& location = results[0]["locations"][0];
  CHECK(location["physicalLocation"]["artifactLocation"]["uri"] == "a.zip");
  CHECK(location["logicalLocations"][0]["fullyQualifiedName"] == "bin/tool");
  CHECK(location["logicalLocations"][0]["kind"] == "resource");
  CHECK_FALSE(results[1].contains("locations"));
  CHECK_FALSE(results[2].contains("locations"));
  CHECK(json::parse(to_sarif({}, ""))["runs"][0]["results"] == json::array());
}

TEST_CASE("a file in a folder used in place has its own address") {
  const test_support::ScratchFolder scratch;
  const std::string folder = scratch.path().string();
  const std::vector<Finding> findings{finding_of("dangling-link", folder, "lib/a b", "x.")};
  const json document = json::parse(to_sarif(findings, ""));
  CHECK(document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
                ["uri"] == "file://" + folder + "/lib/a%20b");
}
