#include "emulator/sandbox_assembly.hpp"

#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

using namespace emulator;

namespace {

SandboxParts parts_of(RuntimeFamily family) {
  SandboxParts parts;
  parts.code = "/code";
  parts.runtimes = "/lamina/runtimes";
  parts.runtime.family = family;
  parts.runtime.version = family == RuntimeFamily::nodejs ? "20" : "3.13";
  parts.runtime.interpreter = "/host/bin/interpreter";
  parts.runtime.standard_library = "/host/lib/python3.13";
  return parts;
}

std::string plan_of(const SandboxParts& parts) {
  return sandbox::to_string(assemble_sandbox(FunctionConfiguration(), parts));
}

bool has(const std::string& plan, const std::string& line) {
  return ("\n" + plan).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("code, /opt and the runtime are read-only, /tmp is not and has its size") {
  SandboxParts parts = parts_of(RuntimeFamily::provided);
  parts.opt_lowers = {"/store/a"};
  const std::string plan = plan_of(parts);
  CHECK(has(plan, "bind /code on /var/task ro"));
  CHECK(has(plan, "bind /store/a on /opt ro"));
  CHECK(has(plan, "directory /var/runtime 0755"));
  CHECK(has(plan, "tmpfs on /tmp 1777 536870912 bytes rw"));
}

TEST_CASE("/opt is an empty folder, a bind or an overlay in the order of the layers") {
  SandboxParts parts = parts_of(RuntimeFamily::provided);
  CHECK(has(plan_of(parts), "directory /opt 0755"));
  parts.opt_lowers = {"/store/a", "/store/b", "/store/c"};
  CHECK(has(plan_of(parts), "overlay on /opt ro of /store/a /store/b /store/c"));
}

TEST_CASE("Python gets AWS's prefix, and site-packages holds only what AWS bundles") {
  SandboxParts parts = parts_of(RuntimeFamily::python);
  parts.runtime.bundled = {"/host/packages/boto3"};
  const std::string plan = plan_of(parts);
  CHECK(has(plan, "bind /host/bin/interpreter on /var/lang/bin/python3.13 ro"));
  CHECK(has(plan, "bind /lamina/runtimes/python on /var/runtime ro"));
  CHECK(has(plan, "tmpfs on /var/lang/lib/python3.13/site-packages 0755 1048576 bytes ro"));
  CHECK(has(plan, "bind /host/packages/boto3 on /var/lang/lib/python3.13/site-packages/boto3 ro"));
  CHECK(plan.find("site-packages 0755") < plan.find("site-packages/boto3"));
}

TEST_CASE("Node.js gets its program, its bootstrap and the SDK only where the host has it") {
  SandboxParts parts = parts_of(RuntimeFamily::nodejs);
  CHECK(has(plan_of(parts), "bind /host/bin/interpreter on /var/lang/bin/node ro"));
  CHECK(plan_of(parts).find("/var/runtime/node_modules") == std::string::npos);
  parts.runtime.bundled = {"/host/node_modules/@aws-sdk"};
  CHECK(has(plan_of(parts),
            "bind /host/node_modules/@aws-sdk on /var/runtime/node_modules/@aws-sdk ro"));
}

TEST_CASE("the host's package folders are covered") {
  SandboxParts parts = parts_of(RuntimeFamily::provided);
  parts.covered = {"/usr/lib/python3/dist-packages"};
  CHECK(plan_of(parts).find("tmpfs on /usr/lib/python3/dist-packages 0755") != std::string::npos);
}

TEST_CASE("processes run as AWS's user, whoever owns the files") {
  CHECK(has(plan_of(parts_of(RuntimeFamily::provided)), "processes run as 993:990"));
}

TEST_CASE("without a network the Runtime API has AWS's address, and there is no resolver") {
  SandboxParts parts = parts_of(RuntimeFamily::provided);
  parts.resolv_conf = "nameserver 192.0.2.1\n";
  CHECK(plan_of(parts).find("/etc/resolv.conf") != std::string::npos);
  parts.network = sandbox::Network::none;
  CHECK(has(plan_of(parts), "network none, listening on 169.254.100.1:9001"));
  CHECK(plan_of(parts).find("/etc/resolv.conf") == std::string::npos);
}

TEST_CASE("bootstrap is looked for in the code, then in the layers; a folder is none") {
  const test_support::ScratchFolder scratch;
  const auto folder = [&](const char* name) {
    const std::filesystem::path path = scratch.path() / name;
    std::filesystem::create_directories(path);
    return path;
  };
  SandboxParts parts = parts_of(RuntimeFamily::provided);
  parts.code = folder("code");
  parts.opt_lowers = {folder("layer")};
  CHECK_FALSE(find_bootstrap(parts));
  folder("code/bootstrap");
  std::ofstream(parts.opt_lowers[0] / "bootstrap") << "#!/bin/sh\n";
  CHECK(find_bootstrap(parts) == "/opt/bootstrap");
  std::filesystem::remove(parts.code / "bootstrap");
  std::ofstream(parts.code / "bootstrap") << "#!/bin/sh\n";
  CHECK(find_bootstrap(parts) == "/var/task/bootstrap");
  CHECK(find_bootstrap(parts_of(RuntimeFamily::python)) == "/var/runtime/bootstrap");
}
