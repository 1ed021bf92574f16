#include "emulator/cold_start_lab.hpp"

#include "base/unique_fd.hpp"
#include "emulator/cold_start.hpp"
#include "emulator/commands/run_environment.hpp"
#include "emulator/diff_report.hpp"
#include "layers/work_folder.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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
  static base::Result<ScratchStores> make(const fs::path& store) {
    base::UniqueFd root(::open(store.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return base::from_errno(errno, "cannot open the store");
    TRY_ASSIGN(layers::WorkFolder work, layers::WorkFolder::make(root.get()));
    fs::path folder = store / work.path();
    return ScratchStores(std::move(root), std::move(work), std::move(folder));
  }

  base::Result<layers::LayerStore> next() {
    return layers::LayerStore::open(folder_ / std::to_string(++count_));
  }

 private:
  ScratchStores(base::UniqueFd root, layers::WorkFolder work, fs::path folder)
      : root_(std::move(root)), work_(std::move(work)), folder_(std::move(folder)) {}

  base::UniqueFd root_;
  layers::WorkFolder work_;
  fs::path folder_;
  std::size_t count_ = 0;
};

/// How many pages of the file are in memory, of how many.
std::pair<std::size_t, std::size_t> resident_pages(int fd, std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t pages = (size + page - 1) / page;
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return {0, 0};
  std::vector<unsigned char> states(pages);
  const bool known = ::mincore(mapped, size, states.data()) == 0;
  ::munmap(mapped, size);
  if (!known) return {0, 0};
  const auto resident =
      std::count_if(states.begin(), states.end(), [](unsigned char state) { return state & 1; });
  return {static_cast<std::size_t>(resident), pages};
}

/// Drops the pages of every file below a folder from the page cache; the share of those that stay.
double drop_pages(const fs::path& tree) {
  std::size_t resident = 0;
  std::size_t pages = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(tree, error); at != fs::end(at);
       at.increment(error)) {
    if (error || !at->is_regular_file(error) || at->is_symlink(error)) continue;
    const base::UniqueFd file(::open(at->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0 || status.st_size == 0) continue;
    // Only clean pages can be dropped.
    ::fdatasync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    const auto [stayed, all] = resident_pages(file.get(), static_cast<std::size_t>(status.st_size));
    resident += stayed;
    pages += all;
  }
  return pages == 0 ? 0 : static_cast<double>(resident) / static_cast<double>(pages);
}

/// A failure of one cold start: the variant is given up, the lab goes on.
struct ColdStart {
  std::optional<LabRun> run;
  std::string failure;
  bool interrupted = false;
};

LabRun measured(std::size_t variant, const PreparedFunction& prepared, const EnvironmentRun& run,
                std::chrono::nanoseconds whole) {
  LabRun row;
  row.variant = variant;
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
    if (happened) add(phase, sum);
  }
  for (const PhaseTimeline::Row& one : prepared.timeline.rows())
    if (one.phase == "extract") add("extract " + one.package, one.duration);
  for (const PhaseTimeline::Row& one : run.timeline.rows()) add(one.phase, one.duration);
  if (run.invocations.size() > 1) add("second invocation", run.invocations[1].duration);
  add("cold start", whole);
  return row;
}

/// The sentence in AWS's error payload.
std::string failure_message(const std::string& payload) {
  const auto document = nlohmann::json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return payload;
  const auto message = document.find("errorMessage");
  return message != document.end() && message->is_string() ? message->get<std::string>() : payload;
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
  result.interrupted = run.interrupted.signal != 0;
  if (result.interrupted) return result;
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
  for (const PhaseTimeline::Row& row : run.timeline.rows()) whole += row.duration;
  result.run = measured(index, prepared, run, whole);
  return result;
}

}  // namespace

std::string_view to_string(CacheState state) {
  switch (state) {
    case CacheState::extracted:
      return "extracted";
    case CacheState::cold_store:
      return "cold-store";
    case CacheState::cold_cache:
      return "cold-cache";
  }
  return "unknown";
}

