#pragma once

#include "base/result.hpp"
#include "emulator/lab/lab_result.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace emulator {

/// Runs every variant `runs` times after a warm-up, taking turns so that drift meets all alike.
/// `progress` sees how many of how many cold starts are done. Blocking.
base::Result<LabResult> run_lab(const ColdstartCommand& command,
                                const std::filesystem::path& store_path, const std::string& event,
                                const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace emulator
