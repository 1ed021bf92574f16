// Error types, error documents and X-Ray error causes of the Runtime API: pure text in, text out.
// Source: AWS Lambda developer guide "Using the Lambda runtime API"; the open-source Lambda Runtime
// Interface Emulator for the sanitising rule, the cropping of causes and the form of the documents.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runtime_api {

/// The rule for Lambda-Runtime-Function-Error-Type: kept as it is when it contains a
/// (Runtime|Function).[A-Z][a-zA-Z]+, else Function.Unknown for anything that starts with
/// "Function.", else Runtime.Unknown.
std::string sanitised_error_type(std::string_view header);

/// A JSON string literal as Go's encoder writes it: <, > and & escaped, and U+2028 and U+2029;
/// a byte that is not UTF-8 becomes \ufffd.
std::string json_string(std::string_view text);

/// {"errorMessage":"...","errorType":"..."} without a line end: what an invoker gets.
std::string error_payload(std::string_view message, std::string_view type);
/// The same and a line end: what a client of the Runtime API gets.
std::string error_document(std::string_view message, std::string_view type);

inline constexpr std::size_t max_xray_cause_bytes = 65'536;

/// The cause document with only the members X-Ray knows, cropped to max_xray_cause_bytes. Nothing
/// if it does not parse, has a member of the wrong type, or says nothing at all.
std::optional<std::string> xray_cause(std::string_view document);

/// An error posted as application/vnd.aws.lambda.error.cause+json, taken apart.
struct ErrorWithCause {
  std::string body;          // the document without its errorCause
  std::string content_type;  // application/json; application/octet-stream if it did not parse
  std::string cause;         // as xray_cause() returns it; empty if there is none

  ErrorWithCause() {}
};

inline constexpr std::string_view error_cause_content_type =
    "application/vnd.aws.lambda.error.cause+json";
ErrorWithCause split_error_cause(std::string_view document);

bool is_json(std::string_view text);

}  // namespace runtime_api
