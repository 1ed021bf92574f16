#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <string>

namespace emulator {

/// Where the parts of Lamina lie, seen from the running program: beside it in a build folder, in
/// ../libexec/lamina when installed.
struct Installation {
  std::string init_program;
  /// For the cold-start lab only.
  std::string file_watch_program;
  std::filesystem::path runtimes;
};

base::Result<Installation> find_installation();

/// LAMINA_HOME, else $XDG_DATA_HOME/lamina, else ~/.local/share/lamina.
base::Result<std::filesystem::path> find_store();

}  // namespace emulator
