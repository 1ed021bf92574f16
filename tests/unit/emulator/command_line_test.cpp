#include "emulator/command_line.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace emulator;

namespace {

base::Result<Command> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "lamina");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

template <typename T>
T parsed(const std::vector<const char*>& arguments) {
  auto command = parse(arguments);
  if (!command) FAIL(command.error().message);
  return std::get<T>(*command);
}

std::string refusal(const std::vector<const char*>& arguments) {
  const auto command = parse(arguments);
  return command ? std::string("(accepted)") : command.error().message;
}

}  // namespace

TEST_CASE("the defaults are Lambda's") {
  const auto invoke = parsed<InvokeCommand>({"invoke", "--code", "c", "--runtime", "python3.13"});
  CHECK(invoke.selection.function.memory_size == 128);
  CHECK(invoke.selection.function.timeout == std::chrono::seconds(3));
  CHECK(invoke.selection.function.ephemeral_storage == 512);
  CHECK(invoke.selection.network == sandbox::Network::host);
  CHECK_FALSE(invoke.selection.opt_mode);
  CHECK_FALSE(invoke.event_text);
  CHECK(invoke.repeat == 1);
  CHECK(invoke.freeze);
}

TEST_CASE("layers keep their order") {
  const auto invoke = parsed<InvokeCommand>(
      {"invoke", "--code", "c", "--runtime", "r", "--layer", "one", "-l", "two", "--layer=three"});
  CHECK(invoke.selection.layers == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a variable's value may hold anything, and the last one of a name counts") {
  const auto invoke = parsed<InvokeCommand>({"invoke", "--code", "c", "--runtime", "r", "--env",
                                             "A1=x=y z", "--env", "B1=", "--env", "A1=2"});
  CHECK(invoke.selection.function.environment == EnvironmentVariables{{"A1", "2"}, {"B1", ""}});
}

TEST_CASE("what follows -- is the command of exec, flags and all") {
  const auto exec = parsed<ExecCommand>(
      {"exec", "--code", "c", "--runtime", "r", "--", "/bin/ls", "-l", "--help"});
  CHECK(exec.command == std::vector<std::string>{"/bin/ls", "-l", "--help"});
}

TEST_CASE("what is wrong is said, with the way to the help") {
  CHECK(refusal({}).find("lamina --help") != std::string::npos);
  CHECK(refusal({"invoke", "--runtime", "r"}).find("--code") != std::string::npos);
  CHECK(refusal({"invoke", "--code", "c", "--runtime", "r", "--bogus"}).find("--bogus") !=
        std::string::npos);
  CHECK(refusal({"invoke", "--code", "c", "--runtime", "r", "--memory", "lots"}).find("--memory") !=
        std::string::npos);
  CHECK(refusal({"invoke", "--code", "c", "--runtime", "r", "--env", "NOVALUE"}) ==
        "environment: \"NOVALUE\" has no value. Write --env NAME=VALUE.");
  CHECK(refusal({"invoke", "--code", "c", "--runtime", "r", "-e", "f", "-d", "{}"}) !=
        "(accepted)");
}

TEST_CASE("every command's help has an example") {
  for (const std::vector<const char*>& command :
       std::vector<std::vector<const char*>>{{"--help"},
                                             {"invoke", "--help"},
                                             {"exec", "--help"},
                                             {"store", "--help"},
                                             {"store", "add", "--help"},
                                             {"store", "ls", "--help"},
                                             {"store", "gc", "--help"},
                                             {"store", "path", "--help"},
                                             {"layers", "--help"},
                                             {"layers", "which", "--help"},
                                             {"layers", "explain", "--layer", "x", "--help"},
                                             {"layers", "check", "--layer", "x", "--help"},
                                             {"layers", "diff", "--help"},
                                             {"doctor", "--help"}}) {
    const std::string text = parsed<PrintCommand>(command).text;
    CHECK((text.find("Example:\n  ") != std::string::npos ||
           text.find("Examples:\n  ") != std::string::npos));
  }
}

TEST_CASE("which takes names, and needs a runtime but no code") {
  const auto which = parsed<WhichCommand>({"layers", "which", "python:requests", "bin:ffmpeg",
                                           "--runtime", "python3.12", "-l", "a", "--from",
                                           "/var/task/x.js", "--import", "--json"});
  CHECK(which.names == std::vector<std::string>{"python:requests", "bin:ffmpeg"});
  CHECK(which.selection.function.runtime == "python3.12");
  CHECK(which.selection.layers == std::vector<std::string>{"a"});
  CHECK(which.selection.code.empty());
  CHECK(which.from == "/var/task/x.js");
  CHECK(which.import);
  CHECK(which.json);
  CHECK(refusal({"layers", "which", "x"}).find("--runtime") != std::string::npos);
  CHECK(refusal({"layers", "which", "--runtime", "python3.12"}).find("names") != std::string::npos);
}

TEST_CASE("explain shows a tree of everything unless told otherwise") {
  const auto plain = parsed<ExplainCommand>({"layers", "explain", "--layer", "x", "--layer", "a"});
  CHECK(plain.view == ExplainCommand::View::tree);
  CHECK(plain.only == ExplainCommand::Only::everything);
  CHECK(plain.patterns.empty());
  CHECK_FALSE(plain.json);
  CHECK(plain.selection.function.runtime.empty());
  const auto told = parsed<ExplainCommand>({"layers", "explain", "--layer", "x", "--layer", "a",
                                            "--view", "list", "--only", "differing", "--path",
                                            "python/*", "--path", "lib/*", "--json"});
  CHECK(told.view == ExplainCommand::View::list);
  CHECK(told.only == ExplainCommand::Only::differing);
  CHECK(told.patterns == std::vector<std::string>{"python/*", "lib/*"});
  CHECK(told.json);
  CHECK(parsed<ExplainCommand>({"layers", "explain", "--layer", "x", "--only", "conflicts"}).only ==
        ExplainCommand::Only::conflicts);
  CHECK(parsed<ExplainCommand>({"layers", "explain", "--layer", "x", "--view", "summary"}).view ==
        ExplainCommand::View::summary);
  CHECK(refusal({"layers", "explain", "--layer", "x", "--view", "bush"}).find("--view") !=
        std::string::npos);
  CHECK(
      refusal({"layers", "explain", "--layer", "x", "--only", "everything else"}).find("--only") !=
      std::string::npos);
}

TEST_CASE("check prints text, JSON or SARIF, not two of them") {
  CHECK(parsed<CheckCommand>({"layers", "check", "--layer", "x"}).form == CheckCommand::Form::text);
  CHECK_FALSE(parsed<CheckCommand>({"layers", "check", "--layer", "x"}).strict);
  CHECK(parsed<CheckCommand>({"layers", "check", "--layer", "x", "--json"}).form ==
        CheckCommand::Form::json);
  const auto check =
      parsed<CheckCommand>({"layers", "check", "--layer", "x", "--sarif", "--strict", "--ignore",
                            "old-six", "--ignore", "case-clash", "--architecture", "arm64"});
  CHECK(check.form == CheckCommand::Form::sarif);
  CHECK(check.strict);
  CHECK(check.ignored == std::vector<std::string>{"old-six", "case-clash"});
  CHECK(check.selection.function.architecture == Architecture::arm64);
  CHECK(refusal({"layers", "check", "--layer", "x", "--sarif", "--json"}).find("excludes") !=
        std::string::npos);
}

TEST_CASE("diff compares two layers or two orders") {
  const auto two = parsed<DiffCommand>({"layers", "diff", "old.zip", "new.zip"});
  CHECK(two.layers == std::vector<std::string>{"old.zip", "new.zip"});
  CHECK(two.orders.empty());
  const auto orders = parsed<DiffCommand>(
      {"layers", "diff", "-l", "a", "-l", "b", "-l", "c", "--order", "2,1,3", "--order", "3"});
  CHECK(orders.layers.empty());
  CHECK(orders.orders == std::vector<std::vector<std::size_t>>{{2, 1, 3}, {3}});
}

TEST_CASE("anything else than two things to compare is refused") {
  const std::string two_things =
      "command line: diff compares two things. Give two layers, or --layer several times with "
      "--order twice or --permute.";
  CHECK(refusal({"layers", "diff"}) == two_things);
  CHECK(refusal({"layers", "diff", "a"}) == two_things);
  CHECK(refusal({"layers", "diff", "-l", "a", "-l", "b"}) == two_things);
  CHECK(refusal({"layers", "diff", "-l", "a", "--order", "1"}) == two_things);
  CHECK(refusal({"layers", "diff", "x", "y", "-l", "a", "--order", "1", "--order", "1"}) ==
        two_things);
  CHECK(refusal({"layers", "diff", "-l", "a", "--order", "1", "--order", "1", "--order", "1"}) ==
        two_things);
  CHECK(refusal({"layers", "diff", "a", "b", "c"}) != "(accepted)");
}

TEST_CASE("an order names each layer at most once, by its number") {
  for (const char* order : {"", ",", "0", "3", "1,1", "1,", ",1", "1,,2", "a", "1 2", "-1", "12",
                            "1;2", "99999999999999999999", "1.0", " 1"}) {
    const std::string message =
        refusal({"layers", "diff", "-l", "a", "-l", "b", "--order", order, "--order", "2,1"});
    CHECK_MESSAGE(message.find("it must name layers by their numbers, 1 to 2") != std::string::npos,
                  order << " gave " << message);
  }
}

TEST_CASE("--permute invokes, so it needs a whole function and something to permute") {
  const std::string whole =
      "command line: --permute invokes the function. Give --code, --runtime, --handler and at "
      "least two --layer.";
  CHECK(refusal({"layers", "diff", "--permute", "-l", "a", "-l", "b"}) == whole);
  CHECK(refusal({"layers", "diff", "--permute", "--code", "c", "-l", "a", "-l", "b"}) == whole);
  CHECK(refusal({"layers", "diff", "--permute", "--runtime", "r", "-l", "a", "-l", "b"}) == whole);
  CHECK(refusal({"layers", "diff", "--permute", "--code", "c", "--runtime", "r", "-l", "a"}) ==
        whole);
  const auto diff = parsed<DiffCommand>({"layers", "diff", "--permute", "--code", "c", "--runtime",
                                         "r", "-l", "a", "-l", "b", "-d", "{}", "--json"});
  CHECK(diff.permute);
  CHECK(diff.event_text == "{}");
  CHECK(diff.json);
  CHECK(refusal({"layers", "diff", "--permute", "--code", "c", "--runtime", "r", "-l", "a", "-l",
                 "b", "-d", "{}", "-e", "f"}) != "(accepted)");
}

TEST_CASE("layers without a command of its own is refused") {
  CHECK(refusal({"layers"}).find("See \"lamina --help\"") != std::string::npos);
  CHECK(refusal({"layers", "explode"}) != "(accepted)");
}
