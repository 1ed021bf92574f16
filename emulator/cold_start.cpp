#include "emulator/cold_start.hpp"

#include "base/sha256.hpp"
#include "base/unique_fd.hpp"
#include "emulator/installation.hpp"
#include "emulator/sandbox_assembly.hpp"
#include "layers/limits.hpp"
#include "sandbox/host_probe.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace emulator {
namespace {

namespace fs = std::filesystem;

void record(PhaseTimeline& timeline, const layers::PreparedTree& tree) {
  timeline.add("resolve", tree.resolve_time, tree.reference);
  if (tree.verify_time.count() > 0) timeline.add("verify", tree.verify_time, tree.reference);
  if (tree.extract_time.count() > 0) timeline.add("extract", tree.extract_time, tree.reference);
}

Credentials credentials_of_this_shell() {
  // A function on AWS always has credentials. Here it gets those that the shell exports for it, or
  // recognisable ones that no service accepts.
  const auto variable = [](const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr && *value != 0 ? value : otherwise);
  };
  return {variable("AWS_ACCESS_KEY_ID", "LAMINALOCALACCESSKEY"),
          variable("AWS_SECRET_ACCESS_KEY", "lamina-local-secret-access-key"),
          variable("AWS_SESSION_TOKEN", "lamina-local-session-token")};
}

/// overlayfs in a user namespace came with Linux 5.11.
layers::OptMode best_opt_mode() {
  if (::geteuid() == 0) return layers::OptMode::overlay;
  utsname name{};
  int major = 0;
  int minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2)
    return layers::OptMode::copy;
  return major > 5 || (major == 5 && minor >= 11) ? layers::OptMode::overlay
                                                  : layers::OptMode::copy;
}

std::string resolver_configuration() {
  constexpr std::size_t limit = 64 * 1024;
  auto text = base::read_file("/etc/resolv.conf", limit);
  return text ? std::move(*text) : std::string();
}

/// Identifies the program and the bootstrap that serve a managed runtime, in the form of AWS's
/// runtime version ARN: another interpreter gives another ARN.
std::string version_arn(const FunctionConfiguration& function, const RuntimeSupport& runtime) {
  struct stat status{};
  ::stat(runtime.interpreter.c_str(), &status);
  const std::string identity = runtime.identifier + "\n" + runtime.interpreter.string() + "\n" +
                               std::to_string(status.st_size) + "\n" +
                               std::to_string(status.st_mtim.tv_sec) + "\n" LAMINA_VERSION;
  return "arn:aws:lambda:" + function.region + "::runtime:" + base::sha256(identity).hex();
}

void name_runtime_version(ExecutionEnvironment::Plan& plan, const RuntimeSupport& runtime) {
  if (runtime.family == RuntimeFamily::provided) return;
  const char* language = runtime.family == RuntimeFamily::python ? "python:" : "nodejs:";
  plan.runtime_version = language + runtime.version;
  plan.runtime_version_arn = version_arn(plan.function, runtime);
}

}  // namespace

Memory memory_of(layers::LayerStore& store) {
  return {[&store](const std::string& key) { return store.remembered(key); },
          [&store](const std::string& key, const std::string& text) { store.remember(key, text); }};
}

base::Result<layers::PreparedTree> prepare_layer(const std::string& reference,
                                                 layers::LayerStore& store,
                                                 layers::ExtractionProgress* progress) {
  if (reference.starts_with("arn:"))
    return base::Error(base::ErrorKind::invalid_argument,
                       "layer \"" + reference +
                           "\": it is the ARN of a published layer version, and Lamina does not "
                           "fetch those. Give its archive (aws lambda get-layer-version-by-arn "
                           "tells where it is).");
  return store.prepare(reference, layers::PackageKind::layer, progress);
}

base::Result<PreparedFunction> prepare_function(const FunctionSelection& selection,
                                                layers::LayerStore& store,
                                                layers::ExtractionProgress* progress) {
  TRY(check_configuration(selection.function));
  TRY(layers::check_layer_count(selection.layers.size()));
  TRY_ASSIGN(const Installation installation, find_installation());
  PreparedFunction prepared;
  SandboxParts parts;
  TRY_ASSIGN(parts.runtime, find_runtime(selection.function.runtime, memory_of(store)));

  if (!selection.code.empty()) {
    TRY_ASSIGN(prepared.code, store.prepare(selection.code, layers::PackageKind::code, progress));
    record(prepared.timeline, prepared.code);
  }
  for (const std::string& reference : selection.layers) {
    TRY_ASSIGN(layers::PreparedTree layer, prepare_layer(reference, store, progress));
    record(prepared.timeline, layer);
    prepared.layers.push_back(std::move(layer));
  }
  TRY(layers::check_package_set(prepared.layers, &prepared.code));
  TRY_ASSIGN(prepared.opt, layers::compose_opt(prepared.layers, store,
                                               selection.opt_mode.value_or(best_opt_mode())));
  prepared.timeline.add("compose", prepared.opt.compose_time);

  // From here on no archive is opened: only trees and values.
  parts.code = prepared.code.tree;
  parts.opt_lowers = prepared.opt.lowers;
  parts.runtimes = installation.runtimes;
  parts.covered = host_package_folders();
  parts.system = sandbox::system_steps();
  parts.network = selection.network;
  parts.ids = sandbox::identity_of_this_user();
  parts.resolv_conf = resolver_configuration();

  ExecutionEnvironment::Plan& plan = prepared.plan;
  plan.function = selection.function;
  plan.bootstrap = find_bootstrap(parts);
  plan.sandbox = assemble_sandbox(selection.function, parts);
  plan.credentials = credentials_of_this_shell();
  plan.init_program = installation.init_program;
  name_runtime_version(plan, parts.runtime);
  return prepared;
}

}  // namespace emulator
