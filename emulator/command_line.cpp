#include "emulator/command_line.hpp"

#include "base/unique_fd.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t max_variables_file = 1 << 20;

/// What CLI11 fills in before it is checked.
struct RawSelection {
  FunctionSelection selection;
  std::vector<std::string> variables;
  std::string variables_file;
  std::uint32_t timeout = 3;
  std::string architecture = std::string(to_string(host_architecture()));
  std::string network = "host";
  std::string opt_mode = "auto";
};

enum class Needs { function, runtime, layers };

void add_selection(CLI::App& app, RawSelection& raw, Needs needs) {
  FunctionConfiguration& function = raw.selection.function;
  app.add_option("--code", raw.selection.code, "Code of the function: a folder, zip or tar")
      ->required(needs == Needs::function)
      ->type_name("PATH");
  app.add_option("--runtime", function.runtime,
                 "Lambda's identifier: python3.X, nodejsNN.x, provided.al2023, provided.al2")
      ->required(needs != Needs::layers)
      ->type_name("ID");
  app.add_option("--handler", function.handler, "For example app.handler")->type_name("NAME");
  app.add_option("-l,--layer", raw.selection.layers,
                 "A layer: a folder, zip, tar, tar.gz or tar.zst; up to five, the last one wins")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("--env", raw.variables, "Environment variable of the function; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("-n,--env-vars", raw.variables_file,
                 "JSON file of environment variables, in the form of the SAM command line")
      ->type_name("FILE");
  app.add_option("--memory", function.memory_size, "Memory size in MB")
      ->capture_default_str()
      ->type_name("MB");
  app.add_option("--timeout", raw.timeout, "Timeout in seconds")
      ->capture_default_str()
      ->type_name("S");
  app.add_option("--ephemeral-storage", function.ephemeral_storage, "Size of /tmp in MB")
      ->capture_default_str()
      ->type_name("MB");
  app.add_option("--architecture", raw.architecture, "x86_64 or arm64; only this host's can be run")
      ->capture_default_str()
      ->check(CLI::IsMember({"x86_64", "arm64"}))
      ->type_name("A");
  app.add_option("--name", function.function_name, "Name of the function")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--network", raw.network, "host, or none: the function provably uses no network")
      ->capture_default_str()
      ->check(CLI::IsMember({"host", "none"}))
      ->type_name("MODE");
  app.add_option("--opt-mode", raw.opt_mode, "How /opt is composed: auto, overlay or copy")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "overlay", "copy"}))
      ->type_name("MODE");
}

void put(EnvironmentVariables& variables, const std::string& key, std::string value) {
  for (auto& [known, current] : variables)
    if (known == key) {
      current = std::move(value);
      return;
    }
  variables.emplace_back(key, std::move(value));
}

/// {"Parameters": {...}} holds for every function, {"<name>": {...}} for one; SAM's form.
base::Result<void> read_variables(const std::string& path, const std::string& function_name,
                                  EnvironmentVariables& variables) {
  const auto text = base::read_file(path, max_variables_file);
  if (!text) return base::with_prefix(text.error(), "environment file");
  const auto document = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object())
    return Error(ErrorKind::invalid_argument,
                 "environment file \"" + path +
                     "\": it is no JSON object. Write {\"Parameters\": {\"NAME\": \"value\"}}.");
  for (const std::string& section : {std::string("Parameters"), function_name}) {
    const auto found = document.find(section);
    if (found == document.end()) continue;
    if (!found->is_object())
      return Error(ErrorKind::invalid_argument,
                   "environment file \"" + path + "\": \"" + section +
                       "\" is no object. Write names and values in it.");
    for (const auto& [key, value] : found->items())
      put(variables, key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return {};
}

base::Result<FunctionSelection> finish(RawSelection& raw) {
  FunctionSelection& selection = raw.selection;
  FunctionConfiguration& function = selection.function;
  function.timeout = std::chrono::seconds(raw.timeout);
  function.architecture = raw.architecture == "arm64" ? Architecture::arm64 : Architecture::x86_64;
  // "code" is what findings call the function's own package.
  for (std::string& layer : selection.layers)
    if (layer == "code") layer = "./code";
  selection.network = raw.network == "none" ? sandbox::Network::none : sandbox::Network::host;
  if (raw.opt_mode != "auto")
    selection.opt_mode = raw.opt_mode == "copy" ? layers::OptMode::copy : layers::OptMode::overlay;
  if (!raw.variables_file.empty())
    TRY(read_variables(raw.variables_file, function.function_name, function.environment));
  for (const std::string& variable : raw.variables) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(ErrorKind::invalid_argument,
                   "environment: \"" + variable + "\" has no value. Write --env NAME=VALUE.");
    put(function.environment, variable.substr(0, equals), variable.substr(equals + 1));
  }
  for (const auto& [name, variable] : {std::pair("AWS_REGION", &function.region),
                                       std::pair("AWS_DEFAULT_REGION", &function.region)})
    if (const char* value = std::getenv(name); value != nullptr && *value != 0) {
      *variable = value;
      selection.region_given = true;
      break;
    }
  return selection;
}

