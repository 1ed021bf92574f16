#include "diagnosis/node_search.hpp"

#include "diagnosis/package_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

// Function for function after Node.js' lib/internal/modules/cjs/loader.js and esm/resolve.js: what
// their documents leave open, such as which failures end the search, is as there.

namespace diagnosis {
namespace {

constexpr std::string_view task_root = "/var/task";
constexpr std::string_view modules_folder = "node_modules";
/// The first whose layers' packages `import` finds on Lambda.
constexpr int first_with_layer_imports = 18;
/// Its last releases, which Lambda runs, let require() take ES modules.
constexpr int first_with_module_sync = 20;
constexpr std::array<std::string_view, 3> extensions{".js", ".json", ".node"};

// ---- built-in modules ----

/// `module.builtinModules` of Node.js 16 to 24.
constexpr std::array built_in_modules = std::to_array<std::string_view>({
    "_http_agent",
    "_http_client",
    "_http_common",
    "_http_incoming",
    "_http_outgoing",
    "_http_server",
    "_stream_duplex",
    "_stream_passthrough",
    "_stream_readable",
    "_stream_transform",
    "_stream_wrap",
    "_stream_writable",
    "_tls_common",
    "_tls_wrap",
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "events",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "path/posix",
    "path/win32",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "stream/consumers",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "sys",
    "timers",
    "timers/promises",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "util/types",
    "v8",
    "vm",
    "worker_threads",
    "zlib",
});

struct LaterModule {
  std::string_view name;
  int since;
  /// Only as "node:...".
  bool needs_scheme = false;
};
constexpr std::array later_modules{
    LaterModule{"readline/promises", 17},    LaterModule{"test", 18, true},
    LaterModule{"inspector/promises", 19},   LaterModule{"wasi", 20},
    LaterModule{"test/reporters", 20, true}, LaterModule{"sea", 20, true},
    LaterModule{"sqlite", 22, true},
};

enum class Scheme { given, none };

bool is_built_in(std::string_view name, int major, Scheme scheme) {
  if (std::find(built_in_modules.begin(), built_in_modules.end(), name) != built_in_modules.end())
    return true;
  return std::any_of(later_modules.begin(), later_modules.end(), [&](const LaterModule& module) {
    return module.name == name && major >= module.since &&
           (scheme == Scheme::given || !module.needs_scheme);
  });
}

// ---- specifiers and URLs ----

/// "node:" of "node:fs"; empty for anything that is no URL.
std::string_view scheme_of(std::string_view specifier) {
  if (specifier.empty() || !std::isalpha(static_cast<unsigned char>(specifier.front()))) return {};
  const auto end = std::find_if_not(specifier.begin(), specifier.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '+' || c == '-' || c == '.';
  });
  if (end == specifier.end() || *end != ':') return {};
  return specifier.substr(0, static_cast<std::size_t>(end - specifier.begin()) + 1);
}

/// "./a", "../a", "." and "..".
bool is_relative(std::string_view specifier) {
  return specifier == "." || specifier == ".." || specifier.starts_with("./") ||
         specifier.starts_with("../");
}

/// Splits "@scope/name/sub" into "@scope/name" and "./sub".
std::pair<std::string, std::string> split_package(std::string_view specifier) {
  std::size_t end = specifier.find('/');
  if (specifier.starts_with('@') && end != std::string_view::npos)
    end = specifier.find('/', end + 1);
  if (end == std::string_view::npos) return {std::string(specifier), "."};
  return {std::string(specifier.substr(0, end)), "." + std::string(specifier.substr(end))};
}

/// What ES modules take for a package's name.
bool is_package_name(std::string_view specifier, std::string_view name) {
  if (specifier.starts_with('@') && specifier.find('/') == std::string_view::npos) return false;
  // '?' and '#' would start another part of the URL that is made of the name.
  return !name.empty() && !name.starts_with('.') &&
         name.find_first_of("%\\?#") == std::string_view::npos;
}

/// The name and subpath by which require() looks for "exports"; nothing where it looks for none.
std::optional<std::pair<std::string, std::string>> exporting_package(std::string_view request) {
  const auto is_name = [](std::string_view part) {
    return !part.empty() && part.find_first_of("/\\%") == std::string_view::npos;
  };
  const auto split_at = [&](std::size_t end) {
    return std::pair{std::string(request.substr(0, end)),
                     "." + std::string(request.substr(std::min(end, request.size())))};
  };
  const std::size_t first = std::min(request.find('/'), request.size());
  if (request.starts_with('@') && first > 1 && first < request.size() &&
      is_name(request.substr(0, first))) {
    const std::size_t second = std::min(request.find('/', first + 1), request.size());
    const std::string_view name = request.substr(first + 1, second - first - 1);
    if (is_name(name) && !name.starts_with('.')) return split_at(second);
  }
  const std::string_view name = request.substr(0, first);
  if (!is_name(name) || name.starts_with('.')) return std::nullopt;
  return split_at(first);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Nothing for a '%' that starts no escape.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// The path that a relative file: URL means. A slash at its end stays. Nothing for what Node.js
/// refuses: encoded separators, hosts, broken escapes.
std::optional<std::string> url_path(std::string_view folder, std::string_view reference) {
  std::string text(reference.substr(0, reference.find_first_of("?#")));
  std::replace(text.begin(), text.end(), '\\', '/');
  if (text.starts_with("//")) return std::nullopt;
  std::vector<std::string> segments;
  bool is_folder = false;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    const std::string_view segment = std::string_view(text).substr(start, end - start);
    start = end + 1;
    const auto decoded = percent_decoded(segment);
    if (!decoded || (segment.find('%') != std::string_view::npos &&
                     decoded->find_first_of("/\\") != std::string::npos))
      return std::nullopt;
    is_folder = decoded->empty() || *decoded == "." || *decoded == "..";
    segments.push_back(*decoded);
  }
  std::string path;
  for (const std::string& segment : segments) path.append(path.empty() ? "" : "/").append(segment);
  path = joined(text.starts_with('/') ? "/" : folder, text.starts_with('/') ? "/" + path : path);
  if (is_folder && path != "/") path += '/';
  return path;
}

/// Whether a target has ".", ".." or "node_modules" among its segments, however encoded.
bool has_forbidden_segment(std::string_view text) {
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("/\\", start), text.size());
    const std::string segment =
        lower(percent_decoded(text.substr(start, end - start)).value_or(""));
    if (segment == "." || segment == ".." || segment == modules_folder) return true;
    start = end + 1;
  }
  return false;
}

