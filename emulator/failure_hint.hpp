#pragma once

#include "diagnosis/checks/checks.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

/// The finding that explains a function's failure, if one does: `failure` is the payload (or any
/// text) that tells of it. Pure; knows the words of interpreters, loader and kernel.
std::optional<diagnosis::Finding> explain_failure(std::string_view failure,
                                                  const diagnosis::Subject& subject,
                                                  const std::vector<diagnosis::Finding>& findings);

/// Whether some finding could explain it at all: only then every layer is worth a look.
bool may_be_explained(std::string_view failure);

/// The module or package that the text says is missing: "requests" of "No module named
/// 'requests.adapters'"; empty when it says no such thing.
std::string missing_module(std::string_view failure);

}  // namespace emulator
