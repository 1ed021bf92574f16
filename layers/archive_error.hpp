#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace layers {

/// Texts about the inside of an archive, without the `layer "deps.zip":` that the store puts in
/// front. Names come from hostile input, so they are quoted before a terminal sees them.

/// In double quotes; what is not printable ASCII or UTF-8 as \xNN, and shortened past 200 bytes.
std::string shown_name(std::string_view name);
/// An archive that AWS refuses: "<what>: Could not unzip uploaded file. ... <remedy>".
base::Error broken_archive(std::string_view what, std::string_view remedy);
/// An archive that unpacks to more than the limit.
base::Error archive_too_big(std::string_view how_big);
/// A failed system call on the way into the store; a full disk gets its own remedy.
base::Error cannot_write(int error_number, std::string_view path);

}  // namespace layers
