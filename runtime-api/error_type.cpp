#include "runtime-api/error_type.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace runtime_api {
namespace {

using nlohmann::json;

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}

bool contains_error_type(std::string_view text) {
  for (std::string_view category : {"Runtime.", "Function."}) {
    for (auto at = text.find(category); at != std::string_view::npos;
         at = text.find(category, at + 1)) {
      const std::string_view name = text.substr(at + category.size());
      if (name.size() >= 2 && is_upper(name[0]) && is_letter(name[1])) return true;
    }
  }
  return false;
}

struct CodePoint {
  std::uint32_t value;
  std::size_t size;  // 0: not UTF-8
};

CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {0, 0};
  std::uint32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {0, 0};
  return {value, size};
}

void append_escape(std::string& out, unsigned code_unit) {
  static constexpr char digits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[code_unit >> shift & 0xF];
}

bool needs_unicode_escape(std::uint32_t c) {
  return c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029;
}

struct StackFrame {
  std::string path;
  std::int64_t line = 0;
  std::string label;
};

struct Exception {
  std::string type;
  std::string message;
  std::vector<StackFrame> stack;
};

struct Cause {
  std::string working_directory;
  std::vector<std::string> paths;
  std::vector<Exception> exceptions;
  std::string message;

  bool empty() const {
    return working_directory.empty() && paths.empty() && exceptions.empty() && message.empty();
  }
};

// Readers in Go's manner: absent and null mean the zero value, another type is an error.
bool read(const json& object, const char* key, std::string& out) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return true;
  if (!member->is_string()) return false;
  out = member->get<std::string>();
  return true;
}

bool read(const json& object, const char* key, std::int64_t& out) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return true;
  if (!member->is_number_integer()) return false;
  out = member->get<std::int64_t>();
  return true;
}

template <typename Element, typename ReadElement>
bool read_array(const json& object, const char* key, std::vector<Element>& out,
                ReadElement read_element) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return true;
  if (!member->is_array()) return false;
  for (const json& value : *member) {
    if (!read_element(value, out.emplace_back())) return false;
  }
  return true;
}

bool read_text(const json& value, std::string& out) {
  if (value.is_null()) return true;
  if (!value.is_string()) return false;
  out = value.get<std::string>();
  return true;
}

bool read_frame(const json& value, StackFrame& frame) {
  if (value.is_null()) return true;
  return value.is_object() && read(value, "path", frame.path) && read(value, "line", frame.line) &&
         read(value, "label", frame.label);
}

bool read_exception(const json& value, Exception& exception) {
  if (value.is_null()) return true;
  return value.is_object() && read(value, "type", exception.type) &&
         read(value, "message", exception.message) &&
         read_array(value, "stack", exception.stack, read_frame);
}

std::optional<Cause> parse_cause(const json& document) {
  Cause cause;
  const bool valid = document.is_object() &&
                     read(document, "working_directory", cause.working_directory) &&
                     read_array(document, "paths", cause.paths, read_text) &&
                     read_array(document, "exceptions", cause.exceptions, read_exception) &&
                     read(document, "message", cause.message);
  if (!valid || cause.empty()) return std::nullopt;
  return cause;
}

template <typename Range, typename Write>
std::string json_array(const Range& range, Write write) {
  std::string out = "[";
  for (const auto& element : range) {
    if (out.size() > 1) out += ',';
    out += write(element);
  }
  return out + "]";
}

std::string to_json(const Exception& exception) {
  return "{\"type\":" + json_string(exception.type) +
         ",\"message\":" + json_string(exception.message) + ",\"stack\":" +
         json_array(exception.stack,
                    [](const StackFrame& frame) {
                      return "{\"path\":" + json_string(frame.path) +
                             ",\"line\":" + std::to_string(frame.line) +
                             ",\"label\":" + json_string(frame.label) + "}";
                    }) +
         "}";
}

std::string to_json(const Cause& cause) {
  return "{\"working_directory\":" + json_string(cause.working_directory) +
         ",\"paths\":" + json_array(cause.paths, json_string) + ",\"exceptions\":" +
         json_array(cause.exceptions, [](const Exception& e) { return to_json(e); }) +
         ",\"message\":" + json_string(cause.message) + "}";
}

void crop(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return;
  text.resize(bytes - 3);
  text += "...";
}

std::string cropped(Cause cause) {
  std::string document = to_json(cause);
  const auto exceptions = cause.exceptions.size();
  const auto paths = cause.paths.size();
  for (std::size_t fifths = 4; document.size() > max_xray_cause_bytes && fifths > 0; --fifths) {
    cause.exceptions.resize(exceptions * fifths / 5);
    cause.paths.resize(paths * fifths / 5);
    document = to_json(cause);
  }
  if (document.size() <= max_xray_cause_bytes) return document;
  cause.exceptions.clear();
  cause.paths.clear();
  // 4096 bytes are left for what stands around the two texts.
  constexpr std::size_t each = (max_xray_cause_bytes - 4096) / 2;
  crop(cause.message, each);
  crop(cause.working_directory, each);
  return to_json(cause);
}

json parse(std::string_view text) {
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string sanitised_error_type(std::string_view header) {
  if (contains_error_type(header)) return std::string(header);
  return header.starts_with("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.size == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    if (c.value == '"' || c.value == '\\') {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\r') {
      out += "\\r";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (needs_unicode_escape(c.value)) {
      append_escape(out, c.value);
    } else {
      out += text.substr(0, c.size);
    }
    text.remove_prefix(c.size);
  }
  return out += '"';
}

std::string error_payload(std::string_view message, std::string_view type) {
  return "{\"errorMessage\":" + json_string(message) + ",\"errorType\":" + json_string(type) + "}";
}

std::string error_document(std::string_view message, std::string_view type) {
  return error_payload(message, type) + "\n";
}

std::optional<std::string> xray_cause(std::string_view document) {
  std::optional<Cause> cause = parse_cause(parse(document));
  if (!cause) return std::nullopt;
  return cropped(std::move(*cause));
}

ErrorWithCause split_error_cause(std::string_view document) {
  ErrorWithCause result;
  const json parsed = parse(document);
  std::string message;
  std::string type;
  std::vector<std::string> stack_trace;
  if (!parsed.is_object() || !read(parsed, "errorMessage", message) ||
      !read(parsed, "errorType", type) ||
      !read_array(parsed, "stackTrace", stack_trace, read_text)) {
    result.body = "\"Invalid error body\"";
    result.content_type = "application/octet-stream";
    return result;
  }
  result.body = error_payload(message, type);
  if (!stack_trace.empty()) {
    result.body.pop_back();
    result.body += ",\"stackTrace\":" + json_array(stack_trace, json_string) + "}";
  }
  result.content_type = "application/json";
  if (const auto cause = parsed.find("errorCause"); cause != parsed.end()) {
    if (std::optional<Cause> valid = parse_cause(*cause)) result.cause = cropped(std::move(*valid));
  }
  return result;
}

bool is_json(std::string_view text) {
  return json::accept(text);
}

}  // namespace runtime_api
