#include "base/unique_fd.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/commands/event.hpp"
#include "emulator/installation.hpp"
#include "emulator/lab/cold_start_lab.hpp"
#include "emulator/lab/gates.hpp"
#include "emulator/lab/lab_reports.hpp"
#include "emulator/lab/page_report.hpp"
#include "emulator/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t largest_baseline = 256u << 20;

/// Opened before anything is measured: nobody wants to wait for minutes and then hear of it. What
/// is in the file stays until there is something better.
base::Result<base::UniqueFd> open_for_writing(const std::string& path) {
  if (path.empty()) return base::UniqueFd();
  base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (file) return file;
  base::Error error = base::from_errno(errno, "report: cannot write \"" + path + "\"");
  error.message += ". Give a file in a folder that you may write to.";
  return error;
}

base::Result<void> write_report(const base::UniqueFd& file, const std::string& path,
                                const std::string& text) {
  if (!file) return {};
  // A pipe has nothing to cut.
  if (::ftruncate(file.get(), 0) != 0 && errno != EINVAL)
    return base::from_errno(errno, "report: cannot write \"" + path + "\"");
  if (const auto written = base::write_all(file.get(), text); !written)
    return base::with_prefix(written.error(), "report \"" + path + "\"");
  return {};
}

}  // namespace

base::Result<ExitCode> run_coldstart(const ColdstartCommand& command) {
  TRY_ASSIGN(const std::string event, read_event(command.event_file, command.event_text));
  std::optional<Baseline> baseline;
  if (!command.baseline.empty()) {
    const auto text = base::read_file(command.baseline, largest_baseline);
    if (!text) return base::with_prefix(text.error(), "baseline");
    auto values = read_baseline(*text);
    if (values)
      if (const auto comparable = check_comparable(*values, command); !comparable)
        values = comparable.error();
    if (!values) return base::with_prefix(values.error(), "baseline \"" + command.baseline + "\"");
    baseline = std::move(*values);
  }
  TRY_ASSIGN(const base::UniqueFd json, open_for_writing(command.json_file));
  TRY_ASSIGN(const base::UniqueFd csv, open_for_writing(command.csv_file));
  TRY_ASSIGN(const base::UniqueFd html, open_for_writing(command.html_file));
  TRY_ASSIGN(const auto store_path, find_store());

  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [terminal](std::size_t done, std::size_t all) {
    if (terminal)
      print_log("\r\x1b[K" + std::to_string(done) + " of " + std::to_string(all) + " cold starts");
  };
  const auto result = run_lab(command, store_path, event, progress);
  if (terminal) print_log("\r\x1b[K");
  if (!result) return result.error();
  if (result->interrupted_by != 0) {
    return static_cast<ExitCode>(ended_by(result->interrupted_by));
  }

  TRY(write_report(json, command.json_file, to_json(*result, command)));
  TRY(write_report(csv, command.csv_file, to_csv(*result)));
  if (html) {
    TRY(write_report(html, command.html_file, to_page(*result, command)));
  }
  std::string text = to_text(*result, result_colours());
  if (baseline) text += comparison_text(*baseline, *result, result_colours());
  if (!print_result(text))
    return Error(ErrorKind::io_error, "report: standard output cannot be written.");
  auto exceeded = exceeded_budgets(*result, command);
  if (baseline)
    for (Exceeded& slower : slower_than(*baseline, *result, command.tolerance_percent))
      exceeded.push_back(std::move(slower));
  for (const Exceeded& one : exceeded) print_log(one.sentence + "\n");
  return exceeded.empty() ? ExitCode::returned : ExitCode::function_failed;
}

}  // namespace emulator
