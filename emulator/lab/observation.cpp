#include "emulator/lab/observation.hpp"

#include "base/uuid.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/failure_payloads.hpp"
#include "emulator/installation.hpp"
#include "emulator/lab/file_watch.hpp"
#include "emulator/lab/import_profile.hpp"
#include "emulator/lab/package_files.hpp"

#include <algorithm>
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
  TRY_ASSIGN(const auto listings, store.entries(prepared.layers));
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

/// One cold start and one invocation beside the timed ones. Nothing when it did not work: a note
/// then says why there is no figure for `what`, or the result says that it was interrupted.
bool ran_well(const PreparedFunction& prepared, const std::string& event, LogSink log,
              const std::string& what, LabResult& result) {
  const auto run = run_environment(prepared, event, 1, std::move(log));
  if (!run) {
    result.notes.push_back(what + ": the run that tells them failed: " + run.error().message);
    return false;
  }
  result.interrupted_by = run->interrupted.signal;
  if (result.interrupted_by != 0) return false;
  const std::string failure = failure_of(*run);
  if (failure.empty()) return true;
  result.notes.push_back(
      what + ": not told, because the function worked in every timed run, but not in this one: " +
      failure + ". Measure again.");
  return false;
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

  if (!ran_well(prepared, event, [](std::string_view) {}, "touched files", result)) return {};
  if (!records.complete()) {
    result.notes.push_back("touched files: not told: " + records.problem());
    return {};
  }
  std::vector<TouchedPackage> packages;
  for (const LabPackage& package : result.variants.front().packages)
    packages.push_back({.name = package.name,
                        .is_code = package.is_code,
                        .files = package.files,
                        .bytes = package.bytes});
  count_touched(records.opened(), files, packages);
  result.touched = std::move(packages);
  return {};
}

void name_packages(std::vector<ImportedModule>& modules, const PackageFiles& files,
                   const std::vector<LabPackage>& packages) {
  for (ImportedModule& module : modules)
    if (const auto file = files.find_container(module.file);
        file && file->package < packages.size())
      module.package = packages[file->package].name;
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
  const auto log = [&lines](std::string_view bytes) { lines.feed(bytes); };
  if (!ran_well(prepared, event, log, "imports", result)) return;
  std::vector<ImportedModule> modules = lines.modules();
  name_packages(modules, files, result.variants.front().packages);
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
  TRY_ASSIGN(const layers::WorkFolder empty, store.work_folder());
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
