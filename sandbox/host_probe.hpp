#pragma once

#include "sandbox/sandbox_spec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sandbox {

/// One thing that a sandbox needs or can use, and whether this host gives it.
struct Capability {
  std::string name;  ///< "user namespaces"
  bool available = false;
  bool required = false;
  std::string detail;  ///< what was found
  std::string remedy;  ///< for a "no": what to do about it
};

/// Tries each thing for real where that is cheap (namespaces and overlay in a child process of its
/// own), and reads the rest from /proc and /sys. Takes some milliseconds: for `lamina doctor` and
/// tests, not for the path of an invocation.
std::vector<Capability> probe_host(const std::string& init_program);

/// Which ids this user can give a sandbox; cheap. Root needs no user namespace; an ordinary user
/// gets two ids where /etc/subuid, /etc/subgid and newuidmap allow it.
IdMap identity_of_this_user();

/// The first subordinate id granted to `user` (by name or number) in the text of /etc/subuid.
std::optional<std::uint32_t> first_subordinate_id(const std::string& text, const std::string& user,
                                                  std::uint32_t id);

/// Read-only binds and links of the host's programs and libraries (/usr, /bin, /lib*, /sbin), of
/// what dynamic linking, certificates and alternatives need from /etc, /proc, and a minimal /dev.
std::vector<MountStep> system_steps();

}  // namespace sandbox
