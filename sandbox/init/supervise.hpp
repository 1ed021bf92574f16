#pragma once

#include "sandbox/sandbox_spec.hpp"

#include <cstdint>

namespace sandbox::init {

/// CLOCK_MONOTONIC, which lamina's steady_clock reads too: stamps of both can be compared.
std::int64_t monotonic_ns();

/// PID 1's life after setup: launches what it is asked to, reaps everything, reports exits. Ends
/// when lamina's end of the socket closes, and the kernel then ends every process inside.
[[noreturn]] void supervise(int control_socket, const SandboxSpec& spec);

}  // namespace sandbox::init
