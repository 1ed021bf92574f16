#include "emulator/lab/observation.hpp"

#include "base/unique_fd.hpp"
#include "base/uuid.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/failure_payloads.hpp"
#include "emulator/installation.hpp"
#include "emulator/lab/file_watch.hpp"
#include "emulator/lab/import_profile.hpp"
#include "emulator/lab/package_files.hpp"
#include "layers/work_folder.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <tuple>

namespace emulator {
namespace {

namespace fs = std::filesystem;

/// A watch pins its folder's inode and name in kernel memory that is charged to the environment:
/// some 2 KiB each, so this is enough for a hundred thousand folders. Without it, watching would
/// end a function of 128 MB that works otherwise.
constexpr std::uint64_t watch_memory_bytes = 256u << 20;
constexpr std::size_t mark_characters = 32;

base::Result<PackageFiles> list_files(const PreparedFunction& prepared,
                                      const layers::LayerStore& store) {
  layers::TreeListing code;
  if (!prepared.code.tree.empty()) {
    TRY_ASSIGN(code, store.entries(prepared.code));
  }
  std::vector<layers::TreeListing> listings;
  for (const layers::PreparedTree& layer : prepared.layers) {
    TRY_ASSIGN(layers::TreeListing listing, store.entries(layer));
    listings.push_back(std::move(listing));
  }
  return PackageFiles(code, listings);
}

/// An inode of the host is watched together with whoever else opens it: another environment of the
/// same layer, an editor. One of an overlay belongs to this sandbox alone, so what would be a bind
/// becomes an overlay over an empty folder. Not where the host refuses overlayfs.
void make_inodes_private(std::vector<sandbox::MountStep>& steps, const std::string& empty_folder) {
  for (sandbox::MountStep& step : steps)
    if (step.kind == sandbox::StepKind::bind &&
        (step.target == "/opt" || step.target == "/var/task"))
      step = sandbox::mount_overlay({empty_folder, step.source}, step.target);
}

/// Empty when it went well.
std::string failure_of(const EnvironmentRun& run) {
  constexpr std::size_t longest = 300;
  if (!run.init || run.init->status != InitOutcome::Status::success)
    return "its init failed: " +
           (run.init ? failure_message(run.init->payload).substr(0, longest) : std::string());
  for (const InvocationOutcome& outcome : run.invocations)
    if (outcome.kind != OutcomeKind::succeeded)
      return "its invocation failed: " + failure_message(outcome.payload).substr(0, longest);
  return {};
}

base::Result<void> watch_files(PreparedFunction prepared, const PackageFiles& files,
                               const std::string& empty_folder, const std::string& event,
                               LabResult& result) {
  TRY_ASSIGN(const Installation installation, find_installation());
  WatchRecords records;
  ExecutionEnvironment::Plan& plan = prepared.plan;
  if (prepared.opt.mode == layers::OptMode::overlay)
    make_inodes_private(plan.sandbox.steps, empty_folder);
  plan.sandbox.steps.push_back(
      sandbox::bind_read_only(installation.file_watch_program, file_watch_inside));
  plan.companion.emplace();
  plan.companion->arguments = {file_watch_inside, "/opt", "/var/task"};
  plan.companion->on_output = [&records](std::string_view bytes) { records.feed(bytes); };
  plan.companion->memory_bytes = watch_memory_bytes;

  const auto run = run_environment(prepared, event, 1, [](std::string_view) {});
  if (!run) {
    result.notes.push_back("touched files: the run that tells them failed: " + run.error().message);
    return {};
  }
  result.interrupted_by = run->interrupted.signal;
  if (result.interrupted_by != 0) return {};
  if (const std::string failure = failure_of(*run); !failure.empty()) {
    result.notes.push_back(
        "touched files: not told, because the function worked in every timed "
        "run, but not in this one: " +
        failure + ". Measure again.");
    return {};
  }
  if (!records.complete()) {
    result.notes.push_back("touched files: not told: " + records.problem());
    return {};
  }
  std::vector<TouchedPackage> packages;
  const auto add = [&packages](const layers::PreparedTree& tree, bool is_code) {
    TouchedPackage package;
    package.name = tree.reference;
    package.is_code = is_code;
    package.files = tree.summary.files;
    package.bytes = tree.summary.unpacked_bytes;
    packages.push_back(std::move(package));
  };
  add(prepared.code, true);
  for (const layers::PreparedTree& layer : prepared.layers) add(layer, false);
  count_touched(records.opened(), files, packages);
  result.touched = std::move(packages);
  return {};
}

void name_packages(std::vector<ImportedModule>& modules, const PackageFiles& files,
                   const PreparedFunction& prepared) {
  for (ImportedModule& module : modules) {
    const auto file = files.find_container(module.file);
    if (!file) continue;
    module.package =
        file->package == 0 ? prepared.code.reference : prepared.layers[file->package - 1].reference;
  }
}

void profile_imports(PreparedFunction prepared, const PackageFiles& files, const std::string& event,
                     LabResult& result) {
  if (prepared.plan.function.runtime.starts_with("provided")) {
    result.notes.push_back("imports: there is no import profile for the runtime " +
                           prepared.plan.function.runtime + ". Python and Node.js have one.");
    return;
  }
  const std::string mark = base::random_hex(mark_characters);
  ImportLines lines(mark);
  prepared.plan.more_variables.push_back(std::string(import_profile_variable) + "=" + mark);
  const auto run =
      run_environment(prepared, event, 1, [&lines](std::string_view bytes) { lines.feed(bytes); });
  if (!run) {
    result.notes.push_back("imports: the run that tells them failed: " + run.error().message);
    return;
  }
  result.interrupted_by = run->interrupted.signal;
  if (result.interrupted_by != 0) return;
  if (const std::string failure = failure_of(*run); !failure.empty()) {
    result.notes.push_back(
        "imports: not told, because the function worked in every timed run, but "
        "not in this one: " +
        failure + ". Measure again.");
    return;
  }
  std::vector<ImportedModule> modules = lines.modules();
  name_packages(modules, files, prepared);
  std::sort(modules.begin(), modules.end(), [](const ImportedModule& a, const ImportedModule& b) {
    return std::tie(b.self_ms, a.name) < std::tie(a.self_ms, b.name);
  });
  if (lines.cut())
    result.notes.push_back("imports: only the first " + std::to_string(modules.size()) +
                           " modules are listed.");
  if (lines.has_es_modules())
    result.notes.push_back(
        "imports: the time of an ES module is that of its own evaluation; "
        "Node.js reads and links all of them before.");
  result.imports = std::move(modules);
}

}  // namespace

base::Result<void> observe(layers::LayerStore& store, const std::string& event,
                           ImportProfile imports, LabResult& result) {
  base::UniqueFd root(::open(store.root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return base::from_errno(errno, "cannot open the store");
  TRY_ASSIGN(const layers::WorkFolder empty, layers::WorkFolder::make(root.get()));
  TRY_ASSIGN(PreparedFunction prepared,
             prepare_function(result.variants.front().selection, store, nullptr));
  prepared.plan.freezing = Freezing::off;
  TRY_ASSIGN(const PackageFiles files, list_files(prepared, store));
  TRY(watch_files(prepared, files, store.root() / empty.path(), event, result));
  if (imports == ImportProfile::on && result.interrupted_by == 0)
    profile_imports(prepared, files, event, result);
  return {};
}

}  // namespace emulator
