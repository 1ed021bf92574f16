#include "emulator/cold_start.hpp"
#include "emulator/commands/commands.hpp"
#include "emulator/installation.hpp"
#include "emulator/terminal.hpp"
#include "layers/layer_store.hpp"
#include "sandbox/host_probe.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace emulator {
namespace {

using sandbox::Capability;

std::string bundled_text(const RuntimeSupport& runtime) {
  const bool python = runtime.family == RuntimeFamily::python;
  if (!runtime.bundled.empty()) return python ? "boto3: yes" : "AWS SDK v3: yes";
  return python
             ? "boto3: no (AWS bundles it; install the package python3-boto3 for the system's "
               "Python)"
             : "AWS SDK v3: no (AWS bundles it; npm install --global @aws-sdk/client-s3 and so on)";
}

Capability describe(const RuntimeSupport& runtime) {
  Capability row;
  row.name = runtime.identifier;
  row.available = true;
  row.detail = runtime.family == RuntimeFamily::provided
                   ? "the function or a layer brings bootstrap"
                   : runtime.interpreter.string() + ", " + bundled_text(runtime);
  return row;
}

void print(const std::vector<Capability>& rows) {
  for (const Capability& row : rows) {
    print_result(fmt::format("{}  {:<20} {}\n",
                             row.available  ? "yes"
                             : row.required ? "NO "
                                            : "no ",
                             row.name, row.detail));
    if (!row.remedy.empty()) print_result(fmt::format("{:>26}{}\n", "", row.remedy));
  }
}

nlohmann::ordered_json to_json(const std::vector<Capability>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Capability& row : rows)
    list.push_back({{"name", row.name},
                    {"available", row.available},
                    {"required", row.required},
                    {"detail", row.detail},
                    {"remedy", row.remedy}});
  return list;
}

}  // namespace

base::Result<ExitCode> run_doctor(const DoctorCommand& command) {
  const auto installation = find_installation();
  const std::vector<Capability> host = sandbox::probe_host(
      installation ? installation->init_program : std::string("lamina-sandbox-init"));
  TRY_ASSIGN(const auto root, find_store());
  TRY_ASSIGN(layers::LayerStore store, layers::LayerStore::open(root));
  std::vector<Capability> runtimes;
  for (const RuntimeSupport& runtime : find_runtimes(memory_of(store)))
    runtimes.push_back(describe(runtime));

  bool healthy = true;
  for (const Capability& row : host) healthy = healthy && (row.available || !row.required);
  if (command.json) {
    nlohmann::ordered_json document;
    document["schemaVersion"] = 1;
    document["healthy"] = healthy;
    document["host"] = to_json(host);
    document["runtimes"] = to_json(runtimes);
    document["store"] = root.string();
    print_result(document.dump(2) + "\n");
  } else {
    print_result("Host\n");
    print(host);
    print_result("\nRuntimes\n");
    print(runtimes);
    print_result("\nStore  " + root.string() + "\n");
    print_result(healthy ? "\nThis host can run functions.\n"
                         : "\nThis host cannot run functions yet: see the lines with NO.\n");
  }
  return healthy ? ExitCode::returned : ExitCode::could_not_run;
}

}  // namespace emulator
