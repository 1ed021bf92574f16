#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace emulator {

enum class RuntimeFamily { provided, python, nodejs };

/// A runtime that this host can serve: Lambda's identifier and where the host keeps the
/// interpreter. `provided.*` has none: the function brings its bootstrap.
struct RuntimeSupport {
  std::string identifier;  ///< "python3.11", "nodejs20.x", "provided.al2023"
  RuntimeFamily family = RuntimeFamily::provided;
  /// Python "3.11", Node.js "20".
  std::string version;
  std::filesystem::path interpreter;             ///< real path of the program
  std::filesystem::path standard_library;        ///< Python: the folder with os.py
  std::vector<std::filesystem::path> libraries;  ///< Python: libpython's shared objects, if any
  /// What AWS bundles with the runtime and this host has: boto3 and its dependencies, or the
  /// scopes of AWS SDK v3. Files and folders by the name they get inside.
  std::vector<std::filesystem::path> bundled;
};

/// Small texts kept between runs by key, so that no interpreter is started to ask its version.
struct Memory {
  std::function<std::string(const std::string&)> recall;
  std::function<void(const std::string&, const std::string&)> remember;
};

/// Every Python 3 and Node.js that this host has (PATH, /usr, /usr/local, pyenv, uv, nvm), one for
/// each Lambda identifier, and the provided runtimes.
std::vector<RuntimeSupport> find_runtimes(const Memory& memory);

/// The one with this identifier, or an error that lists what is there.
base::Result<RuntimeSupport> find_runtime(const std::string& identifier, const Memory& memory);

/// Folders in which the host keeps packages of its own. They are covered in the sandbox, so that
/// nothing works here only because this machine has it.
std::vector<std::filesystem::path> host_package_folders();

}  // namespace emulator
