#pragma once

#include "emulator/lab/lab_result.hpp"

#include <map>
#include <string>
#include <string_view>

namespace emulator {

/// One self-contained HTML page of a lab's result: what the layers cost, the waterfall of the
/// median runs, every run, and the JSON report as a download. It asks the network for nothing, runs
/// no script, and shows names from outside as the text that they are. Pure: the same result gives
/// the same page.
std::string to_page(const LabResult& result, const ColdstartCommand& command);

/// Text for HTML, in an element or in a quoted attribute. Control characters become "\x1b" and the
/// like, bytes that are no UTF-8 the replacement character.
std::string html_text(std::string_view text);

/// `form` with "{{name}}" replaced by the value of that name; "{{#name}}...{{/name}}" stays when
/// the value is there and not empty, and goes otherwise. Values are put in as they are and are not
/// looked at again.
std::string filled(std::string_view form, const std::map<std::string, std::string>& values);

}  // namespace emulator
