#include "emulator/lab/cold_start_lab.hpp"

#include "emulator/cold_start.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/failure_payloads.hpp"
#include "emulator/lab/bundle.hpp"
#include "emulator/lab/observation.hpp"
#include "emulator/lab/page_cache.hpp"
#include "emulator/lab/variants.hpp"
#include "layers/file_tree.hpp"
#include "layers/work_folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>

namespace emulator {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

/// Stores of their own for cold-store runs, on the store's disk; gone with it, also after a kill.
/// Each run has a fresh one: on ext4 a tree that is removed and made again at once measures the
/// file system's search for free inodes.
class ScratchStores {
 public:
  static base::Result<ScratchStores> make(const layers::LayerStore& store) {
    TRY_ASSIGN(layers::WorkFolder work, store.work_folder());
    fs::path folder = store.root() / work.path();
    return ScratchStores(std::move(work), std::move(folder));
  }

  /// For files that live as long as the lab.
  const fs::path& folder() const { return folder_; }

  base::Result<layers::LayerStore> next() {
    return layers::LayerStore::open(folder_ / std::to_string(++count_));
  }

  /// Removes all but the newest ones, which bounds the disk that a lab needs.
  base::Result<void> keep_newest(std::size_t kept) {
    for (; count_ > removed_ + kept; ++removed_)
      TRY(layers::remove_tree(work_.fd(), std::to_string(removed_ + 1)));
    return {};
  }

 private:
  ScratchStores(layers::WorkFolder work, fs::path folder)
      : work_(std::move(work)), folder_(std::move(folder)) {}

  layers::WorkFolder work_;
  fs::path folder_;
  std::size_t count_ = 0;
  std::size_t removed_ = 0;
};

/// Drops the pages of all that a variant is made of.
base::Result<double> drop_pages_of(const FunctionSelection& selection, layers::LayerStore& store) {
  TRY_ASSIGN(const layers::PreparedTree code,
             store.prepare(selection.code, layers::PackageKind::code, nullptr));
  double kept = drop_pages(code.tree);
  for (const std::string& layer : selection.layers) {
    TRY_ASSIGN(const layers::PreparedTree tree, prepare_layer(layer, store, nullptr));
    kept = std::max(kept, drop_pages(tree.tree));
  }
  return kept;
}

/// The one package of the variants that have no layers any more, in a store of its own: the user's
/// keeps no trace of it.
class Bundle {
 public:
  /// Packs it when a variant wants one; a failure is those variants' own.
  static base::Result<std::optional<Bundle>> make(LabResult& result, layers::LayerStore& store,
                                                  const ColdstartCommand& command,
                                                  const fs::path& folder) {
    const auto is_bundled = [](const LabVariant& variant) {
      return variant.kind == LabVariant::Kind::bundled;
    };
    if (std::none_of(result.variants.begin(), result.variants.end(), is_bundled))
      return std::optional<Bundle>();
    // Only what is extracted in a measurement must be as small as what users upload.
    const bool extracted = std::find(command.states.begin(), command.states.end(),
                                     CacheState::cold_store) != command.states.end();
    const fs::path file = folder / "bundle.zip";
    const auto made =
        make_bundle(command.selection, store, file,
                    extracted ? layers::ZipCompression::deflate : layers::ZipCompression::none);
    for (std::size_t i = 0; i < result.variants.size(); ++i) {
      if (!is_bundled(result.variants[i])) continue;
      if (!made) result.failures[i] = made.error().message;
      result.variants[i].selection.code = file.string();
    }
    if (!made) return std::optional<Bundle>();
    TRY_ASSIGN(layers::LayerStore own, layers::LayerStore::open(folder / "bundle-store"));
    return std::optional<Bundle>(Bundle(std::move(own)));
  }

  layers::LayerStore& store() { return store_; }

 private:
  explicit Bundle(layers::LayerStore store) : store_(std::move(store)) {}

