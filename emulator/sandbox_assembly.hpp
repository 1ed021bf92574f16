#pragma once

#include "emulator/function_configuration.hpp"
#include "emulator/runtime_catalogue.hpp"
#include "sandbox/sandbox_spec.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace emulator {

/// uid and gid of AWS's sbx_user1051, as introspected on AWS.
inline constexpr std::uint32_t sandbox_uid = 993;
inline constexpr std::uint32_t sandbox_gid = 990;
inline constexpr const char* private_api_address = "169.254.100.1";
inline constexpr std::uint16_t private_api_port = 9001;

/// Everything that the sandbox of one environment is made of; paths on the host.
struct SandboxParts {
  std::filesystem::path code;
  /// What to mount on /opt, bottom first.
  std::vector<std::filesystem::path> opt_lowers;
  RuntimeSupport runtime;
  /// Folder of Lamina's own bootstraps.
  std::filesystem::path runtimes;
  std::vector<std::filesystem::path> covered;
  std::vector<sandbox::MountStep> system;
  sandbox::Network network = sandbox::Network::host;
  sandbox::IdMap ids;
  std::string resolv_conf;
};

/// What a function sees, in AWS's places. Pure: the result can be printed and tested.
sandbox::SandboxSpec assemble_sandbox(const FunctionConfiguration& function,
                                      const SandboxParts& parts);

/// Where the runtime's program is, inside: /var/runtime/bootstrap for managed runtimes, else the
/// function's or a layer's own. Nothing when a provided runtime has none.
std::optional<std::string> find_bootstrap(const SandboxParts& parts);

}  // namespace emulator
