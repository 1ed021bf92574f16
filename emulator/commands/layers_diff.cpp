#include "emulator/commands/commands.hpp"
namespace emulator {
base::Result<ExitCode> run_layers_diff(const DiffCommand&) {
  return ExitCode::returned;
}
}  // namespace emulator
