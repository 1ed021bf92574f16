#include "diagnosis/folder_files.hpp"
#include "diagnosis/library_search.hpp"
#include "diagnosis/node_search.hpp"
#include "diagnosis/python_distribution.hpp"
#include "diagnosis/python_search.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/environment_variables.hpp"
#include "emulator/installation.hpp"
#include "emulator/planned_files.hpp"
#include "emulator/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;
using diagnosis::Candidate;
using diagnosis::Resolution;

constexpr std::size_t max_package_json = 1 << 20;

enum class NameKind { python, node, program, library, file };

struct AskedName {
  NameKind kind = NameKind::file;
  std::string name;
};

base::Result<AskedName> parse_name(const std::string& text, const RuntimeSupport& runtime) {
  constexpr std::array prefixes = {
      std::pair("python:", NameKind::python), std::pair("node:", NameKind::node),
      std::pair("bin:", NameKind::program), std::pair("lib:", NameKind::library),
      std::pair("file:", NameKind::file)};
  for (const auto& [prefix, kind] : prefixes) {
    if (!text.starts_with(prefix)) continue;
    const std::string name = text.substr(std::string_view(prefix).size());
    const bool fits = (kind != NameKind::python || runtime.family == RuntimeFamily::python) &&
                      (kind != NameKind::node || runtime.family == RuntimeFamily::nodejs);
    if (fits && !name.empty()) return AskedName{kind, name};
    return Error(ErrorKind::invalid_argument,
                 "name \"" + text + "\": " +
                     (fits ? "nothing stands after the colon. Write "
                           : runtime.identifier + " imports no such thing. Give another --runtime "
                                                  "or write ") +
                     "bin:PROGRAM, lib:SONAME or file:PATH.");
  }
  if (runtime.family == RuntimeFamily::python) return AskedName{NameKind::python, text};
  if (runtime.family == RuntimeFamily::nodejs) return AskedName{NameKind::node, text};
  return Error(ErrorKind::invalid_argument, "name \"" + text + "\": " + runtime.identifier +
                                                " has no import of its own. Write bin:PROGRAM, "
                                                "lib:SONAME or file:PATH.");
}

/// A candidate and whose it is.
struct Row {
  Candidate candidate;
  std::string owner;
};

struct Answer {
  Resolution resolution;
  std::vector<Row> rows;
};

/// Everything that names are looked up in: the files of the plan, and each layer by itself for what
/// the layers above it hide.
class Lookup {
 public:
  Lookup(const FunctionSelection& selection, const PreparedFunction& prepared,
         const RuntimeSupport& runtime)
      : prepared_(prepared), runtime_(runtime), files_(prepared.plan.sandbox.steps) {
    for (const std::string& line : runtime_environment(selection.function, {}, {})) {
      const std::size_t equals = line.find('=');
      variables_[line.substr(0, equals)] = line.substr(equals + 1);
    }
    architecture_ = to_string(selection.function.architecture);
  }

  Answer answer(const AskedName& asked, const WhichCommand& command) const {
    Answer answer;
    answer.resolution = resolve(asked, command);
    for (Candidate& candidate : answer.resolution.candidates) add(answer.rows, asked, candidate);
    return answer;
  }

 private:
  std::string variable(const std::string& name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? std::string() : found->second;
  }

  std::string node_path() const {
    if (const std::string set = variable("NODE_PATH"); !set.empty()) return set;
    return "/opt/nodejs/node" + runtime_.version +
           "/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:"
           "/var/task";
  }

  Resolution resolve(const AskedName& asked, const WhichCommand& command) const {
    switch (asked.kind) {
      case NameKind::python: {
        diagnosis::PythonSearch search;
        search.version = runtime_.version;
        if (variables_.contains("PYTHONPATH")) search.python_path = variable("PYTHONPATH");
        return diagnosis::resolve_python(files_, search, asked.name);
      }
      case NameKind::node: {
        const diagnosis::NodeSearch search{std::stoi(runtime_.version), node_path()};
        const auto how =
            command.import ? diagnosis::NodeImport::import : diagnosis::NodeImport::require;
        return diagnosis::resolve_node(files_, search, how, asked.name,
                                       command.from.empty() ? "/var/task/index.js" : command.from);
      }
      case NameKind::program:
        return diagnosis::resolve_program(files_, variable("PATH"), asked.name);
      case NameKind::library:
        return diagnosis::resolve_library(
            files_, {variable("LD_LIBRARY_PATH"), architecture_, command.from}, asked.name);
      case NameKind::file:
        break;
    }
    return resolve_file(asked.name);
  }

  Resolution resolve_file(const std::string& name) const {
    Resolution resolution;
    resolution.name = name;
    const std::string path = diagnosis::joined("/var/task", name);
    const auto real = diagnosis::real_path(files_, path);
    const auto node = real ? files_.look(*real) : std::nullopt;
    resolution.found = node.has_value();
    if (!node) return resolution;
    if (*real != path) resolution.notes.push_back(path + " leads to " + *real + ".");
    resolution.candidates.push_back(
        {*real, node->is_directory() ? "directory" : "file", "", "", "it is there"});
    return resolution;
  }

