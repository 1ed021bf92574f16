#include "emulator/reports/diff_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace emulator {
namespace {

using diagnosis::PackageChange;
using diagnosis::PathChange;
using diagnosis::TreeDiff;
using nlohmann::ordered_json;

std::string dumped(const ordered_json& document) {
  return document.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string version_text(const std::string& version, const std::string& owner) {
  if (owner.empty()) return "absent";
  return version.empty() ? "(no version)" : printable(version);
}

std::string package_text(const PackageChange& change, const std::string& after) {
  std::string text = fmt::format("  {} {}: {} -> {}", change.ecosystem, printable(change.name),
                                 version_text(change.old_version, change.old_owner),
                                 version_text(change.new_version, change.new_owner));
  if (!change.old_owner.empty() && !change.new_owner.empty() &&
      change.old_owner != change.new_owner && change.new_owner != after)
    text += fmt::format("  (now from {})", change.new_owner);
  return text + "\n";
}

std::string path_text(const PathChange& change, const Colours& colours) {
  switch (change.kind) {
    case PathChange::Kind::added:
      return fmt::format("  {}+{} {}\n", colours.green, colours.plain, printable(change.path));
    case PathChange::Kind::removed:
      return fmt::format("  {}-{} {}\n", colours.red, colours.plain, printable(change.path));
    case PathChange::Kind::changed:
      break;
  }
  return fmt::format("  {}~{} {}  ({}, {} -> {} bytes)\n", colours.yellow, colours.plain,
                     printable(change.path), change.what, change.old_size, change.new_size);
}

/// Results alike are the same answer; payloads are compared as they are.
std::pair<bool, std::string> answer_of(const OrderResult& result) {
  return {result.succeeded, result.payload};
}

}  // namespace

std::string to_text(const TreeDiff& diff, const std::string& before, const std::string& after,
                    const Colours& colours) {
  if (diff.empty()) return "no difference\n";
  std::string text = fmt::format("{}{}{} -> {}{}{}\n", colours.bold, printable(before),
                                 colours.plain, colours.bold, after, colours.plain);
  if (!diff.packages.empty()) text += "\npackages\n";
  for (const PackageChange& change : diff.packages) text += package_text(change, after);
  if (!diff.paths.empty()) text += "\npaths\n";
  std::map<PathChange::Kind, std::size_t> counts;
  for (const PathChange& change : diff.paths) {
    text += path_text(change, colours);
    ++counts[change.kind];
  }
  return text + fmt::format("\n{} added, {} removed, {} changed\n", counts[PathChange::Kind::added],
                            counts[PathChange::Kind::removed], counts[PathChange::Kind::changed]);
}

std::string to_json(const TreeDiff& diff, const std::string& before, const std::string& after) {
  ordered_json packages = ordered_json::array();
  for (const PackageChange& change : diff.packages)
    packages.push_back({{"ecosystem", change.ecosystem},
                        {"name", change.name},
                        {"oldVersion", change.old_version},
                        {"newVersion", change.new_version},
                        {"oldOwner", change.old_owner},
                        {"newOwner", change.new_owner}});
  ordered_json paths = ordered_json::array();
  for (const PathChange& change : diff.paths)
    paths.push_back({{"kind", to_string(change.kind)},
                     {"path", change.path},
                     {"what", change.what},
                     {"oldSize", change.old_size},
                     {"newSize", change.new_size},
                     {"oldOwner", change.old_owner},
                     {"newOwner", change.new_owner}});
  return dumped({{"schema", "lamina-diff/1"},
                 {"before", before},
                 {"after", after},
                 {"packages", packages},
                 {"paths", paths}});
}

std::string order_text(const std::vector<std::size_t>& order) {
  return fmt::format("{}", fmt::join(order, ","));
}

std::size_t different_results(const std::vector<OrderResult>& results) {
  std::set<std::pair<bool, std::string>> answers;
  for (const OrderResult& result : results) answers.insert(answer_of(result));
  return answers.size();
}

std::string to_text(const std::vector<OrderResult>& results) {
  // One block for each answer, in the order in which they came up.
  std::vector<const OrderResult*> heads;
  std::map<std::pair<bool, std::string>, std::vector<std::string>> orders;
  for (const OrderResult& result : results) {
    auto& list = orders[answer_of(result)];
    if (list.empty()) heads.push_back(&result);
    list.push_back(order_text(result.order));
  }
  std::string text;
  for (const OrderResult* head : heads)
    text += fmt::format("{}order{} {}: {}\n", head->succeeded ? "" : "failed, ",
                        orders[answer_of(*head)].size() == 1 ? "" : "s",
                        fmt::join(orders[answer_of(*head)], "  "), head->payload);
  return text + fmt::format("{} orders, {} different result{}\n", results.size(), heads.size(),
                            heads.size() == 1 ? "" : "s");
}

std::string to_json(const std::vector<OrderResult>& results) {
  ordered_json rows = ordered_json::array();
  for (const OrderResult& result : results)
    rows.push_back({{"order", result.order},
                    {"succeeded", result.succeeded},
                    {"errorType", result.error_type},
                    {"payload", result.payload}});
  return dumped({{"schema", "lamina-permute/1"},
                 {"differentResults", different_results(results)},
                 {"results", rows}});
}

}  // namespace emulator