double LabRun::phase(const std::string& name) const {
  for (const auto& [phase, value] : phases)
    if (phase == name) return value;
  return -1;
}

std::vector<double> LabResult::values(std::size_t variant, const std::string& phase) const {
  std::vector<double> values;
  for (const LabRun& run : runs)
    if (run.variant == variant)
      if (const double value = run.phase(phase); value >= 0) values.push_back(value);
  return values;
}

std::vector<std::string> LabResult::phases() const {
  std::vector<std::string> names;
  for (const LabRun& run : runs)
    for (const auto& [name, value] : run.phases)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

std::vector<LabVariant> plan_variants(const ColdstartCommand& command) {
  using Kind = LabVariant::Kind;
  std::vector<LabVariant> variants;
  const FunctionSelection& given = command.selection;
  std::vector<std::uint32_t> sizes = command.memory_sizes;
  if (sizes.empty()) sizes.push_back(given.function.memory_size);
  const auto add = [&](Kind kind, const std::string& name, std::vector<std::string> layers) {
    LabVariant variant;
    variant.kind = kind;
    variant.selection = given;
    variant.selection.layers = std::move(layers);
    for (const std::uint32_t size : sizes)
      for (const CacheState state : command.states) {
        variant.condition.clear();
        if (sizes.size() > 1) variant.condition += ", " + std::to_string(size) + " MB";
        if (command.states.size() > 1) variant.condition += ", " + std::string(to_string(state));
        variant.name = name + variant.condition;
        variant.selection.function.memory_size = size;
        variant.state = state;
        variants.push_back(variant);
      }
  };
  add(Kind::configured, "as configured", given.layers);
  for (const std::vector<std::size_t>& order : command.orders) {
    std::vector<std::string> layers;
    for (const std::size_t number : order) layers.push_back(given.layers[number - 1]);
    add(Kind::other_order, "order " + order_text(order), std::move(layers));
  }
  if (!command.leave_out || given.layers.empty()) return variants;
  add(Kind::without_any, "no layers", {});
  if (given.layers.size() == 1) return variants;
  for (std::size_t i = 0; i < given.layers.size(); ++i) {
    const std::size_t first = variants.size();
    std::vector<std::string> layers = given.layers;
    layers.erase(layers.begin() + static_cast<std::ptrdiff_t>(i));
    add(Kind::without_one, "without layer " + std::to_string(i + 1), std::move(layers));
    for (std::size_t added = first; added < variants.size(); ++added)
      variants[added].without_layer = i + 1;
  }
  return variants;
}

base::Result<LabResult> run_lab(const ColdstartCommand& command, const fs::path& store_path,
                                const std::string& event,
                                const std::function<void(std::size_t, std::size_t)>& progress) {
  LabResult result;
  result.variants = plan_variants(command);
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(store_path));
  TRY_ASSIGN(ScratchStores scratch, ScratchStores::make(store_path));
  double kept_pages = 0;
  const std::size_t rounds = command.runs + 1;
  std::size_t done = 0;
  std::vector<std::size_t> turn(result.variants.size());
  for (std::size_t i = 0; i < turn.size(); ++i) turn[i] = i;
  std::mt19937_64 random(1);

  for (std::size_t round = 0; round < rounds; ++round) {
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
      if (variant.state == CacheState::cold_cache && round > 0)
        for (const std::string& layer : variant.selection.layers) {
          TRY_ASSIGN(const layers::PreparedTree tree, prepare_layer(layer, store, nullptr));
          kept_pages = std::max(kept_pages, drop_pages(tree.tree));
        }
      TRY_ASSIGN(const ColdStart start, cold_start(variant, index, fresh ? *fresh : store, event));
      if (start.interrupted) return Error(ErrorKind::io_error, "interrupted.");
      if (!start.run) {
        if (variant.kind == LabVariant::Kind::configured)
          return Error(ErrorKind::invalid_argument,
                       "function: it fails, so that there is nothing to measure: " + start.failure +
                           ". Make \"lamina invoke\" succeed first.");
        result.failures[index] = start.failure;
        continue;
      }
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
  return result;
}

}  // namespace emulator
