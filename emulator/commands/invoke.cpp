#include "base/unique_fd.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/commands/event.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/examination.hpp"
#include "emulator/failure_hint.hpp"
#include "emulator/installation.hpp"
#include "emulator/reports/finding_report.hpp"
#include "emulator/reports/invoke_report.hpp"
#include "emulator/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;

base::Result<base::UniqueFd> open_report(const std::string& path) {
  base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file) return file;
  base::Error error = base::from_errno(errno, "report: cannot write \"" + path + "\"");
  error.message += ". Give --json a file in a folder that you may write to.";
  return error;
}

/// One line where a check of the layers explains the failure. Whatever goes wrong here must not
/// change what the invocation ends with.
void hint_at(const InvocationOutcome& failed, const FunctionSelection& selection,
             layers::LayerStore& store) try {
  if (!may_be_explained(failed.payload)) return;
  std::vector<diagnosis::Finding> findings;
  const auto examination = Examination::make_lenient(selection, store, nullptr, findings);
  if (!examination) return;
  const auto hint = explain_failure(failed.payload, examination->subject(),
                                    diagnosis::check(examination->subject()));
  if (!hint) return;
  print_log("warning: " + printable(headline(*hint)) + " [" + std::string(hint->id) +
            "] \"lamina layers check\" tells more.\n");
} catch (const std::exception& bug) {
  print_log(std::string("warning: no diagnosis of the failure: ") + bug.what() + "\n");
}

}  // namespace

base::Result<ExitCode> run_invoke(const InvokeCommand& command) {
  TRY_ASSIGN(const std::string event, read_event(command.event_file, command.event_text));
  base::UniqueFd report_file;
  if (!command.report_file.empty()) {
    TRY_ASSIGN(report_file, open_report(command.report_file));
  }
  TRY_ASSIGN(const auto store_path, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  const auto progress = make_progress_bar();
  TRY_ASSIGN(PreparedFunction prepared, prepare_function(command.selection, store, progress.get()));
  // Nothing is to be frozen for when no invocation follows.
  prepared.plan.freezing = command.freeze && command.repeat > 1 ? Freezing::on : Freezing::off;

  const auto print = [](const InvocationOutcome& outcome) -> base::Result<void> {
    if (print_result(outcome.payload + "\n")) return {};
    return Error(ErrorKind::io_error, "response: standard output cannot be written.");
  };
  TRY_ASSIGN(EnvironmentRun run,
             run_environment(prepared, event, command.repeat, print_log, print));
  if (run.interrupted.signal != 0) {
    return static_cast<ExitCode>(ended_by(run.interrupted.signal));
  }
  InvokeReport report;
  report.prepared = &prepared;
  report.decided_at = run.decided_at;
  report.init = run.init;
  report.environment_timeline = run.timeline;
  report.invocations = std::move(run.invocations);
  if (report_file) {
    if (const auto written = base::write_all(report_file.get(), to_json(report)); !written)
      return base::with_prefix(written.error(), "report \"" + command.report_file + "\"");
  }
  for (const InvocationOutcome& outcome : report.invocations)
    if (outcome.kind != OutcomeKind::succeeded) {
      hint_at(outcome, command.selection, store);
      return ExitCode::function_failed;
    }
  return ExitCode::returned;
}

}  // namespace emulator
