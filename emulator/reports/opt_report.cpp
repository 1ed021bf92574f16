#include "emulator/reports/opt_report.hpp"

#include "emulator/reports/finding_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fnmatch.h>

#include <algorithm>

namespace emulator {
namespace {

using diagnosis::LostPath;
using diagnosis::OptPath;
using diagnosis::OptView;
using diagnosis::Owner;
using diagnosis::PackageCopy;
using diagnosis::PackageGroup;
using diagnosis::Shadowed;
using layers::TreeEntry;
using nlohmann::ordered_json;

constexpr std::size_t most_mixed_files_shown = 5;

bool matches(const std::vector<std::string>& patterns, const std::string& path) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [&path](const std::string& pattern) {
           // A slash is nothing special: "python/*" means everything below.
           return ::fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
         });
}

bool is_wanted(const OptPath& path, const ExplainCommand& command) {
  const bool differs = std::any_of(
      path.shadowed.begin(), path.shadowed.end(),
      [](const Shadowed& shadowed) { return shadowed.how != Shadowed::How::same_content; });
  switch (command.only) {
    case ExplainCommand::Only::conflicts:
      if (path.shadowed.empty()) return false;
      break;
    case ExplainCommand::Only::differing:
      if (!differs) return false;
      break;
    case ExplainCommand::Only::everything:
      break;
  }
  return matches(command.patterns, path.merged.entry.path);
}

std::vector<LayerShare> shares_of(const Examination& examination) {
  const OptView& opt = examination.opt();
  std::vector<LayerShare> shares(opt.layers().size());
  const auto& runtime = examination.subject().runtime;
  for (std::size_t i = 0; i < shares.size(); ++i)
    for (const TreeEntry& entry : opt.layers()[i].listing) {
      if (entry.type == TreeEntry::Type::directory) continue;
      ++shares[i].files;
      shares[i].bytes += entry.size;
      if (runtime && !runtime->reaches(entry.path)) ++shares[i].not_searched;
    }
  for (const OptPath& path : opt.paths()) {
    if (path.merged.entry.type != TreeEntry::Type::directory) ++shares[path.merged.tree].wins;
    for (const Shadowed& below : path.shadowed)
      if (opt.entry(below.layer, below.index).type != TreeEntry::Type::directory)
        ++shares[below.layer].shadowed;
  }
  for (const LostPath& lost : opt.lost())
    if (opt.entry(lost.layer, lost.index).type != TreeEntry::Type::directory)
      ++shares[lost.layer].lost;
  return shares;
}

std::string size_text(std::uint64_t bytes) {
  constexpr double kilo = 1000;
  const auto number = static_cast<double>(bytes);
  if (number < kilo) return fmt::format("{} B", bytes);
  if (number < kilo * kilo) return fmt::format("{:.1f} kB", number / kilo);
  return fmt::format("{:.1f} MB", number / kilo / kilo);
}

std::string_view type_text(const TreeEntry& entry) {
  switch (entry.type) {
    case TreeEntry::Type::directory:
      return "directory";
    case TreeEntry::Type::symlink:
      return "symlink";
    case TreeEntry::Type::file:
      break;
  }
  return "file";
}

std::string mode_text(const TreeEntry& entry) {
  return fmt::format("{:04o}", entry.mode);
}

std::string layer_text(const OptView& opt, std::size_t layer) {
  return fmt::format("layer {} \"{}\"", layer + 1, opt.layers()[layer].reference());
}

std::string owner_label(const OptView& opt, const Owner& owner) {
  if (owner.kind == Owner::Kind::code) return "code";
  if (owner.kind == Owner::Kind::runtime) return "runtime";
  return layer_text(opt, owner.layer);
}

std::string owner_text(const OptView& opt, const Owner& owner) {
  return printable(owner_label(opt, owner));
}

/// What a path hides: "over layer 1 (differs, 12 B)".
std::string shadow_text(const OptView& opt, const OptPath& path) {
  std::string text;
  for (const Shadowed& below : path.shadowed) {
    const TreeEntry& entry = opt.entry(below.layer, below.index);
    text += fmt::format(
        "{} over {} ({}, {}, {})", text.empty() ? "" : ",", below.layer + 1, to_string(below.how),
        entry.type == TreeEntry::Type::file ? size_text(entry.size) : std::string(type_text(entry)),
        mode_text(entry));
  }
  return text;
}

