#include "base/result.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace base {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::invalid_argument:
      return "invalid argument";
    case ErrorKind::limit_exceeded:
      return "limit exceeded";
    case ErrorKind::corrupt_data:
      return "corrupt data";
    case ErrorKind::unsupported_host:
      return "unsupported host";
    case ErrorKind::io_error:
      return "input/output error";
  }
  return "unknown";
}

Error from_errno(int error_number, std::string_view what) {
  ErrorKind kind = ErrorKind::io_error;
  if (error_number == ENOENT || error_number == ENOTDIR) kind = ErrorKind::not_found;
  char buffer[128];
  // The GNU variant returns the text, which need not be in the buffer.
  const char* reason = strerror_r(error_number, buffer, sizeof buffer);
  return {kind, std::string(what) + ": " + reason};
}

Error with_prefix(Error error, std::string_view prefix) {
  error.message = std::string(prefix) + ": " + error.message;
  return error;
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error("use of a failed result: " + error.message + " (" + where.to_string() +
                         ")");
}

}  // namespace base
