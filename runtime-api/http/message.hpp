// HTTP messages as plain values, so that handlers compile without Beast and are tested without
// sockets. Knows nothing of Lambda and nothing of connections. Values: copy and move them freely,
// any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace runtime_api::http {

/// Do two header names mean the same header?
bool same_name(std::string_view left, std::string_view right);

struct Header {
  std::string name;
  std::string value;

  Header(std::string_view header_name, std::string_view header_value)
      : name(header_name), value(header_value) {}
};

/// Header fields in the order of arrival, duplicates kept.
class Headers {
 public:
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  /// The first value of that name, or nullptr. The pointer lives until the next add().
  const std::string* find(std::string_view name) const;
  /// The first value of that name, or nothing at all: for headers where absent and empty are alike.
  std::string_view get(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  const std::vector<Header>& fields() const { return fields_; }
  void reserve(std::size_t count) { fields_.reserve(count); }

 private:
  std::vector<Header> fields_;
};

/// What is known of a body once it has ended, in whichever way.
enum class BodyState {
  complete,
  too_large,  // past the server's limit: what came was dropped, `body` is empty
  truncated,  // the connection ended before the body did: `body` is what came
};

struct Request {
  std::string method;
  std::string path;   // as sent: not percent-decoded; of an absolute target only the path
  std::string query;  // what follows the first '?', as sent
  Headers headers;
  Headers trailers;  // fields after the last chunk of a chunked body
  std::string body;
  BodyState body_state = BodyState::complete;

  Request() {}
  Request(std::string_view request_method, std::string_view target, std::string_view content = {});
};

class Response {
 public:
  Response() {}
  explicit Response(int status_code) : status(status_code) {}
  Response(int status_code, std::string_view content_type, std::string content);

  /// Line breaks and NUL in the value become spaces, so that no value can forge a header.
  /// Content-Length, Connection and Transfer-Encoding belong to the server: never add them.
  void add(std::string_view name, std::string_view value);
  /// The first value of that name among those added.
  std::optional<std::string_view> find(std::string_view name) const;
  /// The fields as they go over the wire: "name: value\r\n" each.
  const std::string& header_lines() const { return header_lines_; }
  std::string_view content() const { return shared_body ? *shared_body : body; }

  int status = 200;
  std::string body;
  /// Instead of `body` when set: large content that its owner keeps (an event may be fetched
  /// twice).
  std::shared_ptr<const std::string> shared_body;
  bool close_connection = false;

 private:
  std::string header_lines_;
};

// g++ 12 destroys aggregate temporaries twice inside a co_await expression.
static_assert(!std::is_aggregate_v<Header>);
static_assert(!std::is_aggregate_v<Request>);
static_assert(!std::is_aggregate_v<Response>);

}  // namespace runtime_api::http
