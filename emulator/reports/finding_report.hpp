#pragma once

#include "diagnosis/finding.hpp"
#include "emulator/terminal.hpp"

#include <span>
#include <string>

namespace emulator {

/// Findings for people, ending with their sum.
std::string to_text(std::span<const diagnosis::Finding> findings, const Colours& colours);
/// Schema lamina-check/1.
std::string to_json(std::span<const diagnosis::Finding> findings);
/// SARIF 2.1.0 (OASIS), with every rule. Review tools want a location of every result: `code` (may
/// be empty) stands for those about the code or the function as a whole.
std::string to_sarif(std::span<const diagnosis::Finding> findings, const std::string& code);

/// "layer \"a.zip\": python/x.so: message": how a finding begins.
std::string headline(const diagnosis::Finding& finding);

}  // namespace emulator
