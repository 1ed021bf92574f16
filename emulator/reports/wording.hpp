#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace emulator {

/// Numbers as all reports write them. Pure.

/// "9,600".
std::string grouped(std::uint64_t number);
/// "1 file", "9,600 files": `what` is a noun that takes an s.
std::string counted(std::uint64_t count, std::string_view what);
/// "31.0": of 1,000,000 bytes.
std::string megabytes(std::uint64_t bytes);

}  // namespace emulator
