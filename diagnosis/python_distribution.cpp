#include "diagnosis/python_distribution.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace diagnosis {
namespace {

// Metadata comes from strangers; these are far above what real projects have.
constexpr std::size_t metadata_limit = std::size_t{1} << 20;
constexpr std::size_t record_limit = std::size_t{16} << 20;
constexpr std::size_t most_rows = 200'000;
/// A name or a version; what is longer does not count.
constexpr std::size_t longest_name = 256;
/// A requirement with its marker.
constexpr std::size_t longest_requirement = 4096;

char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) letter = lower(letter);
  return result;
}

bool is_space(char letter) {
  return std::isspace(static_cast<unsigned char>(letter)) != 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Without its end, which may be "\n" or "\r\n".
std::string_view take_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string read_text(const FileView& view, const std::string& path, std::size_t limit) {
  return read_file(view, path, limit).value_or(std::string());
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// In normal form, relative; nothing for a path that is absolute or leads out.
std::optional<std::string> inside(std::string_view path) {
  if (path.empty() || path.starts_with('/') || path.find('\0') != path.npos) return std::nullopt;
  std::string result;
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(component.size() + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (result.empty()) return std::nullopt;
      const std::size_t slash = result.rfind('/');
      result.erase(slash == std::string::npos ? 0 : slash);
    } else {
      if (!result.empty()) result += '/';
      result += component;
    }
  }
  if (result.empty()) return std::nullopt;
  return result;
}

/// The header fields of METADATA or PKG-INFO; the description below them does not matter.
void read_fields(std::string_view text, PythonDistribution& distribution) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (!fields.empty()) fields.back().second.append(" ").append(trimmed(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) break;
    fields.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  for (auto& [name, value] : fields) {
    if (value.empty() || value.size() > longest_requirement) continue;
    const bool may_be_name = value.size() <= longest_name;
    if (name == "requires-dist") {
      distribution.requires_dist.push_back(std::move(value));
    } else if (name == "name" && distribution.name.empty() && may_be_name) {
      distribution.name = std::move(value);
    } else if (name == "version" && distribution.version.empty() && may_be_name) {
      distribution.version = std::move(value);
    } else if (name == "requires-python" && distribution.requires_python.empty()) {
      distribution.requires_python = std::move(value);
    }
  }
}

struct RecordRow {
  std::string path;
  std::optional<std::uint64_t> size;
};

/// One row of CSV; fields in quotes may hold commas, line ends and doubled quotes.
std::vector<std::string> take_row(std::string_view& text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  while (!text.empty()) {
    const std::string_view plain =
        text.substr(0, quoted ? text.find('"') : text.find_first_of(",\"\r\n"));
    fields.back() += plain;
    text.remove_prefix(plain.size());
    if (text.empty()) break;
    const char letter = text.front();
    text.remove_prefix(1);
    if (quoted) {
      if (text.starts_with('"')) {
        fields.back() += '"';
        text.remove_prefix(1);
      } else {
        quoted = false;
      }
    } else if (letter == '\n') {
      break;
    } else if (letter == ',') {
      // path, hash, size: whatever comes behind them is one field.
      if (fields.size() <= 3) fields.emplace_back();
    } else if (letter == '"' && fields.back().empty()) {
      quoted = true;
    } else if (letter != '\r') {
      fields.back() += letter;
    }
  }
  return fields;
}

std::vector<RecordRow> read_record(const FileView& view, const std::string& metadata) {
  const std::string content = read_text(view, metadata + "/RECORD", record_limit);
  std::string_view text(content);
  // A file that was cut off ends inside a row.
  if (text.size() == record_limit) text = text.substr(0, text.rfind('\n') + 1);
  std::vector<RecordRow> rows;
  for (std::size_t row = 0; !text.empty() && row < most_rows; ++row) {
    const std::vector<std::string> fields = take_row(text);
    auto path = inside(fields.front());
    if (!path) continue;
    RecordRow record{.path = std::move(*path), .size = std::nullopt};
    if (fields.size() > 2) {
      std::uint64_t size = 0;
      const char* const end = fields[2].data() + fields[2].size();
      const auto parsed = std::from_chars(fields[2].data(), end, size);
      if (parsed.ec == std::errc() && parsed.ptr == end) record.size = size;
    }
    rows.push_back(std::move(record));
  }
  return rows;
}

std::vector<std::string> lines_of(const FileView& view, const std::string& path,
                                  std::size_t limit) {
  const std::string content = read_text(view, path, limit);
  std::string_view text(content);
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < most_rows) {
    const std::string_view line = trimmed(take_line(text));
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

std::vector<std::string> read_files(const FileView& view, const std::string& metadata) {
  std::vector<std::string> files;
  if (is_file(view, metadata + "/RECORD")) {
    for (RecordRow& row : read_record(view, metadata)) files.push_back(std::move(row.path));
    return files;
  }
  if (const std::string list = metadata + "/installed-files.txt"; is_file(view, list)) {
    // Its paths start at the metadata's own folder.
    const std::string own(base_name(metadata));
    for (const std::string& line : lines_of(view, list, record_limit))
      if (auto path = line.starts_with('/') ? std::nullopt : inside(own + "/" + line))
        files.push_back(std::move(*path));
    return files;
  }
  // What the source archive held, setup.py and the tests too: what is there was installed.
  for (const std::string& line : lines_of(view, metadata + "/SOURCES.txt", record_limit))
    if (auto path = inside(line); path && is_file(view, joined(folder_of(metadata), *path)))
      files.push_back(std::move(*path));
  return files;
}

/// requires.txt of setuptools: requirements under "[extra]", "[extra:marker]" or "[:marker]".
std::vector<std::string> read_requires(const FileView& view, const std::string& metadata) {
  std::vector<std::string> requirements;
  std::string condition;
  for (const std::string& text : lines_of(view, metadata + "/requires.txt", metadata_limit)) {
    const std::string_view line(text);
    if (line.starts_with('#')) continue;
    if (line.starts_with('[') && line.ends_with(']')) {
      const std::string_view section = trimmed(line.substr(1, line.size() - 2));
      const std::size_t colon = section.find(':');
      const std::string extra(trimmed(section.substr(0, colon)));
      const std::string marker(colon == std::string_view::npos
                                   ? std::string_view()
                                   : trimmed(section.substr(colon + 1)));
      if (extra.empty()) {
        condition = marker;
      } else {
        condition = marker.empty() ? "" : "(" + marker + ") and ";
        condition += "extra == \"" + extra + "\"";
      }
      continue;
    }
    if (text.size() + condition.size() > longest_requirement) continue;
    if (condition.empty()) {
      requirements.push_back(text);
      continue;
    }
    // A requirement by URL may hold ";" itself; its marker starts after a space.
    const std::size_t semicolon =
        line.find('@') == std::string_view::npos ? line.find(';') : line.find(" ;");
    std::string requirement(trimmed(line.substr(0, semicolon)));
    requirement += line.find('@') == std::string_view::npos ? "; " : " ; ";
    if (semicolon != std::string_view::npos) {
      const std::string_view own = line.substr(line.find(';', semicolon) + 1);
      requirement.append("(").append(trimmed(own)).append(") and (").append(condition).append(")");
    } else {
      requirement += condition;
    }
    requirements.push_back(std::move(requirement));
  }
  return requirements;
}

/// The top-level name that a file gives; empty when it is none that can be imported.
std::string_view top_level_of(std::string_view path) {
  const std::size_t slash = path.find('/');
  std::string_view name = path.substr(0, slash);
  if (slash == std::string_view::npos) {
    const bool is_module = name.ends_with(".py") || name.ends_with(".pyc") || name.ends_with(".so");
    if (!is_module) return {};
    name = name.substr(0, name.find('.'));
  }
  if (name.find('.') != std::string_view::npos || name == "__pycache__") return {};
  return name;
}

std::vector<std::string> read_top_level(const FileView& view, const std::string& metadata,
                                        const std::vector<std::string>& files) {
  std::vector<std::string> names = lines_of(view, metadata + "/top_level.txt", metadata_limit);
  std::set<std::string> known;
  std::erase_if(names, [&known](const std::string& name) {
    return name.find('/') != name.npos || !known.insert(name).second;
  });
  if (!names.empty()) return names;
  // Sorted lists put the files of one folder together: the last name is usually the same.
  std::string_view last;
  for (const std::string& file : files) {
    const std::string_view name = top_level_of(file);
    if (name == last) continue;
    last = name;
    if (!name.empty()) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// Whether `path` belongs to the module at `stem` ("google/cloud"): its folder or its file.
bool is_part_of(std::string_view path, std::string_view stem) {
  return path.starts_with(stem) && path.size() > stem.size() &&
         (path[stem.size()] == '/' || path[stem.size()] == '.');
}

bool claims(const PythonDistribution& distribution, std::string_view module,
            std::string_view stem) {
  if (module == stem) {
    const auto& names = distribution.top_level;
    return std::find(names.begin(), names.end(), module) != names.end();
  }
  return std::any_of(distribution.files.begin(), distribution.files.end(),
                     [stem](const std::string& file) { return is_part_of(file, stem); });
}

/// How many of the module's files have the size that the metadata recorded.
std::size_t matching_sizes(const FileView& view, const std::string& metadata,
                           std::string_view stem) {
  std::size_t matching = 0;
  for (const RecordRow& row : read_record(view, metadata)) {
    if (!row.size || !is_part_of(row.path, stem)) continue;
    const auto node = find(view, joined(folder_of(metadata), row.path));
    if (node && node->is_file() && node->size == *row.size) ++matching;
  }
  return matching;
}

}  // namespace

std::string normalised_project_name(std::string_view name) {
  std::string result;
  for (const char letter : name) {
    if (letter != '-' && letter != '_' && letter != '.') {
      result += lower(letter);
    } else if (!result.ends_with('-')) {
      result += '-';
    }
  }
  return result;
}

bool is_metadata_name(std::string_view file_name) {
  const std::string name = lower(file_name);
  for (const std::string_view suffix : {".dist-info", ".egg-info"})
    if (name.ends_with(suffix)) return name.size() > suffix.size() && name.find('/') == name.npos;
  return false;
}

std::optional<PythonDistribution> read_distribution(const FileView& view, const std::string& path) {
  const auto node = find(view, path);
  if (!node) return std::nullopt;
  PythonDistribution distribution;
  if (node->is_directory()) {
    const std::string modern = path + "/METADATA";
    const bool is_modern = is_file(view, modern);
    read_fields(read_text(view, is_modern ? modern : path + "/PKG-INFO", metadata_limit),
                distribution);
    if (distribution.requires_dist.empty()) distribution.requires_dist = read_requires(view, path);
    distribution.files = read_files(view, path);
    distribution.top_level = read_top_level(view, path, distribution.files);
    distribution.entry_points = read_text(view, path + "/entry_points.txt", metadata_limit);
  } else {
    read_fields(read_text(view, path, metadata_limit), distribution);
  }
  if (distribution.name.empty() || distribution.version.empty()) {
    // name-version[-py3.X]; dashes of the name itself became "_" when it was written.
    std::string_view stem = base_name(path);
    if (is_metadata_name(stem)) stem = stem.substr(0, stem.rfind('.'));
    const std::string_view name = stem.substr(0, stem.find('-'));
    stem.remove_prefix(std::min(name.size() + 1, stem.size()));
    if (distribution.name.empty()) distribution.name = name;
    if (distribution.version.empty()) distribution.version = stem.substr(0, stem.find('-'));
  }
  if (distribution.name.empty()) return std::nullopt;
  return distribution;
}

std::string version_of_module(const FileView& view, const std::string& folder,
                              std::string_view module) {
  struct Claim {
    std::string metadata;
    std::string project;
    std::string version;
  };
  std::string stem(module);
  std::replace(stem.begin(), stem.end(), '.', '/');
  std::vector<Claim> found;
  for (const std::string& name : view.names(real_path(view, folder).value_or(folder))) {
    if (!is_metadata_name(name)) continue;
    std::string metadata = joined(folder, name);
    const auto distribution = read_distribution(view, metadata);
    if (!distribution) continue;
    if (!claims(*distribution, module, stem)) continue;
    found.push_back(
        {std::move(metadata), normalised_project_name(distribution->name), distribution->version});
  }
  if (found.empty()) return {};
  const bool is_one_project = std::all_of(found.begin(), found.end(), [&found](const Claim& claim) {
    return claim.project == found.front().project;
  });
  if (!is_one_project) {
    // A namespace that projects share has no version, unless one of them is the namespace's own.
    const std::string own = normalised_project_name(module);
    std::erase_if(found, [&own](const Claim& claim) { return claim.project != own; });
    if (found.empty()) return {};
  }
  if (found.size() == 1) return found.front().version;
  // Layers put several versions' metadata into one folder: the files say whose they are.
  const Claim* best = nullptr;
  std::size_t most = 0;
  for (const Claim& claim : found) {
    const std::size_t matching = matching_sizes(view, claim.metadata, stem);
    if (best && matching <= most) continue;
    best = &claim;
    most = matching;
  }
  return best->version;
}

}  // namespace diagnosis
