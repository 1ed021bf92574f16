#include "emulator/installation.hpp"

#include <unistd.h>

#include <cstdlib>

namespace emulator {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

base::Result<Installation> find_installation() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error)
    return base::Error(
        base::ErrorKind::unsupported_host,
        "host: /proc is not mounted, so Lamina cannot find its own parts. Mount it.");
  const fs::path beside = program.parent_path();
  for (const auto& [init, runtimes] :
       {std::pair(beside / "lamina-sandbox-init", beside.parent_path() / "runtimes"),
        std::pair(beside.parent_path() / "libexec/lamina/lamina-sandbox-init",
                  beside.parent_path() / "libexec/lamina/runtimes")})
    if (::access(init.c_str(), X_OK) == 0)
      return Installation{init, init.parent_path() / "lamina-file-watch", runtimes};
  return base::Error(base::ErrorKind::not_found,
                     "installation: lamina-sandbox-init is not beside \"" + program.string() +
                         "\". Build or install Lamina as a whole.");
}

base::Result<fs::path> find_store() {
  if (const std::string home = variable("LAMINA_HOME"); !home.empty()) return fs::absolute(home);
  if (const std::string data = variable("XDG_DATA_HOME"); !data.empty())
    return fs::path(data) / "lamina";
  if (const std::string home = variable("HOME"); !home.empty())
    return fs::path(home) / ".local/share/lamina";
  return base::Error(
      base::ErrorKind::invalid_argument,
      "store: none of LAMINA_HOME, XDG_DATA_HOME and HOME is set. Set LAMINA_HOME to a "
      "folder that Lamina may fill.");
}

}  // namespace emulator
