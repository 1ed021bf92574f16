// What goes to a runtime and what comes back for one invocation: plain values, no I/O.
// Source of the field meanings: AWS Lambda developer guide, "Using the Lambda runtime API".
#pragma once

#include <chrono>
#include <string>
#include <type_traits>
#include <utility>

namespace runtime_api {

/// One event on its way to the runtime. An empty text means that the header is not sent.
struct InvocationEvent {
  std::string request_id;
  std::chrono::system_clock::time_point deadline{};  // sent in milliseconds since the epoch
  std::string invoked_function_arn;
  std::string trace_id;
  std::string client_context;    // the decoded JSON text
  std::string cognito_identity;  // JSON text
  std::string tenant_id;
  std::string invocation_id;  // of this attempt; a runtime may echo it, a wrong echo is refused
  std::string content_type;   // empty: application/json
  std::string payload;

  InvocationEvent() {}
  InvocationEvent(std::string id, std::string event)
      : request_id(std::move(id)), payload(std::move(event)) {}
};

/// What the runtime answered, ready to be passed to the invoker.
struct InvocationReply {
  enum class Kind {
    response,  // the function returned
    error,     // the function, or its answer, failed: the invoker sees a function error
  };
  /// Why a posted answer did not count; `body` is then what the invoker gets instead.
  enum class Defect {
    none,
    too_large,              // Function.ResponseSizeTooLarge
    truncated,              // Runtime.TruncatedResponse
    invalid_response_mode,  // Runtime.InvalidResponseModeHeader, empty body
  };

  Kind kind = Kind::response;
  Defect defect = Defect::none;
  std::string body;
  std::string content_type;
  /// Errors: the sanitised Lambda-Runtime-Function-Error-Type (for logs and telemetry; it is never
  /// merged into the body), or the defect's own type.
  std::string error_type;
  std::string xray_cause;  // validated, cropped to 64 KiB; empty when none was sent
  bool streaming = false;  // posted with Lambda-Runtime-Function-Response-Mode: streaming
  /// A streamed response may fail half-way: its trailers then name the error. `body` is what had
  /// been sent, `kind` stays response.
  std::string trailer_error_type;  // as sent
  std::string trailer_error_body;  // as sent: base64 of the error document

  InvocationReply() {}
};

/// What the runtime posted to /runtime/init/error.
struct InitError {
  std::string body;
  std::string content_type;  // application/json if the body parses, else application/octet-stream
  std::string error_type;    // sanitised

  InitError() {}
};

// g++ 12 destroys aggregate temporaries twice inside a co_await expression.
static_assert(!std::is_aggregate_v<InvocationEvent>);
static_assert(!std::is_aggregate_v<InvocationReply>);
static_assert(!std::is_aggregate_v<InitError>);

}  // namespace runtime_api
