#pragma once

#include "emulator/lab/lab_figures.hpp"
#include "emulator/lab/lab_result.hpp"

#include <string>

namespace emulator {

/// Sentences that the text and the page share, so that both say a thing alike. Pure.

/// "+12.3 ms [+10.1, +14.0]", or that no difference was shown.
std::string difference_text(const Difference& value);
/// "60.1 MB in, 198.0 MB out, 9,600 files, 965 MB/s": a package whose extraction took so long.
std::string extraction_text(const LabPackage& package, double extract_ms);

}  // namespace emulator
