#include "emulator/sandbox_assembly.hpp"

#include <sys/resource.h>

#include <limits>

namespace emulator {
namespace {

namespace fs = std::filesystem;
using sandbox::MountStep;

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t megabyte = 1024 * 1024;

/// As measured on AWS; docs speak of 1,024 processes and threads, the limit found is 742.
std::vector<sandbox::ResourceLimit> aws_limits() {
  return {
      {RLIMIT_NOFILE, 1024, 1024},
      {RLIMIT_NPROC, 742, 742},
      {RLIMIT_CORE, 10'737'418'240, 10'737'418'240},
      {RLIMIT_MEMLOCK, 65'536, 65'536},
      {RLIMIT_STACK, 8'388'608, unlimited},
  };
}

void add_identity_files(std::vector<MountStep>& steps, const SandboxParts& parts) {
  steps.push_back(
      sandbox::write_file("/etc/passwd",
                          "root:x:0:0:root:/root:/bin/bash\n"
                          "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"));
  steps.push_back(sandbox::write_file("/etc/group", "root:x:0:\nsbx_user1051:x:990:\n"));
  steps.push_back(sandbox::write_file("/etc/hosts",
                                      "127.0.0.1 localhost sandbox.localdomain sandbox\n"
                                      "::1 localhost\n"));
  steps.push_back(
      sandbox::write_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"));
  if (parts.network == sandbox::Network::host && !parts.resolv_conf.empty())
    steps.push_back(sandbox::write_file("/etc/resolv.conf", parts.resolv_conf));
}

void add_opt(std::vector<MountStep>& steps, const std::vector<fs::path>& lowers) {
  if (lowers.empty()) {
    steps.push_back(sandbox::make_directory("/opt"));
  } else if (lowers.size() == 1) {
    steps.push_back(sandbox::bind_read_only(lowers.front(), "/opt"));
  } else {
    std::vector<std::string> paths;
    for (const fs::path& lower : lowers) paths.push_back(lower);
    steps.push_back(sandbox::mount_overlay(std::move(paths), "/opt"));
  }
}

/// The interpreter gets AWS's prefix: Python finds its library from where its program lies.
void add_python(std::vector<MountStep>& steps, const SandboxParts& parts) {
  const RuntimeSupport& runtime = parts.runtime;
  const std::string program = "/var/lang/bin/python" + runtime.version;
  const std::string library = "/var/lang/lib/python" + runtime.version;
  steps.push_back(sandbox::bind_read_only(runtime.interpreter, program));
  for (const char* name : {"/var/lang/bin/python3", "/var/lang/bin/python"})
    steps.push_back(sandbox::make_link(name, "python" + runtime.version));
  for (const fs::path& shared : runtime.libraries)
    steps.push_back(sandbox::bind_read_only(shared, "/var/lang/lib" / shared.filename()));
  // Debian's library folder has no site-packages; the second lower brings the mount point.
  steps.push_back(sandbox::mount_overlay(
      {parts.runtimes / "python-library", runtime.standard_library}, library));
  steps.push_back(sandbox::cover_directory(library + "/site-packages"));
  for (const fs::path& part : runtime.bundled)
    steps.push_back(
        sandbox::bind_read_only(part, library + "/site-packages/" + part.filename().string()));
  steps.push_back(sandbox::bind_read_only(parts.runtimes / "python", "/var/runtime"));
}

void add_nodejs(std::vector<MountStep>& steps, const SandboxParts& parts) {
  steps.push_back(sandbox::bind_read_only(parts.runtime.interpreter, "/var/lang/bin/node"));
  steps.push_back(sandbox::bind_read_only(parts.runtimes / "nodejs", "/var/runtime"));
  if (parts.runtime.bundled.empty()) return;
  steps.push_back(sandbox::cover_directory("/var/runtime/node_modules"));
  for (const fs::path& scope : parts.runtime.bundled)
    steps.push_back(
        sandbox::bind_read_only(scope, "/var/runtime/node_modules/" + scope.filename().string()));
}

bool is_program_file(const fs::path& path) {
  std::error_code error;
  const auto type = fs::symlink_status(path, error).type();
  return type != fs::file_type::not_found && type != fs::file_type::none &&
         type != fs::file_type::directory;
}

}  // namespace

sandbox::SandboxSpec assemble_sandbox(const FunctionConfiguration& function,
                                      const SandboxParts& parts) {
  sandbox::SandboxSpec spec;
  spec.steps = parts.system;
  add_identity_files(spec.steps, parts);
  for (const fs::path& folder : parts.covered)
    spec.steps.push_back(sandbox::cover_directory(folder));
  switch (parts.runtime.family) {
    case RuntimeFamily::python:
      add_python(spec.steps, parts);
      break;
    case RuntimeFamily::nodejs:
      add_nodejs(spec.steps, parts);
      break;
    case RuntimeFamily::provided:
      spec.steps.push_back(sandbox::make_directory("/var/runtime"));
      break;
  }
  add_opt(spec.steps, parts.opt_lowers);
  spec.steps.push_back(parts.code.empty() ? sandbox::make_directory("/var/task")
                                          : sandbox::bind_read_only(parts.code, "/var/task"));
  spec.steps.push_back(sandbox::mount_tmpfs("/tmp", function.ephemeral_storage * megabyte, 01777));

  spec.network = parts.network;
  if (parts.network == sandbox::Network::none) {
    spec.listen_address = private_api_address;
    spec.listen_port = private_api_port;
  }
  spec.hostname = "sandbox";
  spec.ids = parts.ids;
  spec.process_uid = sandbox_uid;
  spec.process_gid = sandbox_gid;
  spec.limits = aws_limits();
  return spec;
}

std::optional<std::string> find_bootstrap(const SandboxParts& parts) {
  if (parts.runtime.family != RuntimeFamily::provided) return "/var/runtime/bootstrap";
  if (is_program_file(parts.code / "bootstrap")) return "/var/task/bootstrap";
  for (const fs::path& lower : parts.opt_lowers)
    if (is_program_file(lower / "bootstrap")) return "/opt/bootstrap";
  return std::nullopt;
}

}  // namespace emulator
