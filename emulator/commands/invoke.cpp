#include "base/unique_fd.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/commands/event.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/installation.hpp"
#include "emulator/invoke_report.hpp"
#include "emulator/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace emulator {
namespace {

namespace asio = boost::asio;
using base::Error;
using base::ErrorKind;

base::Result<base::UniqueFd> open_report(const std::string& path) {
  base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file) return file;
  base::Error error = base::from_errno(errno, "report: cannot write \"" + path + "\"");
  error.message += ". Give --json a file in a folder that you may write to.";
  return error;
}

/// The life of `lamina invoke` once everything is prepared: init, invocations, end.
asio::awaitable<base::Result<void>> run_invocations(ExecutionEnvironment& environment,
                                                    const std::string& event, std::uint32_t count,
                                                    InvokeReport& report) {
  CO_TRY(co_await environment.init());
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string payload = event;
    CO_TRY_ASSIGN(InvocationOutcome outcome, co_await environment.invoke(std::move(payload)));
    if (!print_result(outcome.payload + "\n"))
      co_return Error(ErrorKind::io_error, "response: standard output cannot be written.");
    report.invocations.push_back(std::move(outcome));
  }
  co_return base::Result<void>();
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

  asio::io_context context(1);
  TRY_ASSIGN(const auto environment,
             ExecutionEnvironment::create(context.get_executor(), prepared.plan, print_log));
  InvokeReport report;
  report.prepared = &prepared;
  report.decided_at = environment->decided_at();
  Interrupted interrupted;
  const auto ran = run_to_end(context, run_invocations(*environment, event, command.repeat, report),
                              interrupted);
  environment->destroy();
  if (interrupted.signal != 0) {
    constexpr int shell_offset = 128;
    return static_cast<ExitCode>(shell_offset + interrupted.signal);
  }
  if (!ran) return ran.error();

  report.init = environment->init_outcome();
  report.environment_timeline = environment->timeline();
  if (report_file) {
    if (const auto written = base::write_all(report_file.get(), to_json(report)); !written)
      return base::with_prefix(written.error(), "report \"" + command.report_file + "\"");
  }
  for (const InvocationOutcome& outcome : report.invocations)
    if (outcome.kind != OutcomeKind::succeeded) return ExitCode::function_failed;
  return ExitCode::returned;
}

}  // namespace emulator
