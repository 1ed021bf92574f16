#include "emulator/commands/commands.hpp"
#include "emulator/examination.hpp"
#include "emulator/installation.hpp"
#include "emulator/reports/finding_report.hpp"
#include "emulator/terminal.hpp"

#include <algorithm>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;
using diagnosis::Finding;
using diagnosis::Severity;

base::Result<void> check_ignored(const std::vector<std::string>& ignored) {
  for (const std::string& id : ignored) {
    const auto rules = diagnosis::rules();
    if (std::any_of(rules.begin(), rules.end(),
                    [&id](const diagnosis::Rule& rule) { return rule.id == id; }))
      continue;
    return Error(ErrorKind::invalid_argument,
                 "rule \"" + id +
                     "\": there is none of that name. Take the identifier that the "
                     "finding shows in brackets.");
  }
  return {};
}

/// Where results about no single layer belong.
std::string place_of_function(const FunctionSelection& selection) {
  if (!selection.code.empty()) return selection.code;
  return selection.layers.empty() ? std::string() : selection.layers.front();
}

std::string rendered(const std::vector<Finding>& findings, const CheckCommand& command) {
  switch (command.form) {
    case CheckCommand::Form::json:
      return to_json(findings);
    case CheckCommand::Form::sarif:
      return to_sarif(findings, place_of_function(command.selection));
    case CheckCommand::Form::text:
      break;
  }
  return to_text(findings, result_colours());
}

}  // namespace

base::Result<ExitCode> run_layers_check(const CheckCommand& command) {
  TRY(check_ignored(command.ignored));
  TRY_ASSIGN(const auto store_path, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  const auto progress = make_progress_bar();
  std::vector<Finding> findings;
  TRY_ASSIGN(const Examination examination,
             Examination::make_lenient(command.selection, store, progress.get(), findings));
  for (Finding& finding : diagnosis::check(examination.subject()))
    findings.push_back(std::move(finding));
  std::erase_if(findings, [&command](const Finding& finding) {
    return std::find(command.ignored.begin(), command.ignored.end(), finding.id) !=
           command.ignored.end();
  });
  if (!print_result(rendered(findings, command)))
    return Error(ErrorKind::io_error, "report: standard output cannot be written.");
  const Severity limit = command.strict ? Severity::warning : Severity::error;
  const bool failed =
      std::any_of(findings.begin(), findings.end(),
                  [limit](const Finding& finding) { return finding.severity >= limit; });
  return failed ? ExitCode::function_failed : ExitCode::returned;
}

}  // namespace emulator
