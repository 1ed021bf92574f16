#pragma once

#include "base/result.hpp"
#include "emulator/command_line.hpp"

namespace emulator {

/// What the program ends with.
enum class ExitCode : int {
  returned = 0,
  function_failed = 1,
  could_not_run = 2,
  internal_error = 70,
};

/// As a shell reports what a signal ended.
inline int ended_by(int signal) {
  constexpr int shell_offset = 128;
  return shell_offset + signal;
}

base::Result<ExitCode> run_invoke(const InvokeCommand& command);
/// The exit code is the command's own, so it is a number here.
base::Result<int> run_exec(const ExecCommand& command);
base::Result<ExitCode> run_store(const StoreCommand& command);
base::Result<ExitCode> run_coldstart(const ColdstartCommand& command);
base::Result<ExitCode> run_layers_explain(const ExplainCommand& command);
base::Result<ExitCode> run_layers_check(const CheckCommand& command);
base::Result<ExitCode> run_layers_diff(const DiffCommand& command);
base::Result<ExitCode> run_layers_which(const WhichCommand& command);
base::Result<ExitCode> run_doctor(const DoctorCommand& command);

}  // namespace emulator
