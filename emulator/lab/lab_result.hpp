#pragma once

#include "emulator/command_line.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emulator {

/// What the cold-start lab measured, as plain values: made by run_lab(), shown by the reports.
/// Knows nothing of how it was measured. Durations are milliseconds.

std::string_view to_string(CacheState state);

/// The code or a layer of a variant, as it lies in the store.
struct LabPackage {
  /// As the command names it; what the rows "extract NAME" of a run are called by.
  std::string name;
  bool is_code = false;
  /// Zero for a folder that is used in place.
  std::uint64_t archive_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
};

/// One thing that is measured again and again.
struct LabVariant {
  enum class Kind { configured, other_order, without_any, without_one, bundled };
  Kind kind = Kind::configured;
  std::string name;
  /// What tells variants of one kind apart: ", 512 MB, cold-store"; empty where nothing does.
  std::string condition;
  FunctionSelection selection;
  CacheState state = CacheState::extracted;
  /// Number of the layer that this variant leaves out, counted from 1; 0 for none.
  std::size_t without_layer = 0;
  /// What the one package of a bundled variant is called.
  static constexpr const char* bundle_name = "bundle";
  /// Code first, then the layers in order; known when it was started once.
  std::vector<LabPackage> packages;
};

/// The phases of one cold start in milliseconds, as they were measured, in the order of events.
/// "extract" stands for all packages together, beside a row for each.
struct LabRun {
  std::size_t variant = 0;
  std::vector<std::pair<std::string, double>> phases;
  /// Below zero when it did not happen.
  double phase(const std::string& name) const;
};

/// What one cold start and one invocation opened of a package, in a run of its own that is in no
/// timing.
struct TouchedPackage {
  std::string name;
  bool is_code = false;
  std::uint64_t touched_files = 0;
  std::uint64_t files = 0;
  /// Whole sizes of the touched files.
  std::uint64_t touched_bytes = 0;
  std::uint64_t bytes = 0;
};

/// What the import of one module took, in a run of its own.
struct ImportedModule {
  std::string name;
  /// Without the modules that it imports, and with them.
  double self_ms = 0;
  double total_ms = 0;
  /// Path inside; empty for what is built in.
  std::string file;
  /// The package that it comes from, as the command names it; empty for the runtime's own.
  std::string package;
};

struct LabResult {
  std::vector<LabVariant> variants;
  std::vector<LabRun> runs;
  /// Why a variant could not be measured, by its index: the function does not start without its
  /// layers, say.
  std::map<std::size_t, std::string> failures;
  /// Absent where it was not asked for or could not be had; a note says which.
  std::optional<std::vector<TouchedPackage>> touched;
  /// Dearest first, by their own time.
  std::optional<std::vector<ImportedModule>> imports;
  /// What limits the figures, in sentences.
  std::vector<std::string> notes;
  /// The signal that ended it early; 0 for none.
  int interrupted_by = 0;

  /// Every run of a variant; empty when the phase was not measured.
  std::vector<double> values(std::size_t variant, const std::string& phase) const;
  /// Names of all phases, in the order of events.
  std::vector<std::string> phases() const;
};

/// The sum of all phases up to the first response.
inline constexpr const char* whole_cold_start = "cold start";
/// What REPORT calls Init Duration.
inline constexpr const char* init_phase = "runtime init";
inline constexpr const char* first_invocation = "first invocation";
inline constexpr const char* second_invocation = "second invocation";

}  // namespace emulator
