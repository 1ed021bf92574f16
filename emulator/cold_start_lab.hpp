#pragma once

#include "emulator/command_line.hpp"
#include "emulator/statistics.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace emulator {

std::string_view to_string(CacheState state);

/// One thing that is measured again and again.
struct LabVariant {
  enum class Kind { configured, other_order, without_any, without_one };
  Kind kind = Kind::configured;
  std::string name;
  /// What tells variants of one kind apart: ", 512 MB, cold-store"; empty where nothing does.
  std::string condition;
  FunctionSelection selection;
  CacheState state = CacheState::extracted;
  /// Number of the layer that this variant leaves out, counted from 1; 0 for none.
  std::size_t without_layer = 0;
};

/// The phases of one cold start in milliseconds, as they were measured, in the order of events.
/// "extract" stands for all packages together, beside a row for each.
struct LabRun {
  std::size_t variant = 0;
  std::vector<std::pair<std::string, double>> phases;
  double phase(const std::string& name) const;
};

struct LabResult {
  std::vector<LabVariant> variants;
  std::vector<LabRun> runs;
  /// Why a variant could not be measured, by its index: the function does not start without its
  /// layers, say.
  std::map<std::size_t, std::string> failures;
  /// What limits the figures, in sentences.
  std::vector<std::string> notes;

  /// Every run of a variant; empty when the phase was not measured.
  std::vector<double> values(std::size_t variant, const std::string& phase) const;
  /// Names of all phases, in the order of events.
  std::vector<std::string> phases() const;
};

/// The variants that a command asks for: as configured, without any layer, without each layer in
/// turn, for each memory size, each order and each state.
std::vector<LabVariant> plan_variants(const ColdstartCommand& command);

/// Runs every variant `runs` times after a warm-up, taking turns so that drift meets all alike.
/// `progress` sees how many of how many cold starts are done. Blocking.
base::Result<LabResult> run_lab(const ColdstartCommand& command,
                                const std::filesystem::path& store_path, const std::string& event,
                                const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace emulator
