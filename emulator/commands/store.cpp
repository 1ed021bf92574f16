#include "emulator/commands/commands.hpp"
#include "emulator/installation.hpp"
#include "emulator/terminal.hpp"
#include "layers/layer_store.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ctime>

namespace emulator {
namespace {

constexpr double megabyte = 1e6;

std::string day_of(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &local);
  return text;
}

base::Result<ExitCode> add(layers::LayerStore& store, const std::vector<std::string>& files) {
  const auto progress = make_progress_bar();
  for (const std::string& file : files) {
    TRY_ASSIGN(const layers::PreparedTree tree,
               store.add(file, layers::PackageKind::layer, progress.get()));
    print_result(
        fmt::format("{}  {}\n", tree.digest ? tree.digest->hex() : tree.tree.string(), file));
  }
  return ExitCode::returned;
}

base::Result<ExitCode> list(const layers::LayerStore& store, bool json) {
  TRY_ASSIGN(const std::vector<layers::StoredTree> trees, store.list());
  if (json) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const layers::StoredTree& tree : trees)
      rows.push_back({{"digest", tree.digest.hex()},
                      {"codeSha256", tree.digest.base64()},
                      {"tree", tree.tree.string()},
                      {"reference", tree.first_reference},
                      {"archiveBytes", tree.archive_bytes},
                      {"unpackedBytes", tree.summary.unpacked_bytes},
                      {"files", tree.summary.files},
                      {"lastUsed", day_of(tree.last_used)},
                      {"archiveKept", tree.has_archive}});
    print_result(rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    return ExitCode::returned;
  }
  if (trees.empty())
    print_log("The store is empty.\n");
  else
    print_result(fmt::format("{:<16}  {:>9}  {:>8}  {:<10}  {}\n", "DIGEST", "SIZE", "FILES",
                             "LAST USED", "FROM"));
  constexpr std::size_t shown_digits = 16;
  for (const layers::StoredTree& tree : trees)
    print_result(fmt::format("{:<16}  {:>6.1f} MB  {:>8}  {:<10}  {}\n",
                             tree.digest.hex().substr(0, shown_digits),
                             static_cast<double>(tree.summary.unpacked_bytes) / megabyte,
                             tree.summary.files, day_of(tree.last_used), tree.first_reference));
  return ExitCode::returned;
}

base::Result<ExitCode> collect(layers::LayerStore& store, std::chrono::hours unused_for) {
  TRY_ASSIGN(const layers::GarbageReport report, store.collect_garbage(unused_for));
  print_result(fmt::format(
      "removed {} trees, {} archives and {} unfinished extractions, {:.1f} MB\n", report.trees,
      report.archives, report.unfinished, static_cast<double>(report.bytes) / megabyte));
  return ExitCode::returned;
}

base::Result<ExitCode> path(layers::LayerStore& store, const std::vector<std::string>& files) {
  if (files.empty()) {
    print_result(store.root().string() + "\n");
    return ExitCode::returned;
  }
  const auto progress = make_progress_bar();
  TRY_ASSIGN(const layers::PreparedTree tree,
             store.prepare(files.front(), layers::PackageKind::layer, progress.get()));
  print_result(tree.tree.string() + "\n");
  return ExitCode::returned;
}

}  // namespace

base::Result<ExitCode> run_store(const StoreCommand& command) {
  TRY_ASSIGN(const auto root, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(root));
  switch (command.action) {
    case StoreCommand::Action::add:
      return add(store, command.files);
    case StoreCommand::Action::list:
      return list(store, command.json);
    case StoreCommand::Action::collect:
      return collect(store, command.unused_for);
    case StoreCommand::Action::path:
      return path(store, command.files);
  }
  return ExitCode::internal_error;
}

}  // namespace emulator