/// "2,1,3": each layer at most once.
base::Result<std::vector<std::size_t>> parse_order(const std::string& text, std::size_t layers) {
  const Error wrong(ErrorKind::invalid_argument,
                    "order \"" + text + "\": it must name layers by their numbers, 1 to " +
                        std::to_string(layers) + ", each at most once. Write --order 2,1.");
  std::vector<std::size_t> order;
  std::istringstream numbers(text);
  for (std::string number; std::getline(numbers, number, ',');) {
    if (number.size() != 1 || number[0] < '1' || number[0] > '9') return wrong;
    const auto index = static_cast<std::size_t>(number[0] - '0');
    if (index > layers || std::find(order.begin(), order.end(), index) != order.end()) return wrong;
    order.push_back(index);
  }
  if (order.empty() || text.ends_with(',')) return wrong;
  return order;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream text(list);
  for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  return parts;
}

base::Result<std::vector<std::uint32_t>> parse_memory_sizes(const std::string& list) {
  std::vector<std::uint32_t> sizes;
  for (const std::string& part : split(list)) {
    std::uint32_t size = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), size);
    if (error != std::errc() || end != part.data() + part.size())
      return Error(
          ErrorKind::invalid_argument,
          "memory sizes: \"" + part + "\" is no number of megabytes. Write --memory 128,512,1769.");
    sizes.push_back(size);
  }
  if (sizes.empty())
    return Error(ErrorKind::invalid_argument,
                 "memory sizes: none is given. Write --memory 128,512,1769.");
  return sizes;
}

base::Result<std::vector<CacheState>> parse_states(const std::string& list) {
  std::vector<CacheState> states;
  for (const std::string& part : split(list)) {
    if (part == "extracted")
      states.push_back(CacheState::extracted);
    else if (part == "cold-store")
      states.push_back(CacheState::cold_store);
    else if (part == "cold-cache")
      states.push_back(CacheState::cold_cache);
    else
      return Error(ErrorKind::invalid_argument,
                   "cache: there is no state \"" + part +
                       "\". Give extracted, cold-store or cold-cache, or several by commas.");
  }
  if (states.empty())
    return Error(ErrorKind::invalid_argument,
                 "cache: no state is given. Give extracted, cold-store or cold-cache.");
  return states;
}

/// "init=250ms,extract=1s": a phase and its limit.
base::Result<std::vector<std::pair<std::string, double>>> parse_budgets(const std::string& list) {
  std::vector<std::pair<std::string, double>> budgets;
  for (const std::string& part : split(list)) {
    const std::size_t equals = part.find('=');
    double number = 0;
    const char* begin = part.data() + (equals == std::string::npos ? 0 : equals + 1);
    const char* end = part.data() + part.size();
    const auto [unit, error] = std::from_chars(begin, end, number);
    const std::string_view rest(unit, static_cast<std::size_t>(end - unit));
    const std::string phase = part.substr(0, equals);
    static constexpr std::array names = {
        std::pair("init", "runtime init"), std::pair("extract", "extract"),
        std::pair("sandbox", "sandbox"), std::pair("first", "first invocation"),
        std::pair("total", "cold start")};
    const auto* const known = std::find_if(
        names.begin(), names.end(), [&phase](const auto& name) { return phase == name.first; });
    if (equals == std::string::npos || error != std::errc() || known == names.end() ||
        (rest != "ms" && rest != "s") || !std::isfinite(number) || number <= 0)
      return Error(ErrorKind::invalid_argument,
                   "budget \"" + part +
                       "\": it must be a phase (init, extract, sandbox, first, total) and a time. "
                       "Write --budget init=250ms,total=1s.");
    constexpr double milliseconds_per_second = 1000;
    budgets.emplace_back(known->second, rest == "s" ? number * milliseconds_per_second : number);
  }
  return budgets;
}

