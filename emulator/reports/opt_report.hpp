#pragma once

#include "diagnosis/finding.hpp"
#include "diagnosis/package_copies.hpp"
#include "emulator/command_line.hpp"
#include "emulator/examination.hpp"
#include "emulator/terminal.hpp"

#include <string>
#include <vector>

namespace emulator {

/// How one layer fares in the merge.
struct LayerShare {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wins = 0;
  std::uint64_t shadowed = 0;
  /// Below a path that another layer hides as a whole.
  std::uint64_t lost = 0;
  /// Nothing looks for them by itself; 0 without a runtime.
  std::uint64_t not_searched = 0;
};

/// What `lamina layers explain` tells.
struct OptReport {
  const Examination* examination = nullptr;
  std::vector<LayerShare> shares;
  std::vector<diagnosis::PackageGroup> packages;
  /// Those about overrides.
  std::vector<diagnosis::Finding> findings;
  /// The paths that the command's filters let through.
  std::vector<const diagnosis::OptPath*> paths;
  std::vector<const diagnosis::LostPath*> lost;
};

OptReport make_opt_report(const Examination& examination, const ExplainCommand& command);

std::string to_text(const OptReport& report, ExplainCommand::View view, const Colours& colours);
/// Schema lamina-explain/1.
std::string to_json(const OptReport& report);

}  // namespace emulator
