#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sandbox {

/// One act that builds the file system inside, in order. Plain data, so that it can be printed and
/// compared in a test; only lamina-sandbox-init carries it out.
enum class StepKind : std::uint8_t {
  directory,  ///< make `target` with `mode`
  file,       ///< write `source` as the content of `target` with `mode`
  link,       ///< symbolic link at `target` to `source`
  bind,       ///< the host's `source` at `target`
  overlay,    ///< the host's `lowers` (bottom first) as one read-only overlayfs at `target`
  tmpfs,      ///< an empty memory file system of `size` bytes with `mode` at `target`
  proc,       ///< procfs of the new PID namespace at `target`
};

struct MountStep {
  StepKind kind = StepKind::directory;
  std::string target;
  std::string source;
  std::vector<std::string> lowers;
  std::uint32_t mode = 0755;
  std::uint64_t size = 0;
  /// For tmpfs: made read-only after the last step.
  bool read_only = true;
  /// Device files work on this mount (for /dev/null and its like).
  bool devices = false;
  /// When the source is missing on the host: skip the step instead of failing.
  bool optional = false;
};

MountStep make_directory(std::string target, std::uint32_t mode = 0755);
MountStep write_file(std::string target, std::string content, std::uint32_t mode = 0644);
MountStep make_link(std::string target, std::string to);
MountStep bind_read_only(std::string source, std::string target);
MountStep bind_device(std::string path);
MountStep mount_overlay(std::vector<std::string> lowers, std::string target);
MountStep mount_tmpfs(std::string target, std::uint64_t size, std::uint32_t mode);
/// An empty folder over `target`; later steps may put things into it, then it is sealed.
MountStep cover_directory(std::string target);
MountStep mount_proc(std::string target);
MountStep if_present(MountStep step);

enum class Network : std::uint8_t {
  host,  ///< the host's network
  none,  ///< a private network namespace: loopback and `listen_address` on it
};

/// How the ids inside come to be.
enum class Identity : std::uint8_t {
  root,      ///< we are root: no user namespace, real ids
  two_ids,   ///< user namespace; we are root inside, the process user is a subordinate id
  single_id  ///< user namespace; the process user is ourselves, the only id that can be mapped
};

struct IdMap {
  Identity identity = Identity::single_id;
  std::uint32_t outer_uid = 0;
  std::uint32_t outer_gid = 0;
  /// two_ids: what the process user is outside.
  std::uint32_t subordinate_uid = 0;
  std::uint32_t subordinate_gid = 0;
};

struct ResourceLimit {
  int resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// A value to write into a control file.
struct ControlFile {
  std::string path;
  std::string value;
};

/// cgroups that lamina-sandbox-init makes before anything runs and removes after everything inside
/// has died. It does both because it outlives lamina, whatever ends that.
struct CgroupPlan {
  std::vector<std::string> directories;
  std::vector<ControlFile> limits;
  /// Files that PID 1 writes itself into.
  std::vector<std::string> tasks;
};

/// Everything lamina-sandbox-init needs to know; a value that can be printed and tested. Knows
/// nothing of Lambda: paths, ids and limits are given.
struct SandboxSpec {
  std::vector<MountStep> steps;
  Network network = Network::host;
  /// Network::none only: an IPv4 address put on loopback, and the port listened on there.
  std::string listen_address;
  std::uint16_t listen_port = 0;
  std::string hostname;
  IdMap ids;
  /// Ids, inside, of every launched process.
  std::uint32_t process_uid = 0;
  std::uint32_t process_gid = 0;
  std::vector<ResourceLimit> limits;
  CgroupPlan cgroups;
};

/// One line a step, for people and tests.
std::string to_string(const SandboxSpec& spec);

}  // namespace sandbox
