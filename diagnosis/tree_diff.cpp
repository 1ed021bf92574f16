#include "diagnosis/tree_diff.hpp"

#include <map>
#include <utility>

namespace diagnosis {
namespace {

using layers::TreeEntry;

std::string owner_name(const OptView& view, const Owner& owner) {
  if (owner.kind == Owner::Kind::code) return "code";
  if (owner.kind == Owner::Kind::runtime) return "runtime";
  return view.layers()[owner.layer].reference();
}

std::string changes_between(const OptView& before, const OptPath& old, const OptView& after,
                            const OptPath& now) {
  const TreeEntry& first = old.merged.entry;
  const TreeEntry& second = now.merged.entry;
  if (first.type != second.type) return "type";
  std::string what;
  const auto add = [&what](std::string_view word) {
    what.append(what.empty() ? "" : ", ").append(word);
  };
  if (first.type == TreeEntry::Type::file &&
      before.layers()[old.merged.tree].facts.digests[old.index] !=
          after.layers()[now.merged.tree].facts.digests[now.index])
    add("content");
  if (first.type == TreeEntry::Type::symlink && first.link_target != second.link_target)
    add("link");
  if (first.mode != second.mode && first.type != TreeEntry::Type::symlink) add("mode");
  return what;
}

PathChange change_of(PathChange::Kind kind, const OptView& view, const OptPath& path) {
  PathChange change;
  change.kind = kind;
  change.path = path.merged.entry.path;
  const std::string& owner = view.layers()[path.merged.tree].reference();
  if (kind == PathChange::Kind::added) {
    change.new_size = path.merged.entry.size;
    change.new_owner = owner;
  } else {
    change.old_size = path.merged.entry.size;
    change.old_owner = owner;
  }
  return change;
}

std::vector<PathChange> path_changes(const OptView& before, const OptView& after) {
  std::vector<PathChange> changes;
  auto old = before.paths().begin();
  auto now = after.paths().begin();
  while (old != before.paths().end() || now != after.paths().end()) {
    const int order = old == before.paths().end() ? 1
                      : now == after.paths().end()
                          ? -1
                          : old->merged.entry.path.compare(now->merged.entry.path);
    if (order < 0) {
      changes.push_back(change_of(PathChange::Kind::removed, before, *old++));
    } else if (order > 0) {
      changes.push_back(change_of(PathChange::Kind::added, after, *now++));
    } else {
      if (std::string what = changes_between(before, *old, after, *now); !what.empty()) {
        PathChange change = change_of(PathChange::Kind::changed, before, *old);
        change.new_size = now->merged.entry.size;
        change.new_owner = after.layers()[now->merged.tree].reference();
        change.what = std::move(what);
        changes.push_back(std::move(change));
      }
      ++old;
      ++now;
    }
  }
  return changes;
}

using PackageKey = std::pair<PackageGroup::Ecosystem, std::string>;

std::map<PackageKey, std::pair<std::string, std::string>> winners(
    const OptView& view, const std::vector<PackageGroup>& groups) {
  std::map<PackageKey, std::pair<std::string, std::string>> found;
  for (const PackageGroup& group : groups)
    if (const PackageCopy* winner = group.winner())
      found[{group.ecosystem, group.name}] = {winner->version, owner_name(view, winner->owner)};
  return found;
}

}  // namespace

std::string_view to_string(PathChange::Kind kind) {
  switch (kind) {
    case PathChange::Kind::added:
      return "added";
    case PathChange::Kind::removed:
      return "removed";
    case PathChange::Kind::changed:
      return "changed";
  }
  return "unknown";
}

TreeDiff diff_views(const OptView& before, const OptView& after, const Package* code,
                    const std::optional<RuntimeProfile>& runtime,
                    const std::vector<BundledDistribution>& bundled) {
  TreeDiff diff;
  diff.paths = path_changes(before, after);
  const auto old = winners(before, package_groups(before, code, runtime, bundled));
  const auto now = winners(after, package_groups(after, code, runtime, bundled));
  // Two single layers are always of different names.
  const bool owners_matter = before.layers().size() > 1 || after.layers().size() > 1;
  std::map<PackageKey, PackageChange> changes;
  for (const auto& [key, winner] : old) {
    PackageChange& change = changes[key];
    change.old_version = winner.first;
    change.old_owner = winner.second;
  }
  for (const auto& [key, winner] : now) {
    PackageChange& change = changes[key];
    change.new_version = winner.first;
    change.new_owner = winner.second;
  }
  for (auto& [key, change] : changes) {
    if (change.old_version == change.new_version &&
        change.old_owner.empty() == change.new_owner.empty() &&
        (!owners_matter || change.old_owner == change.new_owner))
      continue;
    change.ecosystem = to_string(key.first);
    change.name = key.second;
    diff.packages.push_back(std::move(change));
  }
  return diff;
}

}  // namespace diagnosis
