#include "emulator/commands/commands.hpp"
#include "emulator/installation.hpp"
#include "emulator/reports/opt_report.hpp"
#include "emulator/terminal.hpp"

namespace emulator {

base::Result<ExitCode> run_layers_explain(const ExplainCommand& command) {
  TRY_ASSIGN(const auto store_path, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  const auto progress = make_progress_bar();
  TRY_ASSIGN(const Examination examination,
             Examination::make(command.selection, store, progress.get()));
  const OptReport report = make_opt_report(examination, command);
  const std::string text =
      command.json ? to_json(report) : to_text(report, command.view, result_colours());
  if (!print_result(text))
    return base::Error(base::ErrorKind::io_error, "report: standard output cannot be written.");
  return ExitCode::returned;
}

}  // namespace emulator
