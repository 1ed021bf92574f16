#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>

namespace emulator {

/// The event of an invocation: `text`, or the content of `file` ("-" is standard input), or {} when
/// neither is given. One JSON value within Lambda's limit, or an error that says what it is.
base::Result<std::string> read_event(const std::string& file,
                                     const std::optional<std::string>& text);

}  // namespace emulator
