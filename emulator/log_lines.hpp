#pragma once

#include "emulator/function_configuration.hpp"
#include "emulator/invocation_outcome.hpp"

#include <string>

namespace emulator {

/// The platform's lines of the text log format, byte for byte with their newline (AWS's form; tabs
/// between fields and one before the end of REPORT). Pure.
std::string init_start_line(const std::string& runtime_version, const std::string& version_arn);
std::string init_report_line(const InitOutcome& init, const std::string& phase);
std::string start_line(const std::string& request_id, const std::string& version);
std::string end_line(const std::string& request_id);
std::string report_line(const FunctionConfiguration& function, const InvocationOutcome& outcome);

/// Lambda bills whole milliseconds of initialisation and duration together.
std::uint64_t billed_milliseconds(const InvocationOutcome& outcome);
/// Rounded up, and never above what the function has: the kernel may overshoot by its batches.
std::uint64_t memory_megabytes(std::uint64_t bytes, const FunctionConfiguration& function);

}  // namespace emulator
