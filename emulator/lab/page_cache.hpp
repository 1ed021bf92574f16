#pragma once

#include <filesystem>

namespace emulator {

/// Drops the pages of every file below a folder from the page cache, and looks. The share, from 0
/// to 1, of the pages that stayed: some file systems do not give them up.
double drop_pages(const std::filesystem::path& tree);

}  // namespace emulator