std::string summary_text(const OptReport& report, const Colours& colours) {
  const OptView& opt = report.examination->opt();
  const auto& runtime = report.examination->subject().runtime;
  std::size_t width = 5;
  for (const auto& layer : opt.layers())
    width = std::max(width, printable(layer.reference()).size());
  std::string text =
      fmt::format("{}/opt of {} layer{}{}{}\n\n", colours.bold, opt.layers().size(),
                  opt.layers().size() == 1 ? "" : "s",
                  runtime ? " for " + runtime->identifier : std::string(), colours.plain);
  text += fmt::format("  #  {:{}}  {:>8}  {:>10}  {:>8}  {:>8}  {:>6}", "layer", width, "files",
                      "size", "win", "shadowed", "lost");
  text += runtime ? fmt::format("  {:>12}\n", "not searched") : "\n";
  for (std::size_t i = 0; i < opt.layers().size(); ++i) {
    const LayerShare& share = report.shares[i];
    text += fmt::format("  {}  {:{}}  {:>8}  {:>10}  {:>8}  {:>8}  {:>6}", i + 1,
                        printable(opt.layers()[i].reference()), width, share.files,
                        size_text(share.bytes), share.wins, share.shadowed, share.lost);
    text += runtime ? fmt::format("  {:>12}\n", share.not_searched) : "\n";
  }
  return text;
}

std::string version_text(const std::string& version) {
  return version.empty() ? "(no version)" : printable(version);
}

std::string packages_text(const OptReport& report, const Colours& colours) {
  const OptView& opt = report.examination->opt();
  std::string text;
  for (const PackageGroup& group : report.packages) {
    const PackageCopy* winner = group.winner();
    // What only the runtime has is no news.
    if (winner == nullptr ||
        (group.copies.size() == 1 && winner->owner.kind == Owner::Kind::runtime))
      continue;
    text += fmt::format("  {} {} {}{}{}  {}, {}\n", to_string(group.ecosystem),
                        printable(group.name), colours.bold, version_text(winner->version),
                        colours.plain, owner_text(opt, winner->owner), printable(winner->place));
    for (const PackageCopy& copy : group.copies)
      if (&copy != winner)
        text += fmt::format("      shadows {}  {}, {}\n", version_text(copy.version),
                            owner_text(opt, copy.owner), printable(copy.place));
    for (const PackageCopy* mixed : group.mixed_in()) {
      text += fmt::format("      {}mixed:{} {} of {} still show", colours.red, colours.plain,
                          mixed->visible.size(), version_text(mixed->version));
      const auto& listing = mixed->owner.kind == Owner::Kind::code
                                ? report.examination->code()->listing
                                : opt.layers()[mixed->owner.layer].listing;
      for (std::size_t i = 0; i < std::min(mixed->visible.size(), most_mixed_files_shown); ++i)
        text += (i == 0 ? ": " : ", ") + printable(listing[mixed->visible[i]].path);
      text += mixed->visible.size() > most_mixed_files_shown ? ", ...\n" : "\n";
    }
  }
  if (text.empty()) return {};
  return fmt::format("\n{}packages{}\n", colours.bold, colours.plain) + text;
}

/// A line of the tree; `path` tells what stands behind the name, if anything does.
struct TreeRow {
  std::string label;
  const OptPath* path = nullptr;
};

std::string aligned(const OptView& opt, const std::vector<TreeRow>& rows, const Colours& colours) {
  constexpr std::size_t widest = 60;
  std::size_t width = 0;
  for (const TreeRow& row : rows)
    if (row.path != nullptr && row.label.size() <= widest)
      width = std::max(width, row.label.size());
  std::string text;
  for (const TreeRow& row : rows) {
    if (row.path == nullptr) {
      text += row.label + "\n";
      continue;
    }
    const TreeEntry& entry = row.path->merged.entry;
    const std::string size = entry.type == TreeEntry::Type::file ? size_text(entry.size) : "";
    const std::string hidden = shadow_text(opt, *row.path);
    const bool differs =
        hidden.find("differs") != std::string::npos || hidden.find("conflict") != std::string::npos;
    text += fmt::format("{:{}}  {}[{}]{}", row.label, width, colours.dim, row.path->merged.tree + 1,
                        colours.plain);
    if (!size.empty() || !hidden.empty()) text += fmt::format(" {:>9}", size);
    if (!hidden.empty())
      text += fmt::format("  {}{}{}", differs ? colours.yellow : std::string_view(), hidden,
                          differs ? colours.plain : std::string_view());
    text += "\n";
  }
  return text;
}