  /// The candidate, and below it what lower layers have at the same path.
  void add(std::vector<Row>& rows, const AskedName& asked, Candidate& candidate) const {
    constexpr std::string_view opt = "/opt/";
    if (!candidate.path.starts_with(opt)) {
      rows.push_back({candidate, owner_outside_opt(candidate.path)});
      return;
    }
    const std::string inside = candidate.path.substr(opt.size() - 1);
    bool first = true;
    for (std::size_t i = prepared_.layers.size(); i-- > 0;) {
      const diagnosis::FolderFiles layer(prepared_.layers[i].tree);
      const auto node = layer.look(inside);
      if (!node) continue;
      const std::string owner = layer_name(i);
      if (first) {
        // Its own metadata: the merged folder may show that of two versions.
        if (std::string version = version_in(layer, asked, inside, candidate); !version.empty())
          candidate.version = std::move(version);
        rows.push_back({candidate, owner});
        first = false;
        if (node->is_directory()) return;  // Its content comes from several layers.
        continue;
      }
      Candidate hidden = candidate;
      hidden.version = version_in(layer, asked, inside, candidate);
      hidden.reason = "the same path in a later layer wins";
      rows.push_back({hidden, owner});
    }
    if (first) rows.push_back({candidate, "layers"});
  }

  std::string version_in(const diagnosis::FileView& layer, const AskedName& asked,
                         const std::string& inside, const Candidate& candidate) const {
    if (asked.kind == NameKind::python && candidate.place.starts_with("/opt")) {
      const std::string module = asked.name.substr(0, asked.name.find('.'));
      return diagnosis::version_of_module(layer, candidate.place.substr(4), module);
    }
    if (asked.kind == NameKind::node) return package_version(layer, inside);
    return {};
  }

  /// Of the package.json nearest above the file.
  static std::string package_version(const diagnosis::FileView& view, std::string path) {
    while (path.size() > 1) {
      path.erase(path.rfind('/'));
      if (path.ends_with("/node_modules")) break;
      const auto text = view.read(path + "/package.json", max_package_json);
      if (!text) continue;
      const auto document = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
      if (!document.is_object()) break;
      // One that only says "type" is not the package's.
      if (const auto version = document.find("version");
          version != document.end() && version->is_string())
        return version->get<std::string>();
    }
    return {};
  }

  std::string layer_name(std::size_t index) const {
    return fmt::format("layer {} \"{}\"", index + 1, prepared_.layers[index].reference);
  }

  static std::string owner_outside_opt(const std::string& path) {
    if (path.starts_with("/var/task/")) return "code";
    if (path.starts_with("/var/runtime/") || path.starts_with("/var/lang/")) return "runtime";
    return path.empty() || path.front() != '/' ? "runtime" : "system";
  }

  const PreparedFunction& prepared_;
  const RuntimeSupport& runtime_;
  PlannedFiles files_;
  std::map<std::string, std::string> variables_;
  std::string architecture_;
};

nlohmann::ordered_json to_json(const Answer& answer) {
  nlohmann::ordered_json candidates = nlohmann::ordered_json::array();
  for (const Row& row : answer.rows)
    candidates.push_back({{"path", row.candidate.path},
                          {"kind", row.candidate.kind},
                          {"version", row.candidate.version},
                          {"owner", row.owner},
                          {"place", row.candidate.place},
                          {"reason", row.candidate.reason}});
  return {{"name", answer.resolution.name},
          {"found", answer.resolution.found},
          {"candidates", candidates},
          {"searched", answer.resolution.searched},
          {"notes", answer.resolution.notes}};
}

std::string row_text(const Row& row) {
  std::string text = "  " + printable(row.candidate.path) + "\n      ";
  text += row.candidate.kind;
  if (!row.candidate.version.empty()) text += " " + printable(row.candidate.version);
  text += ", " + printable(row.owner);
  if (!row.candidate.reason.empty()) text += ": " + printable(row.candidate.reason);
  return text + "\n";
}

std::string to_text(const std::string& asked, const Answer& answer) {
  std::string text = asked + "\n";
  std::size_t shown = 0;
  if (answer.resolution.found && !answer.rows.empty()) {
    text += row_text(answer.rows.front());
    shown = 1;
  } else {
    text += "  not found\n";
  }
  if (answer.rows.size() > shown) text += shown == 0 ? "passed over:\n" : "shadowed:\n";
  for (std::size_t i = shown; i < answer.rows.size(); ++i) text += row_text(answer.rows[i]);
  for (const std::string& note : answer.resolution.notes) text += "note: " + printable(note) + "\n";
  if (!answer.resolution.searched.empty()) {
    text += "searched:";
    for (const std::string& folder : answer.resolution.searched) text += " " + printable(folder);
    text += "\n";
  }
  return text;
}

}  // namespace

base::Result<ExitCode> run_layers_which(const WhichCommand& command) {
  FunctionSelection selection = command.selection;
  // No handler is looked for.
  if (selection.function.handler.empty()) selection.function.handler = "none";
  selection.opt_mode = layers::OptMode::overlay;
  TRY_ASSIGN(const auto store_path, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  TRY_ASSIGN(const RuntimeSupport runtime,
             find_runtime(selection.function.runtime, memory_of(store)));
  std::vector<AskedName> asked;
  for (const std::string& text : command.names) {
    TRY_ASSIGN(AskedName name, parse_name(text, runtime));
    asked.push_back(std::move(name));
  }
  const auto progress = make_progress_bar();
  TRY_ASSIGN(const PreparedFunction prepared, prepare_function(selection, store, progress.get()));

  const Lookup lookup(selection, prepared, runtime);
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  std::string text;
  bool all_found = true;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Answer answer = lookup.answer(asked[i], command);
    all_found = all_found && answer.resolution.found;
    if (command.json) {
      results.push_back(to_json(answer));
    } else {
      text += (i == 0 ? "" : "\n") + to_text(command.names[i], answer);
    }
  }
  if (command.json) {
    const nlohmann::ordered_json document = {{"schema", "lamina-which/1"}, {"results", results}};
    text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  if (!print_result(text))
    return Error(ErrorKind::io_error, "answer: standard output cannot be written.");
  return all_found ? ExitCode::returned : ExitCode::function_failed;
}

}  // namespace emulator
