#pragma once

#include <string>

namespace sandbox::init {

/// Sends one setup_failed message with the step and errno over `control_socket`, then ends the
/// process: lamina turns it into an error with a remedy. Setup never goes on after a failure.
[[noreturn]] void die(const std::string& step);

}  // namespace sandbox::init
