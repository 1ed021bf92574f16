#pragma once

#include "base/result.hpp"

#include <string>

namespace test_support {

/// For CHECK and REQUIRE, which would try to print the Result itself.
template <typename T>
bool ok(const base::Result<T>& result) {
  return result.has_value();
}

/// The message of a failed result, empty for a good one.
template <typename T>
std::string message_of(const base::Result<T>& result) {
  return result ? std::string() : result.error().message;
}

}  // namespace test_support