std::string parent_folder(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// "/a/b", "/a", "/".
std::vector<std::string> folder_and_parents(const std::string& folder) {
  std::vector<std::string> folders{folder};
  while (folders.back() != "/") folders.push_back(parent_folder(folders.back()));
  return folders;
}

// ---- "exports" and "imports" ----

/// 1 when the pattern key `b` is to be preferred to `a`.
int compare_pattern_keys(std::string_view a, std::string_view b) {
  const std::size_t star_a = a.find('*');
  const std::size_t star_b = b.find('*');
  const std::size_t base_a = star_a == std::string_view::npos ? a.size() : star_a + 1;
  const std::size_t base_b = star_b == std::string_view::npos ? b.size() : star_b + 1;
  if (base_a != base_b) return base_a > base_b ? -1 : 1;
  if (star_a == std::string_view::npos) return 1;
  if (star_b == std::string_view::npos) return -1;
  if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1;
  return 0;
}

struct PatternMatch {
  std::string_view key;
  /// What the star stands for.
  std::string star;
};

std::optional<PatternMatch> best_pattern(const std::vector<std::string>& keys,
                                         std::string_view name) {
  std::optional<PatternMatch> best;
  for (const std::string& key : keys) {
    const std::size_t star = key.find('*');
    if (star == std::string::npos || !name.starts_with(std::string_view(key).substr(0, star)))
      continue;
    const std::string_view trailer = std::string_view(key).substr(star + 1);
    if (name.size() < key.size() || !name.ends_with(trailer) || key.rfind('*') != star ||
        compare_pattern_keys(best ? best->key : std::string_view(), key) != 1)
      continue;
    best = {.key = key,
            .star = std::string(name.substr(star, name.size() - trailer.size() - star))};
  }
  return best;
}

std::string with_star(std::string_view target, std::string_view star) {
  std::string text;
  for (const char c : target) {
    if (c == '*') {
      text += star;
    } else {
      text += c;
    }
  }
  return text;
}

bool is_array_index(std::string_view key) {
  return key == "0" ||
         (!key.empty() && key.size() <= 10 && key.front() != '0' &&
          std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isdigit(c); }) &&
          (key.size() < 10 || key < "4294967295"));
}

/// What came of looking in one place.
struct Outcome {
  enum class Verdict {
    /// `path` is it.
    taken,
    /// Node.js' own; `path` is "node:...".
    built_in,
    /// No such package here, the search goes on.
    absent,
    /// The package is here, but not what it leads to.
    missing,
    refused,
    /// Refused; but the next target of an array is tried.
    invalid_target,
    /// A target without a condition that holds.
    no_condition,
    /// A target of null.
    closed,
  };

  Verdict verdict = Verdict::absent;
  std::string path;
  /// Why not: a clause.
  std::string reason;
  /// Where it was found.
  std::string place;
  /// The folder of the package; empty when it is a file only.
  std::string package;
  /// The package itself was asked for, not a file in it.
  bool is_package = false;

