#include "emulator/commands/event.hpp"

#include "base/unique_fd.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;

/// Lambda's limit for a synchronous request (developer guide, "Lambda quotas").
constexpr std::size_t max_payload_bytes = 6'291'456;

Error too_large() {
  return {ErrorKind::limit_exceeded,
          "event: Request must be smaller than 6291456 bytes for the InvokeFunction operation. "
          "Pass large "
          "data by reference."};
}

base::Result<std::string> read_text(const std::string& file,
                                    const std::optional<std::string>& given) {
  if (given) return *given;
  if (file.empty()) return std::string("{}");
  auto text = file == "-" ? base::read_to_end(STDIN_FILENO, max_payload_bytes, "standard input")
                          : base::read_file(file, max_payload_bytes);
  if (text) return std::move(*text);
  if (text.error().kind == ErrorKind::limit_exceeded) return too_large();
  base::Error error = base::with_prefix(text.error(), "event");
  error.message += ". Give -e a file that can be read, or - for standard input.";
  return error;
}

}  // namespace

base::Result<std::string> read_event(const std::string& file,
                                     const std::optional<std::string>& text) {
  TRY_ASSIGN(std::string event, read_text(file, text));
  if (event.size() > max_payload_bytes) return too_large();
  // AWS's front end gives an empty request the empty object.
  if (event.empty()) return std::string("{}");
  try {
    // The callback throws every value away: only the syntax matters, in little memory.
    [[maybe_unused]] const auto ignored = nlohmann::json::parse(
        event, [](int, nlohmann::json::parse_event_t, nlohmann::json&) { return false; });
  } catch (const nlohmann::json::parse_error& error) {
    const std::string_view what = error.what();
    const std::size_t reason = what.find("parse error");
    return Error(ErrorKind::invalid_argument,
                 "event: Could not parse request body into json: " +
                     std::string(what.substr(reason == std::string_view::npos ? 0 : reason)) +
                     ". Give one JSON value.");
  }
  return event;
}

}  // namespace emulator