std::string tree_text(const OptReport& report, const Colours& colours) {
  const OptView& opt = report.examination->opt();
  std::string text = fmt::format("\n{}/opt{}\n", colours.bold, colours.plain);
  // Every folder with its content right below it: a slash comes before all other characters.
  auto sorted = report.paths;
  const auto slash_first = [](char a, char b) {
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
    return rank(a) < rank(b);
  };
  std::sort(sorted.begin(), sorted.end(), [&](const OptPath* a, const OptPath* b) {
    const std::string& first = a->merged.entry.path;
    const std::string& second = b->merged.entry.path;
    return std::lexicographical_compare(first.begin(), first.end(), second.begin(), second.end(),
                                        slash_first);
  });
  // A filtered path shows the folders above it as well.
  std::vector<std::string> open;
  std::vector<TreeRow> rows;
  for (const OptPath* path : sorted) {
    const TreeEntry& entry = path->merged.entry;
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= entry.path.size();) {
      const std::size_t slash = std::min(entry.path.find('/', at), entry.path.size());
      parts.push_back(printable(entry.path.substr(at, slash - at)));
      at = slash + 1;
    }
    std::size_t same = 0;
    while (same < open.size() && same + 1 < parts.size() && open[same] == parts[same]) ++same;
    open.resize(same);
    const auto indent = [&open] { return std::string(2 * open.size() + 2, ' '); };
    while (open.size() + 1 < parts.size()) {
      rows.push_back({indent() + parts[open.size()] + "/", nullptr});
      open.push_back(parts[open.size()]);
    }
    const bool directory = entry.type == TreeEntry::Type::directory;
    std::string label = indent() + parts.back();
    if (directory) label += "/";
    if (entry.type == TreeEntry::Type::symlink) label += " -> " + printable(entry.link_target);
    // A folder is of several layers, unless it hides something else.
    rows.push_back({std::move(label), directory && path->shadowed.empty() ? nullptr : path});
    if (directory) open.push_back(parts.back());
  }
  return text + aligned(opt, rows, colours);
}

std::string list_text(const OptReport& report) {
  const OptView& opt = report.examination->opt();
  std::string text = "\n";
  for (const OptPath* path : report.paths) {
    const TreeEntry& entry = path->merged.entry;
    text += fmt::format(
        "{} {:>10} {:9} [{}] /opt/{}{}{}\n", mode_text(entry), entry.size, type_text(entry),
        path->merged.tree + 1, printable(entry.path),
        entry.type == TreeEntry::Type::symlink ? " -> " + printable(entry.link_target) : "",
        path->shadowed.empty() ? "" : "  " + shadow_text(opt, *path));
  }
  return text;
}

std::string lost_text(const OptReport& report, const Colours& colours) {
  if (report.lost.empty()) return {};
  const OptView& opt = report.examination->opt();
  std::string text = fmt::format("\n{}lost{}\n", colours.bold, colours.plain);
  for (const LostPath* lost : report.lost)
    text += fmt::format("  [{}] {}  hidden by {}\n", lost->layer + 1,
                        printable(opt.entry(lost->layer, lost->index).path),
                        printable(lost->hidden_by));
  return text;
}

/// As a JSON string; names are bytes, and JSON wants UTF-8.
std::string quoted(const std::string& text) {
  return ordered_json(text).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// Rows by hand: a document of ten thousands of them takes longer to build than everything else.
std::string entry_json(const Examination& examination, std::size_t layer,
                       diagnosis::TreeFacts::Index index, const TreeEntry& entry) {
  std::string text = fmt::format(R"("layer": {}, "type": "{}", "mode": "{}", "size": {})",
                                 layer + 1, type_text(entry), mode_text(entry), entry.size);
  if (entry.type == TreeEntry::Type::file)
    text +=
        fmt::format(R"(, "sha256": "{}")", examination.layers()[layer].facts.digests[index].hex());
  if (entry.type == TreeEntry::Type::symlink)
    text += fmt::format(R"(, "target": {})", quoted(entry.link_target));
  return text;
}

std::string paths_json(const OptReport& report) {
  const Examination& examination = *report.examination;
  const OptView& opt = examination.opt();
  std::string text;
  for (const OptPath* path : report.paths) {
    text += text.empty() ? "\n" : ",\n";
    text +=
        fmt::format(R"(  {{"path": {}, {}, "shadows": [)", quoted(path->merged.entry.path),
                    entry_json(examination, path->merged.tree, path->index, path->merged.entry));
    for (const Shadowed& below : path->shadowed)
      text += fmt::format(
          R"({}{{{}, "how": "{}"}})", &below == &path->shadowed.front() ? "" : ", ",
          entry_json(examination, below.layer, below.index, opt.entry(below.layer, below.index)),
          to_string(below.how));
    text += "]}";
  }
  return text;
}

std::string lost_json(const OptReport& report) {
  const OptView& opt = report.examination->opt();
  std::string text;
  for (const LostPath* path : report.lost) {
    text += text.empty() ? "\n" : ",\n";
    text += fmt::format(R"(  {{"path": {}, "layer": {}, "hiddenBy": {}}})",
                        quoted(opt.entry(path->layer, path->index).path), path->layer + 1,
                        quoted(path->hidden_by));
  }
  return text;
}

ordered_json copy_json(const Examination& examination, const PackageCopy& copy) {
  return {{"version", copy.version},
          {"owner", copy.owner.kind == Owner::Kind::code      ? "code"
                    : copy.owner.kind == Owner::Kind::runtime ? "runtime"
                                                              : "layer"},
          {"layer", copy.owner.kind == Owner::Kind::layer ? ordered_json(copy.owner.layer + 1)
                                                          : ordered_json(nullptr)},
          {"reference", owner_label(examination.opt(), copy.owner)},
          {"place", copy.place},
          {"metadata", copy.metadata},
          {"files", copy.files.size()},
          {"visibleFiles", copy.visible.size()}};
}

}  // namespace

