#include "emulator/reports/opt_report.hpp"

#include "tests/support/ok.hpp"
#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

using namespace emulator;

using nlohmann::json;
using test_support::message_of;
using test_support::ok;
using test_support::ScratchFolder;

namespace {

/// The layers "a", "b" and so on of the scratch folder.
Examination examined(const ScratchFolder& scratch, std::initializer_list<const char*> layers,
                     const std::string& runtime = "") {
  auto store = layers::LayerStore::open(scratch / "store");
  REQUIRE(ok(store));
  FunctionSelection selection;
  selection.function.runtime = runtime;
  for (const char* layer : layers) selection.layers.push_back(scratch / layer);
  auto examination = Examination::make(selection, *store, nullptr);
  REQUIRE_MESSAGE(ok(examination), message_of(examination));
  return std::move(*examination);
}

json report_of(const Examination& examination, const ExplainCommand& command = {}) {
  return json::parse(to_json(make_opt_report(examination, command)));
}

std::vector<std::string> paths_in(const json& report) {
  std::vector<std::string> paths;
  for (const json& row : report["paths"]) paths.push_back(row["path"]);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("the report tells of each path its layer and what it hides") {
  const ScratchFolder scratch;
  scratch.write("a/python/x.py", "old", 0640 | 04);
  scratch.write("a/python/same.py", "same");
  scratch.write("b/python/x.py", "newer");
  scratch.write("b/python/same.py", "same");
  std::filesystem::create_symlink("x.py", scratch / "b/python/y.py");
  const Examination examination = examined(scratch, {"a", "b"});
  const json report = report_of(examination);
  CHECK(report["schema"] == "lamina-explain/1");
  CHECK(report["runtime"].is_null());
  REQUIRE(report["layers"].size() == 2);
  CHECK(report["layers"][0]["win"] == 0);
  CHECK(report["layers"][0]["shadowed"] == 2);
  CHECK(report["layers"][1]["files"] == 3);
  CHECK(report["layers"][1]["sha256"].is_null());
  REQUIRE(paths_in(report) == Paths{"python", "python/same.py", "python/x.py", "python/y.py"});
  const json& x = report["paths"][2];
  CHECK(x["layer"] == 2);
  CHECK(x["type"] == "file");
  CHECK(x["mode"] == "0644");
  CHECK(x["size"] == 5);
  CHECK(x["sha256"] == base::sha256("newer").hex());
  REQUIRE(x["shadows"].size() == 1);
  CHECK(x["shadows"][0]["layer"] == 1);
  CHECK(x["shadows"][0]["how"] == "differs");
  CHECK(x["shadows"][0]["sha256"] == base::sha256("old").hex());
  CHECK(report["paths"][1]["shadows"][0]["how"] == "same content");
  CHECK(report["paths"][3]["target"] == "x.py");
  CHECK(report["lost"] == json::array());
}

TEST_CASE("filters let through what was asked for") {
  const ScratchFolder scratch;
  scratch.write("a/python/x.py", "old");
  scratch.write("a/python/same.py", "same");
  scratch.write("b/python/x.py", "newer");
  scratch.write("b/python/same.py", "same");
  scratch.write("b/lib/z", "z");
  const Examination examination = examined(scratch, {"a", "b"});
  ExplainCommand command;
  command.only = ExplainCommand::Only::conflicts;
  CHECK(paths_in(report_of(examination, command)) == Paths{"python/same.py", "python/x.py"});
  command.only = ExplainCommand::Only::differing;
  CHECK(paths_in(report_of(examination, command)) == Paths{"python/x.py"});
  command.only = ExplainCommand::Only::everything;
  command.patterns = {"lib/*", "nothing"};
  CHECK(paths_in(report_of(examination, command)) == Paths{"lib/z"});
}

TEST_CASE("what is lost is listed with what hides it") {
  const ScratchFolder scratch;
  scratch.write("a/d/x", "x");
  scratch.write("b/d", "y");
  const json report = report_of(examined(scratch, {"a", "b"}));
  CHECK(report["lost"] == json::parse(R"([{"path": "d/x", "layer": 1, "hiddenBy": "d"}])"));
  CHECK(report["paths"][0]["shadows"][0]["how"] == "type conflict");
  CHECK_FALSE(report["paths"][0]["shadows"][0].contains("sha256"));
}

TEST_CASE("names of any bytes leave JSON valid, and the text without control characters") {
  const ScratchFolder scratch;
  const std::string name = "a\"b\n\x1b[31m\xff\xc3(\\";
  scratch.write("a/d/" + name, "x");
  scratch.write("a/e/" + name + "/x", "x");
  scratch.write("b/e", "y");
  std::filesystem::create_symlink(name, scratch / "b/link");
  const Examination examination = examined(scratch, {"a", "b"});
  const json report = report_of(examination);
  CHECK(report["paths"][1]["path"].get<std::string>().starts_with("d/a\"b\n\x1b[31m\xef\xbf\xbd"));
  CHECK(report["paths"].back()["target"].get<std::string>().starts_with("a\"b\n"));
  CHECK(report["lost"].size() == 2);
  for (const auto view : {ExplainCommand::View::tree, ExplainCommand::View::list}) {
    const std::string text =
        to_text(make_opt_report(examination, ExplainCommand()), view, Colours());
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("a\"b\\x0a\\x1b[31m\xff") != std::string::npos);
  }
}

TEST_CASE("no layers make an empty report") {
  const ScratchFolder scratch;
  const Examination examination = examined(scratch, {});
  const json report = report_of(examination);
  CHECK(report["paths"] == json::array());
  CHECK(report["layers"] == json::array());
  CHECK(to_text(make_opt_report(examination, {}), ExplainCommand::View::tree, Colours())
            .starts_with("/opt of 0 layers\n"));
}
