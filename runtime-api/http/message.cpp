#include "runtime-api/http/message.hpp"

#include <algorithm>

namespace runtime_api::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

const std::string* Headers::find(std::string_view name) const {
  for (const Header& field : fields_) {
    if (same_name(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string_view Headers::get(std::string_view name) const {
  const std::string* value = find(name);
  return value ? std::string_view(*value) : std::string_view();
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [&](const Header& field) { return same_name(field.name, name); }));
}

Request::Request(std::string_view request_method, std::string_view target, std::string_view content)
    : method(request_method), body(content) {
  // A proxy's absolute form: the authority is of no interest here, the path is.
  if (!target.empty() && target.front() != '/') {
    const auto scheme_end = target.find("://");
    if (scheme_end != std::string_view::npos) {
      const auto path_start = target.find('/', scheme_end + 3);
      target = path_start == std::string_view::npos ? "/" : target.substr(path_start);
    }
  }
  const auto question = target.find('?');
  path = target.substr(0, question);
  if (question != std::string_view::npos) query = target.substr(question + 1);
}

Response::Response(int status_code, std::string_view content_type, std::string content)
    : status(status_code), body(std::move(content)) {
  add("Content-Type", content_type);
}

void Response::add(std::string_view name, std::string_view value) {
  header_lines_.reserve(header_lines_.size() + name.size() + value.size() + 4);
  header_lines_ += name;
  header_lines_ += ": ";
  for (const char c : value) header_lines_ += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  header_lines_ += "\r\n";
}

std::optional<std::string_view> Response::find(std::string_view name) const {
  std::string_view rest = header_lines_;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const auto colon = line.find(": ");
    if (same_name(line.substr(0, colon), name)) return line.substr(colon + 2);
  }
  return std::nullopt;
}

}  // namespace runtime_api::http
