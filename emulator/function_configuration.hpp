#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace emulator {

enum class Architecture { x86_64, arm64 };
std::string_view to_string(Architecture architecture);
Architecture host_architecture();

using EnvironmentVariables = std::vector<std::pair<std::string, std::string>>;

/// What Lambda calls a function's configuration, with the API's names; a value. Sizes in MB as the
/// API has them. Knows nothing of files: code and layers are prepared elsewhere.
struct FunctionConfiguration {
  std::string function_name = "function";
  std::string version = "$LATEST";
  std::string runtime;
  std::string handler;
  std::uint32_t memory_size = 128;
  std::chrono::seconds timeout{3};
  std::uint32_t ephemeral_storage = 512;
  Architecture architecture = Architecture::x86_64;
  EnvironmentVariables environment;
  std::string region = "us-east-1";
  std::string account_id = "123456789012";
};

std::string function_arn(const FunctionConfiguration& function);

/// Ranges of the API (developer guide, "Lambda quotas"), reserved variables and the 4 KB rule, with
/// AWS's sentences.
base::Result<void> check_configuration(const FunctionConfiguration& function);

}  // namespace emulator