  bool is_taken() const { return verdict == Verdict::taken || verdict == Verdict::built_in; }
};

using Verdict = Outcome::Verdict;

Outcome outcome_of(Verdict verdict, std::string reason = "") {
  Outcome outcome;
  outcome.verdict = verdict;
  outcome.reason = std::move(reason);
  return outcome;
}
Outcome missing(std::string reason) {
  return outcome_of(Verdict::missing, std::move(reason));
}
Outcome refused(std::string reason) {
  return outcome_of(Verdict::refused, std::move(reason));
}
Outcome taken(std::string path, Verdict verdict = Verdict::taken) {
  Outcome outcome = outcome_of(verdict);
  outcome.path = std::move(path);
  return outcome;
}

// ---- the search ----

class NodeResolver {
 public:
  NodeResolver(const FileView& view, const NodeSearch& search, NodeImport how,
               std::string_view specifier, std::string_view from_file)
      : view_(view), search_(search), how_(how), specifier_(specifier) {
    result_.name = specifier;
    // A link's own folder counts for nothing. A file that is not there yet may be asked for, too.
    const std::string from = normal_path(from_file);
    const std::string folder = parent_folder(from);
    if (const auto real = real_path(view_, from)) {
      from_folder_ = parent_folder(*real);
    } else {
      from_folder_ = real_path(view_, folder).value_or(folder);
    }
    std::string_view rest = search_.node_path;
    while (!rest.empty()) {
      const std::string_view folder_text = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(folder_text.size() + 1, rest.size()));
      if (!folder_text.empty()) node_path_.push_back(joined(task_root, folder_text));
    }
  }

  Resolution run() {
    if (specifier_.empty()) {
      result_.notes.push_back("A specifier must not be empty.");
    } else if (!resolve_built_in()) {
      if (how_ == NodeImport::require) {
        run_require();
      } else {
        run_import();
      }
    }
    return std::move(result_);
  }

 private:
  enum class Origin { parents, node_path };
  struct Place {
    std::string folder;
    Origin origin;
  };

  // ---- answers ----

  void add_candidate(const Outcome& outcome, std::string reason) {
    Candidate candidate;
    candidate.path = outcome.is_taken() ? outcome.path : outcome.package;
    if (outcome.verdict == Verdict::built_in) {
      candidate.kind = "built-in module";
    } else if (outcome.is_package || !outcome.is_taken()) {
      candidate.kind = "package";
    } else if (outcome.path.ends_with(".node")) {
      candidate.kind = "addon";
    } else {
      candidate.kind = outcome.path.ends_with(".json") ? "json" : "module";
    }
    if (!outcome.package.empty()) candidate.version = package(outcome.package).version;
    candidate.place = outcome.place;
    candidate.reason = std::move(reason);
    result_.candidates.push_back(std::move(candidate));
  }

  void add_searched(const std::string& folder) {
    if (seen_.insert(folder).second) result_.searched.push_back(folder);
  }

  /// The answer where no other place may come into question.
  void answer(const Outcome& outcome, std::string reason) {
    result_.found = outcome.is_taken();
    if (result_.found) {
      add_candidate(outcome, std::move(reason));
    } else if (!outcome.package.empty()) {
      add_candidate(outcome, outcome.reason);
      result_.notes.push_back(fmt::format("{}: {}.", outcome.package, outcome.reason));
    } else if (!outcome.reason.empty()) {
      result_.notes.push_back(fmt::format("\"{}\": {}.", specifier_, outcome.reason));
    }
  }

  /// The places that come after the one that decides, by what they would give themselves.
  void add_others(const Outcome& decided, Origin origin, const std::vector<Place>& places,
                  const std::function<Outcome(const std::string&)>& look_in) {
    std::set<std::string> done{decided.place};
    for (const Place& place : places) {
      if (!done.insert(place.folder).second) continue;
      const Outcome outcome = look_in(place.folder);
      if (!outcome.is_taken() && outcome.verdict != Verdict::refused) continue;
      std::string reason = reason_for_other(decided, origin, place);
      if (!outcome.is_taken()) reason += "; " + outcome.reason;
      add_candidate(outcome, std::move(reason));
    }
  }

  std::string reason_for_other(const Outcome& decided, Origin origin, const Place& place) const {
    if (decided.verdict == Verdict::built_in) return "built-in modules come first";
    if (!decided.is_taken() && decided.verdict != Verdict::absent)
      return fmt::format("the search ends at {}", decided.package);
    if (place.origin == Origin::parents) return "in a node_modules folder farther up";
    if (how_ == NodeImport::import && search_.major < first_with_layer_imports)
      return "import finds no packages of layers before nodejs18.x";
    return origin == Origin::node_path ? "later in NODE_PATH"
                                       : "in NODE_PATH, after the folders above the importing file";
  }

  std::string reason_for_winner(const Outcome& winner, Origin origin) const {
    if (is_itself_) return "the importing package itself, by its \"exports\"";
    if (origin == Origin::node_path) return "the first in NODE_PATH that has it";
    if (winner.place == joined(task_root, modules_folder))
      return "in the function's own node_modules, before the layers";
    return "in a node_modules folder above the importing file, before NODE_PATH";
  }

  // ---- packages ----

  const PackageJson& package(const std::string& folder) {
    const auto [known, is_new] = packages_.try_emplace(folder);
    if (is_new) known->second = read_package_json(view_, folder);
    return known->second;
  }

  /// The folder whose package.json is the nearest.
  std::optional<std::string> scope_of(const std::string& from_folder) {
    for (const std::string& folder : folder_and_parents(from_folder)) {
      if (base_name(folder) == modules_folder) break;
      if (package(folder).state != PackageJson::State::absent) return folder;
    }
    return std::nullopt;
  }

  /// For the version: a package.json that only gives the type of a folder says nothing of it.
  std::string package_of_file(const std::string& path) {
    for (const std::string& folder : folder_and_parents(parent_folder(path))) {
      if (base_name(folder) == modules_folder) break;
      if (package(folder).name || !package(folder).version.empty()) return folder;
    }
    return "";
  }

  bool holds(std::string_view condition) const {
    if (condition == "default" || condition == "node" || condition == "node-addons") return true;
    if (condition == "require") return how_ == NodeImport::require;
    if (condition == "import") return how_ == NodeImport::import;
    return condition == "module-sync" && search_.major >= first_with_module_sync;
  }

  std::string_view verb() const { return how_ == NodeImport::require ? "require()" : "import"; }

  enum class Field { exports, imports };

  struct TargetRequest {
    const std::string& package;
    Field field;
    /// The key of the field that is taken.
    std::string_view key;
    std::optional<std::string> star;
  };

  Outcome target_of(const TargetRequest& request, const JsonValue& target) {
    switch (target.kind) {
      case JsonValue::Kind::string:
        return string_target_of(request, target.text);
      case JsonValue::Kind::null:
        return outcome_of(Verdict::closed);
      case JsonValue::Kind::other:
        return invalid_target(request, "a value");
      case JsonValue::Kind::array: {
        Outcome last = outcome_of(target.items.empty() ? Verdict::closed : Verdict::no_condition);
        for (const JsonValue& item : target.items) {
          Outcome outcome = target_of(request, item);
          if (outcome.verdict == Verdict::invalid_target || outcome.verdict == Verdict::closed) {
            last = std::move(outcome);
          } else if (outcome.verdict != Verdict::no_condition) {
            return outcome;
          }
        }
        return last;
      }
      case JsonValue::Kind::object:
        break;
    }
    if (std::any_of(target.keys.begin(), target.keys.end(), is_array_index))
      return refused("its package.json has numbers for conditions");
    for (std::size_t i = 0; i < target.keys.size(); ++i) {
      if (!holds(target.keys[i])) continue;
      Outcome outcome = target_of(request, target.items[i]);
      if (outcome.verdict != Verdict::no_condition) return outcome;
    }
    return outcome_of(Verdict::no_condition);
  }

  static Outcome invalid_target(const TargetRequest& request, std::string_view target) {
    return outcome_of(
        Verdict::invalid_target,
        fmt::format("{} that its \"{}\" have for \"{}\" is no valid target", target,
                    request.field == Field::exports ? "exports" : "imports", request.key));
  }

  Outcome string_target_of(const TargetRequest& request, const std::string& target) {
    const std::string quoted = "\"" + target + "\"";
    if (!target.starts_with("./")) {
      if (request.field == Field::exports || target.starts_with('/') || target.starts_with("../") ||
          !scheme_of(target).empty())
        return invalid_target(request, quoted);
      return find_package(with_star(target, request.star.value_or("*")), request.package);
    }
    if (has_forbidden_segment(std::string_view(target).substr(2)))
      return invalid_target(request, quoted);
    if (request.star && has_forbidden_segment(*request.star))
      return refused(fmt::format("\"{}\" does not fit \"{}\"", *request.star, request.key));
    const auto path =
        url_path(request.package, request.star ? with_star(target, *request.star) : target);
    if (!path) return refused(fmt::format("{} has characters that no path may have", quoted));
    return taken(*path);
  }

  Outcome exported(const std::string& folder, const std::string& subpath) {
    Outcome outcome = exported_target(folder, subpath);
    if (outcome.verdict == Verdict::no_condition || outcome.verdict == Verdict::closed) {
      outcome = refused(
          subpath == "." ? fmt::format("its \"exports\" have no entry for {}", verb())
                         : fmt::format("its \"exports\" have no \"{}\" for {}", subpath, verb()));
    } else if (outcome.verdict == Verdict::invalid_target) {
      outcome.verdict = Verdict::refused;
    }
    return outcome;
  }

  Outcome exported_target(const std::string& folder, const std::string& subpath) {
    const JsonValue& exports = *package(folder).exports;
    const auto is_condition = [](const std::string& key) { return !key.starts_with('.'); };
    const auto& keys = exports.keys;
    const bool is_sugar = exports.kind == JsonValue::Kind::string ||
                          exports.kind == JsonValue::Kind::array ||
                          (!keys.empty() && is_condition(keys.front()));
    if (std::any_of(keys.begin(), keys.end(),
                    [&](const std::string& key) { return is_condition(key) != is_sugar; }))
      return refused("its \"exports\" mix paths and conditions");
    TargetRequest request{
        .package = folder, .field = Field::exports, .key = subpath, .star = std::nullopt};
    if (is_sugar) {
      return subpath == "." ? target_of(request, exports) : outcome_of(Verdict::no_condition);
    }
    if (subpath.find('*') == std::string::npos && !subpath.ends_with('/'))
      if (const JsonValue* target = exports.member(subpath)) return target_of(request, *target);
    const auto match = best_pattern(keys, subpath);
    if (!match) return outcome_of(Verdict::no_condition);
    request.key = match->key;
    request.star = match->star;
    return target_of(request, *exports.member(match->key));
  }

  /// "#name" of the package in `folder`, whose package.json has "imports".
  Outcome imported(const std::string& folder) {
    if (specifier_ == "#" || specifier_.starts_with("#/") || specifier_.ends_with('/'))
      return refused("it is no valid name for \"imports\"");
    Outcome outcome = imported_target(folder);
    if (outcome.verdict == Verdict::no_condition || outcome.verdict == Verdict::closed) {
      outcome = refused(fmt::format("its \"imports\" have no \"{}\" for {}", specifier_, verb()));
    } else if (outcome.verdict == Verdict::invalid_target) {
      outcome.verdict = Verdict::refused;
    }
    // Unless another package or a built-in module is meant.
    if (outcome.verdict != Verdict::built_in && outcome.place.empty())
      outcome.package = outcome.place = folder;
    return outcome;
  }

  Outcome imported_target(const std::string& folder) {
    const JsonValue& imports = *package(folder).imports;
    TargetRequest request{
        .package = folder, .field = Field::imports, .key = specifier_, .star = std::nullopt};
    if (specifier_.find('*') == std::string::npos)
      if (const JsonValue* target = imports.member(specifier_)) return target_of(request, *target);
    const auto match = best_pattern(imports.keys, specifier_);
    if (!match) return outcome_of(Verdict::no_condition);
    request.key = match->key;
    request.star = match->star;
    return target_of(request, *imports.member(match->key));
  }

  // ---- files ----

  /// A path that package.json or an ES module names in full.
  Outcome file_named(Outcome outcome) {
    if (outcome.verdict != Verdict::taken) return outcome;
    const bool is_folder = outcome.path.ends_with('/') || is_directory(view_, outcome.path);
    if (is_folder && how_ == NodeImport::import) {
      outcome.verdict = Verdict::refused;
      outcome.reason = fmt::format("import takes no folders, and {} is one", outcome.path);
    } else if (is_folder || !is_file(view_, outcome.path)) {
      outcome.verdict = Verdict::missing;
      outcome.reason = fmt::format("{} does not exist", outcome.path);
    } else {
      outcome.path = real_path(view_, outcome.path).value_or(outcome.path);
      if (how_ == NodeImport::import) refuse_unknown_type(outcome);
    }
    return outcome;
  }

  /// import asks the nearest package.json whether a file is an ES module, unless its name says so.
  void refuse_unknown_type(Outcome& outcome) {
    const std::string_view name = base_name(outcome.path);
    if (!name.ends_with(".js") && name.find('.') != std::string_view::npos) return;
    const auto scope = scope_of(parent_folder(outcome.path));
    if (!scope || package(*scope).state != PackageJson::State::broken) return;
    outcome.verdict = Verdict::refused;
    outcome.reason = fmt::format("in {}, {}", *scope, package(*scope).problem);
  }

  std::optional<std::string> file_at(const std::string& path) const {
    return is_file(view_, path) ? real_path(view_, path) : std::nullopt;
  }

  std::optional<std::string> file_with_extension(const std::string& path) const {
    for (const std::string_view extension : extensions)
      if (auto file = file_at(path + std::string(extension))) return file;
    return std::nullopt;
  }

  /// LOAD_AS_FILE and LOAD_AS_DIRECTORY.
  Outcome file_or_folder(const std::string& path, bool only_folder) {
    if (!only_folder) {
      if (const auto file = file_at(path)) return taken(*file);
      if (const auto file = file_with_extension(path)) return taken(*file);
    }
    if (!is_directory(view_, path)) return {};
    const PackageJson& of_folder = package(path);
    if (of_folder.state == PackageJson::State::broken) return refused(of_folder.problem);
    const std::string main = of_folder.main.value_or("");
    std::optional<std::string> file;
    if (!main.empty()) {
      const std::string target = joined(path, main);
      file = file_at(target);
      if (!file) file = file_with_extension(target);
      if (!file) file = file_with_extension(joined(target, "index"));
    }
    if (!file) file = file_with_extension(joined(path, "index"));
    if (!file)
      return main.empty() ? Outcome()
                          : missing(fmt::format("its \"main\" \"{}\" does not exist", main));
    Outcome outcome = taken(*file);
    outcome.is_package = true;
    return outcome;
  }

  // ---- require ----

  void run_require() {
    const auto scope = scope_of(from_folder_);
    if (scope && package(*scope).state == PackageJson::State::broken) {
      Outcome outcome = refused(package(*scope).problem);
      outcome.package = *scope;
      return answer(outcome, "");
    }
    if (specifier_.starts_with('#') && scope && package(*scope).imports) {
      Outcome outcome = file_named(imported(*scope));
      if (outcome.verdict == Verdict::built_in) {
        outcome.verdict = Verdict::refused;
        outcome.reason = "require() takes no built-in modules by \"imports\"";
      }
      return answer(outcome, "by \"imports\" of the package that asks");
    }
    if (const auto itself = require_itself(scope)) {
      is_itself_ = true;
      return decide(*itself, Origin::parents, places_of_require(), require_in());
    }
    if (is_relative(specifier_) || specifier_.starts_with("..")) {
      // A folder that is not there has no files, but "../" leads out of it.
      Outcome outcome = file_or_folder(joined(from_folder_, specifier_), only_folder());
      return answer_file(std::move(outcome), "relative to the importing file");
    }
    if (specifier_.starts_with('/'))
      return answer_file(file_or_folder(normal_path(specifier_), only_folder()),
                         "an absolute path");

    const auto places = places_of_require();
    for (const Place& place : places) {
      const Outcome outcome = require_in(place.folder);
      if (outcome.verdict != Verdict::absent)
        return decide(outcome, place.origin, places, require_in());
    }
    add_notes_of_nothing();
  }

  void answer_file(Outcome outcome, std::string reason) {
    if (outcome.verdict == Verdict::absent) outcome.reason = "there is no such file";
    outcome.place = from_folder_;
    outcome.is_package = false;
    if (outcome.verdict == Verdict::taken) outcome.package = package_of_file(outcome.path);
    answer(outcome, std::move(reason));
  }

  std::optional<Outcome> require_itself(const std::optional<std::string>& scope) {
    if (!scope || !package(*scope).exports || !package(*scope).name) return std::nullopt;
    const std::string& name = *package(*scope).name;
    if (specifier_ != name && !specifier_.starts_with(name + "/")) return std::nullopt;
    Outcome outcome = file_named(exported(*scope, "." + specifier_.substr(name.size())));
    outcome.place = outcome.package = *scope;
    outcome.is_package = specifier_ == name;
    return outcome;
  }

  bool only_folder() const {
    return specifier_.ends_with('/') || specifier_ == "." || specifier_ == ".." ||
           specifier_.ends_with("/.") || specifier_.ends_with("/..");
  }

  std::function<Outcome(const std::string&)> require_in() {
    return [this](const std::string& folder) { return require_in(folder); };
  }

  Outcome require_in(const std::string& folder) {
    add_searched(folder);
    if (!is_directory(view_, folder)) return {};
    Outcome outcome = require_unplaced(folder);
    outcome.place = folder;
    const std::string package_folder = joined(folder, split_package(specifier_).first);
    if (is_directory(view_, package_folder)) outcome.package = package_folder;
    // "name.js" beside the folder "name" is none of its files.
    const std::string whole = joined(folder, specifier_);
    if (outcome.verdict == Verdict::taken && !outcome.is_package && outcome.package == whole)
      outcome.package.clear();
    outcome.is_package = outcome.is_package && outcome.package == whole;
    return outcome;
  }

  Outcome require_unplaced(const std::string& folder) {
    if (const auto exporting = exporting_package(specifier_)) {
      const std::string package_folder = joined(folder, exporting->first);
      const PackageJson& found = package(package_folder);
      if (found.state == PackageJson::State::broken) return refused(found.problem);
      if (found.exports) {
        Outcome outcome = file_named(exported(package_folder, exporting->second));
        outcome.is_package = true;
        return outcome;
      }
    }
    return file_or_folder(joined(folder, specifier_), only_folder());
  }

  std::vector<Place> places_of_require() const {
    std::vector<Place> places;
    for (const std::string& folder : folder_and_parents(from_folder_))
      if (base_name(folder) != modules_folder)
        places.push_back({joined(folder, modules_folder), Origin::parents});
    for (const std::string& folder : node_path_) places.push_back({folder, Origin::node_path});
    return places;
  }

  // ---- import ----

  void run_import() {
    if (specifier_.starts_with('/') || is_relative(specifier_))
      return answer_url(url_path(from_folder_, specifier_), specifier_.starts_with('/')
                                                                ? "an absolute path"
                                                                : "relative to the importing file");
    if (specifier_.starts_with('#')) {
      const auto scope = scope_of(from_folder_);
      Outcome outcome = refused("no package.json above the importing file has \"imports\"");
      if (scope && package(*scope).state == PackageJson::State::broken) {
        outcome = refused(package(*scope).problem);
        outcome.package = *scope;
      } else if (scope && package(*scope).imports) {
        outcome = file_named(imported(*scope));
      }
      return answer(outcome, "by \"imports\" of the package that asks");
    }
    if (const std::string_view scheme = scheme_of(specifier_); !scheme.empty()) {
      if (lower(std::string(scheme)) != "file:")
        return answer(refused(fmt::format("a URL of \"{}\" leads to no file", scheme)), "");
      std::string rest = specifier_.substr(scheme.size());
      if (rest.starts_with("//localhost/")) rest.erase(0, 11);
      if (rest.starts_with("///")) rest.erase(0, 2);
      return answer_url(url_path("/", rest), "a URL");
    }
    import_package();
  }

  void answer_url(const std::optional<std::string>& path, std::string reason) {
    answer_file(
        path ? file_named(taken(*path)) : refused("it has characters that no path may have"),
        std::move(reason));
  }

  void import_package() {
    const auto [name, subpath] = split_package(specifier_);
    if (!is_package_name(specifier_, name))
      return answer(refused("it is no valid package name"), "");
    const bool with_layers = search_.major >= first_with_layer_imports;
    const auto look_in = [&](const std::string& folder) {
      return import_in(folder, name, subpath);
    };

    std::vector<Place> places;
    for (const std::string& folder : folder_and_parents(from_folder_))
      places.push_back({joined(folder, modules_folder), Origin::parents});
    std::vector<std::string> starts;
    for (const std::string& folder : node_path_) {
      if (base_name(folder) != modules_folder) continue;
      places.push_back({folder, Origin::node_path});
      if (!find(view_, joined(folder, name))) continue;
      starts.push_back(parent_folder(folder));
      for (const std::string& parent : folder_and_parents(starts.back()))
        places.push_back({joined(parent, modules_folder), Origin::node_path});
    }

    Outcome decided = file_named(find_package(specifier_, from_folder_));
    Origin origin = Origin::parents;
    if (goes_on(decided) && with_layers) {
      for (const std::string& start : starts) {
        if (!decided.package.empty())
          result_.notes.push_back(fmt::format("{}: {}; so NODE_PATH is searched, too.",
                                              decided.package, decided.reason));
        Outcome outcome = file_named(find_package(specifier_, start));
        if (goes_on(outcome)) continue;
        decided = std::move(outcome);
        origin = Origin::node_path;
        break;
      }
    }
    for (const Place& place : places)
      if (with_layers || place.origin == Origin::parents) add_searched(place.folder);
    decide(decided, origin, places, look_in);
    if (decided.verdict == Verdict::absent) add_notes_of_nothing();
    if (!with_layers && !decided.is_taken() && !starts.empty())
      result_.notes.push_back(
          "ES modules find packages of layers in nodejs18.x and later only; require() finds them.");
  }

  static bool goes_on(const Outcome& outcome) {
    return outcome.verdict == Verdict::absent || outcome.verdict == Verdict::missing;
  }

  /// PACKAGE_RESOLVE: the package that asks itself, then the folders above `from_folder`. The path
  /// is still to be looked at.
  Outcome find_package(const std::string& specifier, const std::string& from_folder) {
    if (is_built_in(specifier, search_.major, Scheme::none))
      return taken("node:" + specifier, Verdict::built_in);
    const auto [name, subpath] = split_package(specifier);
    if (!is_package_name(specifier, name))
      return refused(fmt::format("\"{}\" is no valid package name", specifier));
    if (const auto scope = scope_of(from_folder)) {
      const PackageJson& own = package(*scope);
      Outcome outcome;
      if (own.state == PackageJson::State::broken) outcome = refused(own.problem);
      if (own.exports && own.name == name) outcome = exported(*scope, subpath);
      if (outcome.verdict != Verdict::absent) {
        is_itself_ = outcome.verdict == Verdict::taken;
        outcome.place = outcome.package = *scope;
        outcome.is_package = subpath == ".";
        return outcome;
      }
    }
    is_itself_ = false;
    for (const std::string& folder : folder_and_parents(from_folder)) {
      Outcome outcome = package_in(joined(folder, modules_folder), name, subpath);
      if (outcome.verdict != Verdict::absent) return outcome;
    }
    return {};
  }

  Outcome import_in(const std::string& folder, const std::string& name,
                    const std::string& subpath) {
    return file_named(package_in(folder, name, subpath));
  }

  Outcome package_in(const std::string& folder, const std::string& name,
                     const std::string& subpath) {
    const std::string package_folder = joined(folder, name);
    if (!is_directory(view_, package_folder)) return {};
    Outcome outcome = entry_of(package_folder, subpath);
    outcome.place = folder;
    outcome.package = package_folder;
    outcome.is_package = subpath == ".";
    return outcome;
  }

  Outcome entry_of(const std::string& folder, const std::string& subpath) {
    const PackageJson& found = package(folder);
    if (found.state == PackageJson::State::broken) return refused(found.problem);
    if (found.exports) return exported(folder, subpath);
    if (subpath == ".") return legacy_main(folder, found.main);
    const auto path = url_path(folder, subpath);
    if (!path) return refused(fmt::format("\"{}\" has characters that no path may have", subpath));
    return taken(*path);
  }

  Outcome legacy_main(const std::string& folder, const std::optional<std::string>& main) const {
    if (main) {
      if (const auto path = url_path(folder, "./" + *main)) {
        if (!path->ends_with('/') && is_file(view_, *path)) return taken(*path);
        for (const std::string_view middle : {"", "/index"})
          for (const std::string_view extension : extensions)
            if (const std::string file = fmt::format("{}{}{}", *path, middle, extension);
                is_file(view_, file))
              return taken(file);
      }
    }
    for (const std::string_view extension : extensions)
      if (const std::string file = joined(folder, fmt::format("index{}", extension));
          is_file(view_, file))
        return taken(file);
    return missing(main ? fmt::format("its \"main\" \"{}\" does not exist", *main)
                        : "it has neither \"main\" nor \"exports\" nor an index.js");
  }

  // ---- both ----

  bool resolve_built_in() {
    if (specifier_.starts_with("node:")) {
      const bool is_known =
          is_built_in(std::string_view(specifier_).substr(5), search_.major, Scheme::given);
      answer(is_known ? taken(specifier_, Verdict::built_in)
                      : refused(fmt::format("Node.js {} has no such module", search_.major)),
             "built into Node.js");
      return true;
    }
    if (!is_built_in(specifier_, search_.major, Scheme::none)) return false;
    const Outcome own = taken("node:" + specifier_, Verdict::built_in);
    answer(own, "built into Node.js");
    // Only packages of that name: libraries such as "buffer" exist in both worlds.
    const auto name = split_package(specifier_);
    add_others(own, Origin::parents, places_of_require(), [&](const std::string& folder) {
      return how_ == NodeImport::require ? require_in(folder)
                                         : import_in(folder, name.first, name.second);
    });
    result_.searched.clear();
    return true;
  }

  /// The answer, and what the later places have.
  void decide(const Outcome& decided, Origin origin, const std::vector<Place>& places,
              const std::function<Outcome(const std::string&)>& look_in) {
    answer(decided, reason_for_winner(decided, origin));
    add_others(decided, origin, places, look_in);
  }

  void add_notes_of_nothing() {
    const auto is_of_layers = [](const std::string& folder) { return folder.starts_with("/opt/"); };
    if (std::none_of(node_path_.begin(), node_path_.end(), is_of_layers))
      result_.notes.push_back("NODE_PATH names no folder of the layers.");
  }

  const FileView& view_;
  const NodeSearch& search_;
  const NodeImport how_;
  const std::string specifier_;
  /// The real one.
  std::string from_folder_;
  std::vector<std::string> node_path_;
  std::map<std::string, PackageJson> packages_;
  std::set<std::string> seen_;
  bool is_itself_ = false;
  Resolution result_;
};

}  // namespace

Resolution resolve_node(const FileView& view, const NodeSearch& search, NodeImport how,
                        std::string_view specifier, std::string_view from_file) {
  return NodeResolver(view, search, how, specifier, from_file).run();
}

}  // namespace diagnosis
