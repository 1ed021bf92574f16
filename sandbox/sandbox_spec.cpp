#include "sandbox/sandbox_spec.hpp"

#include <cstdio>
#include <utility>

namespace sandbox {
namespace {

std::string octal(std::uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

std::string to_string(const MountStep& step) {
  std::string line;
  switch (step.kind) {
    case StepKind::directory:
      line = "directory " + step.target + " " + octal(step.mode);
      break;
    case StepKind::file:
      line = "file " + step.target + " " + octal(step.mode) + " " +
             std::to_string(step.source.size()) + " bytes";
      break;
    case StepKind::link:
      line = "link " + step.target + " -> " + step.source;
      break;
    case StepKind::bind:
      line = "bind " + step.source + " on " + step.target + (step.read_only ? " ro" : " rw") +
             (step.devices ? " dev" : "");
      break;
    case StepKind::overlay:
      line = "overlay on " + step.target + " ro of";
      for (const std::string& lower : step.lowers) line += " " + lower;
      break;
    case StepKind::tmpfs:
      line = "tmpfs on " + step.target + " " + octal(step.mode) + " " + std::to_string(step.size) +
             " bytes" + (step.read_only ? " ro" : " rw");
      break;
    case StepKind::proc:
      line = "proc on " + step.target;
      break;
  }
  return step.optional ? line + " if present" : line;
}

}  // namespace

MountStep make_directory(std::string target, std::uint32_t mode) {
  MountStep step;
  step.target = std::move(target);
  step.mode = mode;
  return step;
}

MountStep write_file(std::string target, std::string content, std::uint32_t mode) {
  MountStep step = make_directory(std::move(target), mode);
  step.kind = StepKind::file;
  step.source = std::move(content);
  return step;
}

MountStep make_link(std::string target, std::string to) {
  MountStep step = make_directory(std::move(target));
  step.kind = StepKind::link;
  step.source = std::move(to);
  return step;
}

MountStep bind_read_only(std::string source, std::string target) {
  MountStep step = make_directory(std::move(target));
  step.kind = StepKind::bind;
  step.source = std::move(source);
  return step;
}

MountStep bind_device(std::string path) {
  MountStep step = bind_read_only(path, path);
  step.read_only = false;
  step.devices = true;
  return step;
}

MountStep mount_overlay(std::vector<std::string> lowers, std::string target) {
  MountStep step = make_directory(std::move(target));
  step.kind = StepKind::overlay;
  step.lowers = std::move(lowers);
  return step;
}

MountStep mount_tmpfs(std::string target, std::uint64_t size, std::uint32_t mode) {
  MountStep step = make_directory(std::move(target), mode);
  step.kind = StepKind::tmpfs;
  step.size = size;
  step.read_only = false;
  return step;
}

MountStep cover_directory(std::string target) {
  constexpr std::uint64_t size = 1 << 20;
  MountStep step = mount_tmpfs(std::move(target), size, 0755);
  step.read_only = true;
  return step;
}

MountStep mount_proc(std::string target) {
  MountStep step = make_directory(std::move(target));
  step.kind = StepKind::proc;
  step.read_only = false;
  return step;
}

MountStep if_present(MountStep step) {
  step.optional = true;
  return step;
}

std::string to_string(const SandboxSpec& spec) {
  std::string text;
  for (const MountStep& step : spec.steps) text += to_string(step) + "\n";
  text += "hostname " + spec.hostname + "\n";
  text += spec.network == Network::none ? "network none, listening on " + spec.listen_address +
                                              ":" + std::to_string(spec.listen_port) + "\n"
                                        : "network host\n";
  text += "processes run as " + std::to_string(spec.process_uid) + ":" +
          std::to_string(spec.process_gid) + "\n";
  return text;
}

}  // namespace sandbox
