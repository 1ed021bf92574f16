#pragma once

#include "base/result.hpp"
#include "emulator/function_configuration.hpp"
#include "layers/opt_composition.hpp"
#include "sandbox/sandbox_spec.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace emulator {

/// Which function with which layers: the same flags for every command that needs one.
struct FunctionSelection {
  FunctionConfiguration function;
  /// The region was named, not only assumed.
  bool region_given = false;
  /// Empty for none, where a command does without.
  std::string code;
  std::vector<std::string> layers;
  sandbox::Network network = sandbox::Network::host;
  /// Absent: overlay where the host allows it.
  std::optional<layers::OptMode> opt_mode;
};

struct InvokeCommand {
  FunctionSelection selection;
  /// Path, "-" for standard input, empty for none.
  std::string event_file;
  std::optional<std::string> event_text;
  std::uint32_t repeat = 1;
  bool freeze = true;
  std::string report_file;
};

struct ExecCommand {
  FunctionSelection selection;
  std::vector<std::string> command;
};

struct StoreCommand {
  enum class Action { add, list, collect, path } action = Action::list;
  std::vector<std::string> files;
  std::chrono::hours unused_for{24 * 30};
  bool json = false;
};

/// `lamina layers which`: where names lead.
struct WhichCommand {
  FunctionSelection selection;
  /// "python:requests", "bin:ffmpeg"; without a prefix, what the runtime's language imports.
  std::vector<std::string> names;
  /// The file that asks; empty for the function's own.
  std::string from;
  /// Node.js: by import instead of require().
  bool import = false;
  bool json = false;
};

/// `lamina layers explain`: the merged /opt and what it hides.
struct ExplainCommand {
  enum class View { tree, list, summary };
  enum class Only { everything, conflicts, differing };
  FunctionSelection selection;
  View view = View::tree;
  Only only = Only::everything;
  /// Shell patterns of paths below /opt; none for all.
  std::vector<std::string> patterns;
  bool json = false;
};

/// `lamina layers check`: what AWS refuses, and what it accepts and the function dies of.
struct CheckCommand {
  enum class Form { text, json, sarif };
  FunctionSelection selection;
  bool strict = false;
  Form form = Form::text;
  /// Identifiers of rules that do not matter here.
  std::vector<std::string> ignored;
};

/// `lamina layers diff`: two layers, or two orders of the same ones.
struct DiffCommand {
  FunctionSelection selection;
  /// The two layers; empty when orders are compared.
  std::vector<std::string> layers;
  /// Two lists of layer numbers, counted from 1.
  std::vector<std::vector<std::size_t>> orders;
  /// Invoke the function under every order.
  bool permute = false;
  std::string event_file;
  std::optional<std::string> event_text;
  bool json = false;
};

/// Where the layers are when a cold start begins; each is named for what it is.
enum class CacheState {
  extracted,   ///< their trees are in the store, their pages in memory
  cold_store,  ///< their archives must be extracted
  cold_cache,  ///< trees in the store, their pages dropped from the page cache
};

/// `lamina coldstart`: what layers cost.
struct ColdstartCommand {
  FunctionSelection selection;
  std::uint32_t runs = 10;
  /// Empty for the selection's own.
  std::vector<std::uint32_t> memory_sizes;
  /// Orders beside the one given.
  std::vector<std::vector<std::size_t>> orders;
  std::vector<CacheState> states;
  /// Also without any layer, without each in turn, and with all in one package.
  bool leave_out = true;
  /// Also which modules are dear to import.
  bool imports = false;
  std::string event_file;
  std::optional<std::string> event_text;
  /// Phase and the most milliseconds that its median may take.
  std::vector<std::pair<std::string, double>> budgets;
  /// A report of --json written before; empty for none.
  std::string baseline;
  /// How much slower than the baseline is fine.
  double tolerance_percent = 5;
  std::string json_file;
  std::string csv_file;
  std::string html_file;
};

struct DoctorCommand {
  bool json = false;
};

/// --help and --version: a text for stdout and nothing else to do.
struct PrintCommand {
  std::string text;
};

using Command =
    std::variant<InvokeCommand, ExecCommand, StoreCommand, WhichCommand, ExplainCommand,
                 CheckCommand, DiffCommand, ColdstartCommand, DoctorCommand, PrintCommand>;

/// argv to a command. Reads the file given with -n, and nothing else of the world.
base::Result<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace emulator
