#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace base {

/// What a caller can act on; everything else about a failure is text.
enum class ErrorKind {
  not_found,
  invalid_argument,
  limit_exceeded,
  corrupt_data,
  unsupported_host,
  io_error,
};

std::string_view to_string(ErrorKind kind);

/// A request or a host that is not right. `message` is a sentence for the user in the form
/// "noun: what failed: reason. Remedy." A function's own failure is never an Error: it is an
/// outcome.
struct Error {
  ErrorKind kind = ErrorKind::io_error;
  std::string message;

  Error() = default;
  Error(ErrorKind error_kind, std::string text) : kind(error_kind), message(std::move(text)) {}
};

/// The Error for a failed system call: "<what>: <strerror>"; ENOENT becomes not_found.
Error from_errno(int error_number, std::string_view what);

/// Puts `prefix` and ": " before the message; the kind stays.
Error with_prefix(Error error, std::string_view prefix);

/// Lets boost::system::result report use of a value that is not there: a bug of ours, so it throws.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

template <typename T>
using Result = boost::system::result<T, Error>;

}  // namespace base

#define BASE_CONCAT_2(a, b) a##b
#define BASE_CONCAT(a, b) BASE_CONCAT_2(a, b)

/// TRY(expr): returns the error of a failed Result<void> (or drops the value of a good one).
#define TRY(expression)                                        \
  do {                                                         \
    if (auto base_try_result = (expression); !base_try_result) \
      return std::move(base_try_result).error();               \
  } while (false)

/// TRY_ASSIGN(auto x, expr): x becomes the value, or the function returns the error.
#define TRY_ASSIGN(declaration, expression)                        \
  auto BASE_CONCAT(base_result_, __LINE__) = (expression);         \
  if (!BASE_CONCAT(base_result_, __LINE__))                        \
    return std::move(BASE_CONCAT(base_result_, __LINE__)).error(); \
  declaration = std::move(*BASE_CONCAT(base_result_, __LINE__))

#define CO_TRY(expression)                                     \
  do {                                                         \
    if (auto base_try_result = (expression); !base_try_result) \
      co_return std::move(base_try_result).error();            \
  } while (false)

#define CO_TRY_ASSIGN(declaration, expression)                        \
  auto BASE_CONCAT(base_result_, __LINE__) = (expression);            \
  if (!BASE_CONCAT(base_result_, __LINE__))                           \
    co_return std::move(BASE_CONCAT(base_result_, __LINE__)).error(); \
  declaration = std::move(*BASE_CONCAT(base_result_, __LINE__))
