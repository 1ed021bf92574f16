#include "emulator/cold_start.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/installation.hpp"
#include "emulator/terminal.hpp"

#include <optional>

namespace emulator {
namespace {

namespace asio = boost::asio;

asio::awaitable<base::Result<void>> run_command(ExecutionEnvironment& environment,
                                                std::vector<std::string> command,
                                                std::optional<sandbox::ExitStatus>& status) {
  CO_TRY_ASSIGN(status, co_await environment.execute(std::move(command)));
  co_return base::Result<void>();
}

}  // namespace

base::Result<int> run_exec(const ExecCommand& command) {
  FunctionSelection selection = command.selection;
  // A command needs no handler.
  if (selection.function.handler.empty()) selection.function.handler = "none";
  TRY_ASSIGN(const auto store_path, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  const auto progress = make_progress_bar();
  TRY_ASSIGN(PreparedFunction prepared, prepare_function(selection, store, progress.get()));

  asio::io_context context(1);
  TRY_ASSIGN(const auto environment,
             ExecutionEnvironment::create(context.get_executor(), prepared.plan, print_log));
  Interrupted interrupted;
  std::optional<sandbox::ExitStatus> status;
  const auto ran =
      run_to_end(context, run_command(*environment, command.command, status), interrupted);
  environment->destroy();
  if (interrupted.signal != 0) return ended_by(interrupted.signal);
  if (!ran) return ran.error();
  return status->signal ? ended_by(*status->signal) : status->exit_code.value_or(0);
}

}  // namespace emulator
