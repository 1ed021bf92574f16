#include "emulator/runtime_catalogue.hpp"

#include "base/unique_fd.hpp"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <sstream>

namespace emulator {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

constexpr std::array provided_identifiers = {"provided.al2023", "provided.al2"};

std::vector<fs::path> folders_in(const fs::path& parent) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) found.push_back(entry.path());
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

/// Program folders in order of preference.
std::vector<fs::path> program_folders() {
  std::vector<fs::path> folders;
  const char* path = std::getenv("PATH");
  std::istringstream list(path != nullptr ? path : "");
  for (std::string folder; std::getline(list, folder, ':');)
    if (!folder.empty() && folder.front() == '/') folders.emplace_back(folder);
  for (const char* folder : {"/usr/bin", "/usr/local/bin"}) folders.emplace_back(folder);
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == 0) return folders;
  const fs::path user(home);
  for (const fs::path& versions :
       {user / ".pyenv/versions", user / ".local/share/uv/python", user / ".nvm/versions/node"})
    for (const fs::path& version : folders_in(versions)) folders.push_back(version / "bin");
  return folders;
}

/// The real path, if it is a program for this machine and not a script that picks one (pyenv's and
/// nvm's shims are).
std::optional<fs::path> real_program(const fs::path& path) {
  if (::access(path.c_str(), X_OK) != 0) return std::nullopt;
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) return std::nullopt;
  auto file = base::open_read_only(real);
  char magic[4] = {};
  if (!file || ::read(file->get(), magic, sizeof magic) != sizeof magic ||
      std::string_view(magic, sizeof magic) !=
          "\x7f"
          "ELF")
    return std::nullopt;
  return real;
}

