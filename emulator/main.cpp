#include "emulator/command_line.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/terminal.hpp"

#include <csignal>
#include <exception>

namespace {

using emulator::ExitCode;

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

int finish(const base::Result<ExitCode>& result) {
  if (result) return static_cast<int>(*result);
  emulator::print_error(result.error().message);
  return static_cast<int>(ExitCode::could_not_run);
}

int finish(const base::Result<int>& result) {
  if (result) return *result;
  emulator::print_error(result.error().message);
  return static_cast<int>(ExitCode::could_not_run);
}

int run(int argc, char** argv) {
  const auto command = emulator::parse_command_line(argc, argv);
  if (!command) return finish(base::Result<ExitCode>(command.error()));
  return std::visit(
      Overloaded{
          [](const emulator::InvokeCommand& invoke) {
            return finish(emulator::run_invoke(invoke));
          },
          [](const emulator::ExecCommand& exec) { return finish(emulator::run_exec(exec)); },
          [](const emulator::StoreCommand& store) { return finish(emulator::run_store(store)); },
          [](const emulator::ColdstartCommand& coldstart) {
            return finish(emulator::run_coldstart(coldstart));
          },
          [](const emulator::ExplainCommand& explain) {
            return finish(emulator::run_layers_explain(explain));
          },
          [](const emulator::CheckCommand& check) {
            return finish(emulator::run_layers_check(check));
          },
          [](const emulator::DiffCommand& diff) { return finish(emulator::run_layers_diff(diff)); },
          [](const emulator::WhichCommand& which) {
            return finish(emulator::run_layers_which(which));
          },
          [](const emulator::DoctorCommand& doctor) {
            return finish(emulator::run_doctor(doctor));
          },
          [](const emulator::PrintCommand& print) {
            return emulator::print_result(print.text) ? 0
                                                      : static_cast<int>(ExitCode::could_not_run);
          },
      },
      *command);
}

}  // namespace

int main(int argc, char** argv) {
  // A pipe whose reader has gone is an error of that write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& bug) {
    emulator::print_log(
        std::string("internal error: ") + bug.what() +
        "\nThis is a bug in Lamina; please report it with the command that shows it.\n");
    return static_cast<int>(ExitCode::internal_error);
  }
}
