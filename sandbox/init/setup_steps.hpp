#pragma once

#include "base/unique_fd.hpp"
#include "sandbox/sandbox_spec.hpp"

#include <vector>

/// The verbs of main.cpp's recipe; each has one effect and dies when it fails.
namespace sandbox::init {

/// Outer process, after the clone: gives the new user namespace its ids.
void write_id_maps(int pid, const IdMap& ids, const SandboxSpec& spec);

/// Outer process: makes the directories and sets their limits; gives the opened tasks files.
std::vector<base::UniqueFd> make_cgroups(const CgroupPlan& plan);
void remove_cgroups(const CgroupPlan& plan);

/// Everything below runs as PID 1 inside.
void enter_cgroups(const std::vector<base::UniqueFd>& tasks_files);
void name_host(const std::string& hostname);
/// Builds the new root out of the spec's steps, makes it "/" and read-only.
void build_root(const std::vector<MountStep>& steps, Identity identity);
void raise_loopback(const std::string& address);
base::UniqueFd listen_on(const std::string& address, std::uint16_t port);
/// Keeps what a supervisor needs: to signal and to become the process user.
void drop_capabilities();

}  // namespace sandbox::init