  layers::LayerStore store_;
};

/// A failure of one cold start: the variant is given up, the lab goes on.
struct ColdStart {
  std::optional<LabRun> run;
  std::vector<LabPackage> packages;
  std::string failure;
  int interrupted_by = 0;
};

/// As the command names it; the bundle's file has no name that says anything.
std::string package_name(const LabVariant& variant, const std::string& reference) {
  return variant.kind == LabVariant::Kind::bundled ? variant.bundle_name : reference;
}

std::vector<LabPackage> packages_of(const LabVariant& variant, const PreparedFunction& prepared) {
  std::vector<LabPackage> packages;
  const auto add = [&](const layers::PreparedTree& tree, bool is_code) {
    packages.push_back({.name = package_name(variant, tree.reference),
                        .is_code = is_code,
                        .archive_bytes = tree.archive_bytes,
                        .bytes = tree.summary.unpacked_bytes,
                        .files = tree.summary.files});
  };
  if (!prepared.code.reference.empty()) add(prepared.code, true);
  for (const layers::PreparedTree& layer : prepared.layers) add(layer, false);
  return packages;
}

LabRun measured(const LabVariant& variant, std::size_t index, const PreparedFunction& prepared,
                const EnvironmentRun& run, std::chrono::nanoseconds whole) {
  LabRun row;
  row.variant = index;
  const auto add = [&row](const std::string& name, std::chrono::nanoseconds duration) {
    row.phases.emplace_back(name, milliseconds(duration));
  };
  for (const char* phase : {"resolve", "verify", "extract", "compose"}) {
    std::chrono::nanoseconds sum{};
    bool happened = false;
    for (const PhaseTimeline::Row& one : prepared.timeline.rows()) {
      if (one.phase != phase) continue;
      sum += one.duration;
      happened = true;
    }
    if (!happened) continue;
    add(phase, sum);
    if (std::string_view(phase) != "extract") continue;
    for (const PhaseTimeline::Row& one : prepared.timeline.rows())
      if (one.phase == phase) add("extract " + package_name(variant, one.package), one.duration);
  }
  for (const PhaseTimeline::Row& one : run.timeline.rows()) add(one.phase, one.duration);
  if (run.invocations.size() > 1) add(second_invocation, run.invocations[1].duration);
  add(whole_cold_start, whole);
  return row;
}

base::Result<ColdStart> cold_start(const LabVariant& variant, std::size_t index,
                                   layers::LayerStore& store, const std::string& event) {
  const auto begin = std::chrono::steady_clock::now();
  TRY_ASSIGN(PreparedFunction prepared, prepare_function(variant.selection, store, nullptr));
  prepared.plan.freezing = Freezing::off;
  const auto ready = std::chrono::steady_clock::now() - begin;
  ColdStart result;
  std::string log;
  TRY_ASSIGN(
      const EnvironmentRun run,
      run_environment(prepared, event, 2, [&log](std::string_view bytes) { log.append(bytes); }));
  result.interrupted_by = run.interrupted.signal;
  if (result.interrupted_by != 0) return result;
  for (const InvocationOutcome& outcome : run.invocations)
    if (outcome.kind != OutcomeKind::succeeded) {
      result.failure = failure_message(outcome.payload);
      return result;
    }
  if (!run.init || run.init->status != InitOutcome::Status::success || run.invocations.empty()) {
    result.failure = "its init failed";
    return result;
  }
  // Up to the first response; ending the environment is nobody's waiting time.
  std::chrono::nanoseconds whole = ready;
  for (const PhaseTimeline::Row& row : run.timeline.rows())
    if (row.within.empty()) whole += row.duration;
  result.run = measured(variant, index, prepared, run, whole);
  result.packages = packages_of(variant, prepared);
  return result;
}

}  // namespace

base::Result<LabResult> run_lab(const ColdstartCommand& command, const fs::path& store_path,
                                const std::string& event,
                                const std::function<void(std::size_t, std::size_t)>& progress) {
  LabResult result;
  result.variants = plan_variants(command);
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  TRY_ASSIGN(ScratchStores scratch, ScratchStores::make(store));
  TRY_ASSIGN(std::optional<Bundle> bundle, Bundle::make(result, store, command, scratch.folder()));
  double kept_pages = 0;
  const std::size_t rounds = command.runs + 1;
  std::size_t done = 0;
  std::vector<std::size_t> turn(result.variants.size());
  for (std::size_t i = 0; i < turn.size(); ++i) turn[i] = i;
  std::mt19937_64 random(1);

  const auto cold_stores = static_cast<std::size_t>(std::count_if(
      result.variants.begin(), result.variants.end(),
      [](const LabVariant& variant) { return variant.state == CacheState::cold_store; }));
  for (std::size_t round = 0; round < rounds; ++round) {
    // Those of the last round stay for a while, for what ext4 does with fresh inodes.
    TRY(scratch.keep_newest(cold_stores));
    // Another order each round; the first one only warms up.
    for (std::size_t i = turn.size(); i > 1; --i) std::swap(turn[i - 1], turn[random() % i]);
    for (const std::size_t index : turn) {
      progress(done++, rounds * turn.size());
      if (result.failures.contains(index)) continue;
      const LabVariant& variant = result.variants[index];
      std::optional<layers::LayerStore> fresh;
      if (variant.state == CacheState::cold_store) {
        TRY_ASSIGN(layers::LayerStore made, scratch.next());
        fresh.emplace(std::move(made));
      }
      layers::LayerStore& used = fresh                                       ? *fresh
                                 : variant.kind == LabVariant::Kind::bundled ? bundle->store()
                                                                             : store;
      if (variant.state == CacheState::cold_cache && round > 0) {
        TRY_ASSIGN(const double kept, drop_pages_of(variant.selection, used));
        kept_pages = std::max(kept_pages, kept);
      }
      auto started = cold_start(variant, index, used, event);
      if (!started && variant.kind == LabVariant::Kind::bundled) {
        // Past the limit of a package, say: an answer, and no reason to lose the others.
        result.failures[index] = started.error().message;
        continue;
      }
      TRY_ASSIGN(ColdStart start, std::move(started));
      if (start.interrupted_by != 0) {
        result.interrupted_by = start.interrupted_by;
        return result;
      }
      if (!start.run) {
        if (variant.kind == LabVariant::Kind::configured)
          return Error(ErrorKind::invalid_argument,
                       "function: it fails, so that there is nothing to measure: " + start.failure +
                           ". Make \"lamina invoke\" succeed first.");
        result.failures[index] = start.failure;
        continue;
      }
      result.variants[index].packages = std::move(start.packages);
      if (round > 0) result.runs.push_back(*start.run);
    }
  }
  std::erase_if(result.runs,
                [&result](const LabRun& run) { return result.failures.contains(run.variant); });
  constexpr double noticeable = 0.01;
  if (kept_pages > noticeable)
    result.notes.push_back("cold-cache: up to " +
                           std::to_string(static_cast<int>(kept_pages * 100)) +
                           " % of a layer's pages stayed in memory: this file system does not give "
                           "them up, or something else has the files open.");
  TRY(observe(store, event, command.imports ? ImportProfile::on : ImportProfile::off, result));
  return result;
}

}  // namespace emulator