OptReport make_opt_report(const Examination& examination, const ExplainCommand& command) {
  OptReport report;
  report.examination = &examination;
  report.shares = shares_of(examination);
  const diagnosis::Subject& subject = examination.subject();
  report.packages = diagnosis::package_groups(examination.opt(), examination.code(),
                                              subject.runtime, subject.bundled);
  for (diagnosis::Finding& finding : diagnosis::check(subject))
    if (diagnosis::rule(finding.id).about_overrides) report.findings.push_back(std::move(finding));
  for (const OptPath& path : examination.opt().paths())
    if (is_wanted(path, command)) report.paths.push_back(&path);
  for (const LostPath& lost : examination.opt().lost())
    if (matches(command.patterns, examination.opt().entry(lost.layer, lost.index).path))
      report.lost.push_back(&lost);
  return report;
}

std::string to_text(const OptReport& report, ExplainCommand::View view, const Colours& colours) {
  std::string text = summary_text(report, colours) + packages_text(report, colours);
  if (!report.findings.empty()) {
    text += fmt::format("\n{}what to look at{}\n", colours.bold, colours.plain);
    for (const diagnosis::Finding& finding : report.findings)
      text += fmt::format("  {} [{}]\n", printable(headline(finding)), finding.id);
  }
  if (view == ExplainCommand::View::tree) text += tree_text(report, colours);
  if (view == ExplainCommand::View::list) text += list_text(report);
  if (view != ExplainCommand::View::summary) text += lost_text(report, colours);
  return text;
}

std::string to_json(const OptReport& report) {
  const Examination& examination = *report.examination;
  const OptView& opt = examination.opt();
  ordered_json layers = ordered_json::array();
  for (std::size_t i = 0; i < opt.layers().size(); ++i) {
    const layers::PreparedTree& tree = opt.layers()[i].tree;
    const LayerShare& share = report.shares[i];
    layers.push_back({{"number", i + 1},
                      {"reference", tree.reference},
                      {"sha256", tree.digest ? ordered_json(tree.digest->hex()) : nullptr},
                      {"files", share.files},
                      {"bytes", share.bytes},
                      {"win", share.wins},
                      {"shadowed", share.shadowed},
                      {"lost", share.lost},
                      {"notSearched", share.not_searched}});
  }
  ordered_json packages = ordered_json::array();
  for (const PackageGroup& group : report.packages) {
    ordered_json copies = ordered_json::array();
    for (const PackageCopy& copy : group.copies) copies.push_back(copy_json(examination, copy));
    ordered_json mixed = ordered_json::array();
    for (const PackageCopy* copy : group.mixed_in())
      for (const auto index : copy->visible)
        mixed.push_back((copy->owner.kind == Owner::Kind::code
                             ? examination.code()->listing
                             : opt.layers()[copy->owner.layer].listing)[index]
                            .path);
    const PackageCopy* winner = group.winner();
    packages.push_back({{"ecosystem", to_string(group.ecosystem)},
                        {"name", group.name},
                        {"version", winner != nullptr ? winner->version : ""},
                        {"copies", copies},
                        {"mixedFiles", mixed}});
  }
  ordered_json findings = ordered_json::array();
  for (const diagnosis::Finding& finding : report.findings)
    findings.push_back({{"id", finding.id}, {"message", headline(finding)}});
  const auto& runtime = examination.subject().runtime;
  const ordered_json document = {{"schema", "lamina-explain/1"},
                                 {"runtime", runtime ? ordered_json(runtime->identifier) : nullptr},
                                 {"layers", layers},
                                 {"packages", packages},
                                 {"findings", findings}};
  std::string text = document.dump(1, ' ', false, ordered_json::error_handler_t::replace);
  text.resize(text.rfind("\n}"));
  return text + ",\n \"paths\": [" + paths_json(report) + "],\n \"lost\": [" + lost_json(report) +
         "]\n}\n";
}

}  // namespace emulator
