#pragma once

#include <string_view>

namespace emulator {

/// page.html and page.css of this folder, put into the program when it is built.
extern const std::string_view page_html;
extern const std::string_view page_css;

}  // namespace emulator
