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
                                             {"doctor", "--help"}})
    CHECK(parsed<PrintCommand>(command).text.find("Example:\n  ") != std::string::npos);
}