/// An emptied variable in a script must not look like a clean bill of health.
base::Result<void> check_something_given(const FunctionSelection& selection) {
  if (!selection.code.empty() || !selection.layers.empty()) return {};
  return Error(ErrorKind::invalid_argument,
               "command line: there is nothing to look at. Give --layer, or --code, or both.");
}

base::Result<void> check_diff(const DiffCommand& diff) {
  const int ways =
      (diff.layers.empty() ? 0 : 1) + (diff.orders.empty() ? 0 : 1) + (diff.permute ? 1 : 0);
  if (ways != 1 || diff.layers.size() == 1 || (!diff.orders.empty() && diff.orders.size() != 2))
    return Error(ErrorKind::invalid_argument,
                 "command line: diff compares two things. Give two layers, or --layer several "
                 "times with --order twice or --permute.");
  if (!diff.layers.empty() && !diff.selection.layers.empty())
    return Error(ErrorKind::invalid_argument,
                 "command line: two layers are compared as they are; --layer is for --order and "
                 "--permute. Leave one of them out.");
  if (!diff.permute && (diff.event_text || !diff.event_file.empty()))
    return Error(ErrorKind::invalid_argument,
                 "command line: an event is for --permute only. Leave it out.");
  if (diff.permute && (diff.selection.code.empty() || diff.selection.function.runtime.empty() ||
                       diff.selection.layers.size() < 2))
    return Error(ErrorKind::invalid_argument,
                 "command line: --permute invokes the function. Give --code, --runtime, --handler "
                 "and at least two --layer.");
  return {};
}

Error usage_error(const CLI::ParseError& error) {
  std::string what = error.what();
  while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
  return {ErrorKind::invalid_argument, "command line: " + what + ". See \"lamina --help\"."};
}

}  // namespace