/// What `program --version` prints, at most a line; empty when it fails.
std::string ask_version(const fs::path& program) {
  auto pipe = base::make_pipe();
  if (!pipe) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe->second.get(), 1);
  std::string name = program.string();
  std::string flag = "--version";
  char* arguments[] = {name.data(), flag.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawn(&child, name.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  pipe->second.reset();
  if (error != 0) return {};
  char text[64] = {};
  const ssize_t count = ::read(pipe->first.get(), text, sizeof text - 1);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : std::string();
}

/// "20" for a program that calls itself v20.20.2; remembered by the file's identity.
std::string node_major(const fs::path& program, const Memory& memory) {
  struct stat status{};
  if (::stat(program.c_str(), &status) != 0) return {};
  const std::string key =
      "node-version:" + program.string() + ":" + std::to_string(status.st_size) + ":" +
      std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
  if (std::string known = memory.recall(key); !known.empty()) return known;
  const std::string answer = ask_version(program);
  if (answer.size() < 2 || answer[0] != 'v') return {};
  const std::string major = answer.substr(1, answer.find('.') - 1);
  memory.remember(key, major);
  return major;
}

bool is_boto_part(const std::string& name) {
  static constexpr std::array packages = {"boto3",    "botocore", "s3transfer", "jmespath",
                                          "dateutil", "six.py",   "urllib3"};
  static constexpr std::array metadata = {
      "boto3-", "botocore-", "s3transfer-", "jmespath-", "python_dateutil-", "six-", "urllib3-"};
  if (std::find(packages.begin(), packages.end(), name) != packages.end()) return true;
  return (name.ends_with(".dist-info") || name.ends_with(".egg-info")) &&
         std::any_of(metadata.begin(), metadata.end(),
                     [&](const char* prefix) { return name.starts_with(prefix); });
}

std::vector<fs::path> bundled_boto(const fs::path& prefix, const std::string& version) {
  const std::string folder = "python" + version;
  for (const fs::path& packages :
       {prefix / "lib/python3/dist-packages", prefix / "lib" / folder / "site-packages",
        prefix / "local/lib" / folder / "dist-packages"}) {
    std::error_code error;
    if (!fs::is_directory(packages / "boto3", error)) continue;
    std::vector<fs::path> parts;
    for (const auto& entry : fs::directory_iterator(packages, error))
      if (is_boto_part(entry.path().filename())) parts.push_back(entry.path());
    std::sort(parts.begin(), parts.end());
    return parts;
  }
  return {};
}

std::vector<fs::path> bundled_sdk(const fs::path& interpreter) {
  const fs::path prefix = interpreter.parent_path().parent_path();
  for (const fs::path& modules :
       {prefix / "lib/node_modules", fs::path("/usr/local/lib/node_modules"),
        fs::path("/usr/share/nodejs")}) {
    std::error_code error;
    if (!fs::is_directory(modules / "@aws-sdk", error)) continue;
    std::vector<fs::path> parts;
    for (const char* scope : {"@aws-sdk", "@smithy", "@aws-crypto"})
      if (fs::is_directory(modules / scope, error)) parts.push_back(modules / scope);
    return parts;
  }
  return {};
}

std::optional<RuntimeSupport> python_at(const fs::path& path, const std::string& version) {
  const auto program = real_program(path);
  if (!program) return std::nullopt;
  RuntimeSupport support;
  support.identifier = "python" + version;
  support.family = RuntimeFamily::python;
  support.version = version;
  support.interpreter = *program;
  const fs::path prefix = program->parent_path().parent_path();
  support.standard_library = prefix / "lib" / ("python" + version);
  std::error_code error;
  if (!fs::exists(support.standard_library / "os.py", error)) return std::nullopt;
  for (const char* suffix : {".so", ".so.1.0"}) {
    const fs::path library = prefix / "lib" / ("libpython" + version + suffix);
    if (fs::exists(library, error)) support.libraries.push_back(library);
  }
  support.bundled = bundled_boto(prefix, version);
  return support;
}

std::optional<RuntimeSupport> node_at(const fs::path& path, const Memory& memory) {
  const auto program = real_program(path);
  if (!program) return std::nullopt;
  RuntimeSupport support;
  support.family = RuntimeFamily::nodejs;
  support.version = node_major(*program, memory);
  if (support.version.empty()) return std::nullopt;
  support.identifier = "nodejs" + support.version + ".x";
  support.interpreter = *program;
  support.bundled = bundled_sdk(*program);
  return support;
}

/// "3.11" for "python3.11"; empty for another name, and for versions before 3.8, which our
/// bootstrap does not run on and AWS no longer offers.
std::string python_version_in(const std::string& name) {
  constexpr std::string_view prefix = "python3.";
  if (!name.starts_with(prefix) || name.size() > prefix.size() + 2) return {};
  const std::string minor = name.substr(prefix.size());
  const bool digits = !minor.empty() && std::all_of(minor.begin(), minor.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
  constexpr int oldest = 8;
  return digits && std::stoi(minor) >= oldest ? "3." + minor : std::string();
}

RuntimeSupport provided(const std::string& identifier) {
  RuntimeSupport support;
  support.identifier = identifier;
  return support;
}

std::string joined_identifiers(const std::vector<RuntimeSupport>& runtimes) {
  std::string all;
  for (const RuntimeSupport& runtime : runtimes)
    all += (all.empty() ? "" : ", ") + runtime.identifier;
  return all;
}

}  // namespace

std::vector<RuntimeSupport> find_runtimes(const Memory& memory) {
  std::map<std::string, RuntimeSupport> found;
  for (const fs::path& folder : program_folders()) {
    std::error_code error;
    if (const auto node = node_at(folder / "node", memory))
      found.try_emplace(node->identifier, *node);
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string version = python_version_in(entry.path().filename());
      if (version.empty() || found.contains("python" + version)) continue;
      if (const auto python = python_at(entry.path(), version))
        found.try_emplace(python->identifier, *python);
    }
  }
  std::vector<RuntimeSupport> runtimes;
  for (auto& [identifier, support] : found) runtimes.push_back(std::move(support));
  for (const char* identifier : provided_identifiers) runtimes.push_back(provided(identifier));
  return runtimes;
}

base::Result<RuntimeSupport> find_runtime(const std::string& identifier, const Memory& memory) {
  for (const char* known : provided_identifiers)
    if (identifier == known) return provided(identifier);
  if (const std::string version = python_version_in(identifier); !version.empty()) {
    for (const fs::path& folder : program_folders())
      if (auto python = python_at(folder / identifier, version)) return *python;
  } else if (identifier.starts_with("nodejs")) {
    for (const fs::path& folder : program_folders())
      if (auto node = node_at(folder / "node", memory); node && node->identifier == identifier)
        return *node;
  }
  return Error(ErrorKind::not_found,
               "runtime: this host has no " +
                   (identifier.empty() ? "runtime of that name" : "\"" + identifier + "\"") +
                   ". Install its interpreter, or give --runtime one of: " +
                   joined_identifiers(find_runtimes(memory)) + ".");
}

std::vector<fs::path> host_package_folders() {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    std::error_code error;
    // An empty folder hides nothing, and each cover is a mount in every cold start.
    if (fs::is_directory(fs::symlink_status(folder, error)) && !fs::is_empty(folder, error))
      folders.push_back(folder);
  };
  for (const char* library : {"/usr/lib", "/usr/local/lib"}) {
    add(fs::path(library) / "node_modules");
    add(fs::path(library) / "nodejs");
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(library, error)) {
      if (!entry.path().filename().string().starts_with("python")) continue;
      add(entry.path() / "site-packages");
      add(entry.path() / "dist-packages");
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace emulator
