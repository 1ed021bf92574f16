#include "diagnosis/tree_diff.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/commands/event.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/examination.hpp"
#include "emulator/installation.hpp"
#include "emulator/reports/diff_report.hpp"
#include "emulator/terminal.hpp"

#include <algorithm>
#include <numeric>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;
using diagnosis::Package;

/// As a diff does: 0 for no difference, 1 for one.
base::Result<ExitCode> finish(const std::string& text, bool different) {
  if (!print_result(text))
    return Error(ErrorKind::io_error, "report: standard output cannot be written.");
  return different ? ExitCode::function_failed : ExitCode::returned;
}

base::Result<ExitCode> compare(const DiffCommand& command, const Examination& examination,
                               const std::vector<Package>& before,
                               const std::vector<Package>& after, const std::string& old_name,
                               const std::string& new_name) {
  const diagnosis::Subject& subject = examination.subject();
  const diagnosis::TreeDiff diff =
      diagnosis::diff_views(diagnosis::OptView(before), diagnosis::OptView(after), subject.code,
                            subject.runtime, subject.bundled);
  return finish(command.json ? to_json(diff, old_name, new_name)
                             : to_text(diff, old_name, new_name, result_colours()),
                !diff.empty());
}

base::Result<ExitCode> compare_layers(const DiffCommand& command, layers::LayerStore& store,
                                      layers::ExtractionProgress* progress) {
  FunctionSelection selection = command.selection;
  selection.layers = command.layers;
  TRY_ASSIGN(const Examination examination, Examination::make(selection, store, progress));
  return compare(command, examination, {examination.layers()[0]}, {examination.layers()[1]},
                 command.layers[0], command.layers[1]);
}

base::Result<ExitCode> compare_orders(const DiffCommand& command, layers::LayerStore& store,
                                      layers::ExtractionProgress* progress) {
  TRY_ASSIGN(const Examination examination, Examination::make(command.selection, store, progress));
  const auto in_order = [&examination](const std::vector<std::size_t>& order) {
    std::vector<Package> packages;
    for (const std::size_t number : order) packages.push_back(examination.layers()[number - 1]);
    return packages;
  };
  return compare(command, examination, in_order(command.orders[0]), in_order(command.orders[1]),
                 "order " + order_text(command.orders[0]),
                 "order " + order_text(command.orders[1]));
}

/// A cold start of its own for each order. The log of the function goes to stderr as always.
base::Result<OrderResult> invoke_in_order(const DiffCommand& command, layers::LayerStore& store,
                                          layers::ExtractionProgress* progress,
                                          const std::vector<std::size_t>& order,
                                          const std::string& event, Interrupted& interrupted) {
  FunctionSelection selection = command.selection;
  selection.layers.clear();
  for (const std::size_t number : order)
    selection.layers.push_back(command.selection.layers[number - 1]);
  TRY_ASSIGN(PreparedFunction prepared, prepare_function(selection, store, progress));
  prepared.plan.freezing = Freezing::off;
  TRY_ASSIGN(EnvironmentRun run, run_environment(prepared, event, 1, print_log));
  if (run.interrupted.signal != 0 || run.invocations.empty()) {
    interrupted = run.interrupted;
    return OrderResult{};
  }
  InvocationOutcome& outcome = run.invocations.front();
  // The same failure has another request id each time.
  std::string& payload = outcome.payload;
  for (std::size_t at = payload.find(outcome.request_id); at != std::string::npos;
       at = payload.find(outcome.request_id, at))
    payload.replace(at, outcome.request_id.size(), "...");
  return OrderResult{order, outcome.kind == OutcomeKind::succeeded, outcome.error_type,
                     outcome.payload};
}

base::Result<ExitCode> permute(const DiffCommand& command, layers::LayerStore& store,
                               layers::ExtractionProgress* progress) {
  TRY_ASSIGN(const std::string event, read_event(command.event_file, command.event_text));
  std::vector<std::size_t> order(command.selection.layers.size());
  std::iota(order.begin(), order.end(), std::size_t{1});
  std::vector<OrderResult> results;
  do {
    Interrupted interrupted;
    TRY_ASSIGN(OrderResult result,
               invoke_in_order(command, store, progress, order, event, interrupted));
    if (interrupted.signal != 0) {
      return static_cast<ExitCode>(ended_by(interrupted.signal));
    }
    results.push_back(std::move(result));
  } while (std::next_permutation(order.begin(), order.end()));
  return finish(command.json ? to_json(results) : to_text(results), different_results(results) > 1);
}

}  // namespace

base::Result<ExitCode> run_layers_diff(const DiffCommand& command) {
  TRY_ASSIGN(const auto store_path, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  const auto progress = make_progress_bar();
  if (command.permute) return permute(command, store, progress.get());
  if (!command.orders.empty()) return compare_orders(command, store, progress.get());
  return compare_layers(command, store, progress.get());
}

}  // namespace emulator
