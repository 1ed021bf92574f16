#pragma once

#include "layers/extraction_progress.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace emulator {

/// stdout carries results and nothing else; everything for people goes to stderr. False when
/// standard output cannot be written.
bool print_result(std::string_view bytes);
void print_log(std::string_view bytes);
void print_error(std::string_view message);

/// Names in a package are bytes, some of which would move the cursor or look like a line of ours:
/// control characters become "\x1b" and the like.
std::string printable(std::string_view text);

/// Colours for standard output; empty texts when it is no terminal.
struct Colours {
  std::string_view bold, red, yellow, green, dim, plain;
};
Colours result_colours();

/// A bar on stderr while something takes longer than a moment; nothing when stderr is no terminal.
std::unique_ptr<layers::ExtractionProgress> make_progress_bar();

}  // namespace emulator
