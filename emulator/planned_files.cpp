#include "emulator/planned_files.hpp"

#include "diagnosis/folder_files.hpp"
#include "layers/entry_name.hpp"

#include <algorithm>
#include <set>

namespace emulator {
namespace {

using diagnosis::FileNode;
using diagnosis::FolderFiles;
using layers::is_at_or_below;
using layers::TreeEntry;
using sandbox::MountStep;
using sandbox::StepKind;

bool is_mount(StepKind kind) {
  return kind == StepKind::bind || kind == StepKind::overlay || kind == StepKind::tmpfs ||
         kind == StepKind::proc;
}

/// Folders of the host.
bool shows_host(const MountStep& step) {
  return step.kind == StepKind::bind || step.kind == StepKind::overlay;
}

FileNode directory_node(std::uint32_t mode = 0755) {
  FileNode node;
  node.type = TreeEntry::Type::directory;
  node.mode = mode;
  return node;
}

/// The host's own paths.
const FolderFiles host("");

std::optional<FileNode> look_on_host(const std::string& path) {
  return host.look(path);
}

/// As overlayfs shows it: a lower that has something else than a directory on the way hides those
/// below it.
bool is_reachable(const std::string& lower, const std::string& rest) {
  for (std::size_t slash = rest.find('/', 1); slash != std::string::npos;
       slash = rest.find('/', slash + 1)) {
    const auto node = look_on_host(lower + rest.substr(0, slash));
    if (node && !node->is_directory()) return false;
  }
  return true;
}

}  // namespace

PlannedFiles::PlannedFiles(std::vector<MountStep> steps) : steps_(std::move(steps)) {
  std::map<std::string, std::set<std::string>> names;
  for (const MountStep& step : steps_) {
    if (step.optional && step.kind == StepKind::bind && !look_on_host(step.source)) continue;
    // A mount hides what earlier steps made there.
    if (is_mount(step.kind))
      std::erase_if(names,
                    [&step](const auto& made) { return is_at_or_below(made.first, step.target); });
    for (std::string path = step.target; path.size() > 1;) {
      const std::size_t slash = path.rfind('/');
      const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
      names[parent].insert(path.substr(slash + 1));
      path = parent;
    }
  }
  for (auto& [parent, children] : names)
    made_names_[parent] = std::vector<std::string>(children.begin(), children.end());
}

const MountStep* PlannedFiles::step_for(const std::string& path) const {
  const MountStep* found = nullptr;
  for (const MountStep& step : steps_) {
    if (!is_at_or_below(path, step.target)) continue;
    if (step.optional && step.kind == StepKind::bind && !look_on_host(step.source)) continue;
    // A directory is made in what is there and hides nothing.
    if (step.kind == StepKind::directory && found != nullptr &&
        (path != step.target || (shows_host(*found) && !source_of(*found, path).empty())))
      continue;
    found = &step;
  }
  return found;
}

std::vector<std::string> PlannedFiles::sources_of(const MountStep& step,
                                                  const std::string& path) const {
  const std::string rest = path.substr(step.target.size());
  if (step.kind == StepKind::bind) return {step.source + rest};
  std::vector<std::string> sources;
  for (auto lower = step.lowers.rbegin(); lower != step.lowers.rend(); ++lower) {
    sources.push_back(*lower + rest);
    const auto node = look_on_host(sources.back());
    if ((node && !node->is_directory()) || !is_reachable(*lower, rest)) break;
  }
  return sources;
}

std::string PlannedFiles::source_of(const MountStep& step, const std::string& path) const {
  for (const std::string& source : sources_of(step, path))
    if (look_on_host(source)) return source;
  return {};
}

std::optional<FileNode> PlannedFiles::look(const std::string& path) const {
  // What only holds mount points is made as a plain directory.
  const auto made = made_names_.contains(path) ? std::optional(directory_node()) : std::nullopt;
  const MountStep* step = step_for(path);
  if (step == nullptr) return path == "/" ? std::optional(directory_node()) : made;
  switch (step->kind) {
    case StepKind::link:
      if (path != step->target) return std::nullopt;
      {
        FileNode node;
        node.type = TreeEntry::Type::symlink;
        node.mode = 0777;
        node.link_target = step->source;
        return node;
      }
    case StepKind::file:
      if (path != step->target) return std::nullopt;
      {
        FileNode node;
        node.mode = step->mode;
        node.size = step->source.size();
        return node;
      }
    case StepKind::directory:
    case StepKind::tmpfs:
      if (path == step->target) return directory_node(step->mode);
      return made;
    case StepKind::proc:
      if (path == step->target) return directory_node();
      return std::nullopt;
    case StepKind::bind:
    case StepKind::overlay:
      if (const std::string source = source_of(*step, path); !source.empty())
        return look_on_host(source);
      return made;
  }
  return std::nullopt;
}

std::vector<std::string> PlannedFiles::names(const std::string& directory) const {
  std::set<std::string> all;
  if (const auto made = made_names_.find(directory); made != made_names_.end())
    all.insert(made->second.begin(), made->second.end());
  const MountStep* step = step_for(directory);
  if (step != nullptr && shows_host(*step)) {
    for (const std::string& source : sources_of(*step, directory)) {
      const auto node = look_on_host(source);
      if (node && !node->is_directory()) break;
      for (std::string& name : host.names(source)) all.insert(std::move(name));
    }
  }
  return {all.begin(), all.end()};
}

std::optional<std::string> PlannedFiles::read(const std::string& path, std::size_t limit) const {
  const MountStep* step = step_for(path);
  if (step == nullptr) return std::nullopt;
  if (step->kind == StepKind::file && path == step->target) return step->source.substr(0, limit);
  if (!shows_host(*step)) return std::nullopt;
  const std::string source = source_of(*step, path);
  return source.empty() ? std::nullopt : host.read(source, limit);
}

}  // namespace emulator