base::Result<Command> parse_command_line(int argc, const char* const* argv) {
  // Making all options of all commands takes longer than anything else up to the sandbox. A command
  // that is not named cannot be meant.
  const auto is_named = [argc, argv](const CLI::App& command) {
    return std::find(argv, argv + argc, command.get_name()) != argv + argc;
  };
  CLI::App app(
      "Lamina runs AWS Lambda functions with their layers on this machine: offline, without\n"
      "Docker and without credentials.",
      "lamina");
  app.set_version_flag("--version", "lamina " LAMINA_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example:\n  lamina invoke --code app/ --runtime python3.11 --handler app.handler "
      "--layer deps.zip -d '{\"key\": 1}'\n\nExit codes: 0 the function returned, 1 it failed, "
      "2 Lamina could not run it, 70 a bug in Lamina.");

  InvokeCommand invoke;
  RawSelection invoke_selection;
  std::string freeze = "on";
  std::string event_text;
  CLI::App* invoke_app = app.add_subcommand("invoke", "Run a function once and print its response");
  if (is_named(*invoke_app)) add_selection(*invoke_app, invoke_selection, Needs::function);
  auto* event_option = invoke_app
                           ->add_option("-e,--event", invoke.event_file,
                                        "File with the event; - reads standard input")
                           ->type_name("FILE");
  auto* data_option =
      invoke_app->add_option("-d,--data", event_text, "The event itself")->type_name("JSON");
  event_option->excludes(data_option);
  invoke_app->add_option("--repeat", invoke.repeat, "Invoke the same environment so many times")
      ->capture_default_str()
      ->check(CLI::Range(1U, 10'000'000U))
      ->type_name("N");
  invoke_app->add_option("--freeze", freeze, "on or off: stop all processes between invocations")
      ->capture_default_str()
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("MODE");
  invoke_app->add_option("--json", invoke.report_file, "Write a report of everything measured")
      ->type_name("FILE");
  invoke_app->footer(
      "The response goes to standard output, logs to standard error.\n\nExample:\n  lamina invoke "
      "--code "
      "app/ --runtime python3.11 --handler app.handler \\\n    --layer base.zip --layer "
      "override.zip -e "
      "event.json --env STAGE=test");

  ExecCommand exec;
  RawSelection exec_selection;
  CLI::App* exec_app =
      app.add_subcommand("exec", "Run a command inside the function's execution environment");
  if (is_named(*exec_app)) add_selection(*exec_app, exec_selection, Needs::function);
  exec_app->add_option("command", exec.command, "The command, after --")
      ->required()
      ->type_name("COMMAND...");
  exec_app->footer(
      "Example:\n  lamina exec --code app/ --runtime provided.al2023 --layer deps.zip -- "
      "/bin/ls -l /opt");

  StoreCommand store;
  CLI::App* store_app = app.add_subcommand("store", "Look after the store of extracted layers");
  store_app->require_subcommand(1);
  store_app->footer("Example:\n  lamina store add deps.zip && lamina store ls");
  CLI::App* add_app = store_app->add_subcommand("add", "Put archives into the store ahead of time");
  add_app->add_option("files", store.files, "Archives")->required()->type_name("FILE...");
  add_app->footer("Example:\n  lamina store add deps.zip tools.tar.zst");
  CLI::App* list_app = store_app->add_subcommand("ls", "List what is in the store");
  list_app->add_flag("--json", store.json, "As JSON");
  list_app->footer("Example:\n  lamina store ls");
  CLI::App* collect_app = store_app->add_subcommand("gc", "Remove what was not used for a while");
  std::uint32_t days = 30;
  collect_app->add_option("--unused-for", days, "Days without use; 0 removes everything")
      ->capture_default_str()
      ->type_name("DAYS");
  collect_app->footer("Example:\n  lamina store gc --unused-for 7");
  CLI::App* path_app =
      store_app->add_subcommand("path", "Print where an archive is extracted, or the store");
  path_app->add_option("files", store.files, "An archive")->type_name("FILE")->expected(0, 1);
  path_app->footer("Example:\n  ls $(lamina store path deps.zip)/python");

  CLI::App* layers_app = app.add_subcommand(
      "layers", "Explain, check and compare layers; only --permute runs anything");
  layers_app->require_subcommand(1);
  layers_app->footer(
      "Example:\n  lamina layers which requests --runtime python3.11 --layer a.zip --layer b.zip");

  WhichCommand which;
  RawSelection which_selection;
  CLI::App* which_app = layers_app->add_subcommand(
      "which", "Tell what a name leads to in the function, and what it shadows");
  which_app
      ->add_option("names", which.names,
                   "python:MODULE, node:SPECIFIER, bin:PROGRAM, lib:SONAME or file:PATH")
      ->required()
      ->type_name("NAME...");
  if (is_named(*which_app)) add_selection(*which_app, which_selection, Needs::runtime);
  which_app->add_option("--from", which.from, "As seen from this file inside (node:, lib:)")
      ->type_name("FILE");
  which_app->add_flag("--import", which.import, "node: by import instead of require()");
  which_app->add_flag("--json", which.json, "As JSON");
  which_app->footer(
      "The exit code is 1 when a name leads nowhere.\n\nExample:\n  lamina layers which "
      "python:requests bin:ffmpeg \\\n    --code app/ --runtime python3.11 --layer base.zip "
      "--layer override.zip");

  ExplainCommand explain;
  RawSelection explain_selection;
  std::string view = "tree";
  std::string only = "everything";
  CLI::App* explain_app = layers_app->add_subcommand(
      "explain", "Show the merged /opt: which layer each file comes from, and what it shadows");
  if (is_named(*explain_app)) add_selection(*explain_app, explain_selection, Needs::layers);
  explain_app->add_option("--view", view, "tree, list or summary")
      ->capture_default_str()
      ->check(CLI::IsMember({"tree", "list", "summary"}))
      ->type_name("VIEW");
  explain_app
      ->add_option("--only", only,
                   "conflicts: paths of several layers; differing: with other content")
      ->check(CLI::IsMember({"conflicts", "differing"}))
      ->type_name("WHAT");
  explain_app->add_option("--path", explain.patterns, "Paths below /opt that match; repeatable")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  explain_app->add_flag("--json", explain.json, "As JSON");
  explain_app->footer(
      "Example:\n  lamina layers explain --runtime python3.11 --layer base.zip --layer "
      "override.zip \\\n    --only differing --path 'python/requests/*'");

  CheckCommand check;
  RawSelection check_selection;
  bool check_json = false;
  bool check_sarif = false;
  CLI::App* check_app = layers_app->add_subcommand(
      "check", "Tell what AWS would refuse, and what it would accept and the function die of");
  if (is_named(*check_app)) add_selection(*check_app, check_selection, Needs::layers);
  check_app->add_flag("--strict", check.strict, "Exit code 1 for warnings, too");
  check_app->add_option("--ignore", check.ignored, "Identifier of a finding; repeatable")
      ->type_name("ID")
      ->allow_extra_args(false);
  auto* json_flag = check_app->add_flag("--json", check_json, "As JSON");
  check_app->add_flag("--sarif", check_sarif, "As SARIF 2.1.0, for code-review tools")
      ->excludes(json_flag);
  check_app->footer(
      "The exit code is 1 when there are errors.\n\nExample:\n  lamina layers check --code app/ "
      "--runtime python3.12 --layer deps.zip --strict");

  DiffCommand diff;
  RawSelection diff_selection;
  std::vector<std::string> orders;
  std::string diff_event_text;
  CLI::App* diff_app =
      layers_app->add_subcommand("diff", "Compare two layers, or two orders of the same layers");
  diff_app->add_option("layers", diff.layers, "Two layers, the old one first")
      ->type_name("A B")
      ->expected(0, 2);
  if (is_named(*diff_app)) add_selection(*diff_app, diff_selection, Needs::layers);
  diff_app->add_option("--order", orders, "Twice: numbers of the layers given, such as 2,1,3")
      ->type_name("ORDER")
      ->allow_extra_args(false);
  diff_app->add_flag("--permute", diff.permute,
                     "Invoke the function under every order and compare the results");
  auto* diff_event =
      diff_app->add_option("-e,--event", diff.event_file, "Event for --permute")->type_name("FILE");
  auto* diff_data = diff_app->add_option("-d,--data", diff_event_text, "The event itself")
                        ->type_name("JSON")
                        ->excludes(diff_event);
  diff_app->add_flag("--json", diff.json, "As JSON");
  diff_app->footer(
      "Examples:\n  lamina layers diff deps-1.zip deps-2.zip\n  lamina layers diff --runtime "
      "python3.11 --layer a.zip --layer b.zip --order 1,2 --order 2,1");

  ColdstartCommand coldstart;
  RawSelection coldstart_selection;
  std::vector<std::string> coldstart_orders;
  std::string memory_list = "128";
  std::string state_list = "extracted";
  std::string budget_list;
  std::string coldstart_event_text;
  bool only_configured = false;
  CLI::App* coldstart_app =
      app.add_subcommand("coldstart", "Measure what layers cost at cold start, and which one");
  if (is_named(*coldstart_app)) add_selection(*coldstart_app, coldstart_selection, Needs::function);
  coldstart_app->add_option("--runs", coldstart.runs, "Cold starts of each variant")
      ->capture_default_str()
      ->check(CLI::Range(3U, 1000U))
      ->type_name("N");
  // One size is one variant of each kind; here it may be several.
  if (is_named(*coldstart_app)) coldstart_app->remove_option(coldstart_app->get_option("--memory"));
  coldstart_app->add_option("--memory", memory_list, "Memory size in MB, or several: 128,512,1769")
      ->capture_default_str()
      ->type_name("LIST");
  coldstart_app->add_option("--order", coldstart_orders, "Another order of the layers, such as 2,1")
      ->type_name("ORDER")
      ->allow_extra_args(false);
  coldstart_app
      ->add_option("--cache", state_list, "extracted, cold-store and cold-cache, by commas")
      ->capture_default_str()
      ->type_name("LIST");
  coldstart_app->add_flag("--only-configured", only_configured,
                          "Measure nothing but the configuration");
  coldstart_app->add_flag("--imports", coldstart.imports,
                          "Also name the modules that are dearest to import, and their layers");
  auto* coldstart_event =
      coldstart_app->add_option("-e,--event", coldstart.event_file, "File with the event")
          ->type_name("FILE");
  auto* coldstart_data =
      coldstart_app->add_option("-d,--data", coldstart_event_text, "The event itself")
          ->type_name("JSON")
          ->excludes(coldstart_event);
  coldstart_app
      ->add_option("--budget", budget_list, "Limits of medians, such as init=250ms,extract=1s")
      ->type_name("LIST");
  coldstart_app->add_option("--against", coldstart.baseline, "Report of an earlier --json")
      ->type_name("FILE");
  coldstart_app
      ->add_option("--tolerance", coldstart.tolerance_percent,
                   "Percent by which it may be slower than --against")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1000.0))
      ->type_name("PERCENT");
  coldstart_app->add_option("--json", coldstart.json_file, "Write every run and figure")
      ->type_name("FILE");
  coldstart_app->add_option("--csv", coldstart.csv_file, "Write every run as a row")
      ->type_name("FILE");
  coldstart_app->add_option("--html", coldstart.html_file, "Write it as one page for a browser")
      ->type_name("FILE");
  coldstart_app->footer(
      "The exit code is 1 when a budget or the baseline is exceeded.\n\nExample:\n  lamina "
      "coldstart --code app/ --runtime python3.11 --handler app.handler \\\n    --layer base.zip "
      "--layer deps.zip --budget init=250ms");

  DoctorCommand doctor;
  CLI::App* doctor_app =
      app.add_subcommand("doctor", "Tell what this host can do, and what to mend");
  doctor_app->add_flag("--json", doctor.json, "As JSON");
  doctor_app->footer("Example:\n  lamina doctor");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      std::ostringstream text;
      std::ostringstream unused;
      app.exit(error, text, unused);
      return Command(PrintCommand{text.str()});
    }
    return usage_error(error);
  }

  if (invoke_app->parsed()) {
    TRY_ASSIGN(invoke.selection, finish(invoke_selection));
    invoke.freeze = freeze == "on";
    if (data_option->count() > 0) invoke.event_text = event_text;
    return Command(std::move(invoke));
  }
  if (exec_app->parsed()) {
    TRY_ASSIGN(exec.selection, finish(exec_selection));
    return Command(std::move(exec));
  }
  if (coldstart_app->parsed()) {
    TRY_ASSIGN(coldstart.selection, finish(coldstart_selection));
    coldstart.leave_out = !only_configured;
    if (coldstart_data->count() > 0) coldstart.event_text = coldstart_event_text;
    TRY_ASSIGN(coldstart.memory_sizes, parse_memory_sizes(memory_list));
    coldstart.selection.function.memory_size = coldstart.memory_sizes.front();
    TRY_ASSIGN(coldstart.states, parse_states(state_list));
    TRY_ASSIGN(coldstart.budgets, parse_budgets(budget_list));
    for (const std::string& text : coldstart_orders) {
      TRY_ASSIGN(std::vector<std::size_t> order,
                 parse_order(text, coldstart.selection.layers.size()));
      coldstart.orders.push_back(std::move(order));
    }
    return Command(std::move(coldstart));
  }
  if (explain_app->parsed()) {
    TRY_ASSIGN(explain.selection, finish(explain_selection));
    TRY(check_something_given(explain.selection));
    explain.view = view == "tree"   ? ExplainCommand::View::tree
                   : view == "list" ? ExplainCommand::View::list
                                    : ExplainCommand::View::summary;
    explain.only = only == "conflicts"   ? ExplainCommand::Only::conflicts
                   : only == "differing" ? ExplainCommand::Only::differing
                                         : ExplainCommand::Only::everything;
    return Command(std::move(explain));
  }
  if (check_app->parsed()) {
    TRY_ASSIGN(check.selection, finish(check_selection));
    TRY(check_something_given(check.selection));
    check.form = check_sarif  ? CheckCommand::Form::sarif
                 : check_json ? CheckCommand::Form::json
                              : CheckCommand::Form::text;
    return Command(std::move(check));
  }
  if (diff_app->parsed()) {
    TRY_ASSIGN(diff.selection, finish(diff_selection));
    if (diff_data->count() > 0) diff.event_text = diff_event_text;
    for (const std::string& text : orders) {
      TRY_ASSIGN(std::vector<std::size_t> order, parse_order(text, diff.selection.layers.size()));
      diff.orders.push_back(std::move(order));
    }
    TRY(check_diff(diff));
    return Command(std::move(diff));
  }
  if (which_app->parsed()) {
    TRY_ASSIGN(which.selection, finish(which_selection));
    return Command(std::move(which));
  }
  if (store_app->parsed()) {
    store.action = add_app->parsed()       ? StoreCommand::Action::add
                   : collect_app->parsed() ? StoreCommand::Action::collect
                   : path_app->parsed()    ? StoreCommand::Action::path
                                           : StoreCommand::Action::list;
    store.unused_for = std::chrono::hours(24) * days;
    return Command(std::move(store));
  }
  return Command(doctor);
}

}  // namespace emulator
