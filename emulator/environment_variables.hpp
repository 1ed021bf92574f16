#pragma once

#include "emulator/function_configuration.hpp"

#include <string>
#include <vector>

namespace emulator {

/// What differs between execution environments of one function.
struct EnvironmentIdentity {
  /// "2026/01/31/[$LATEST]<32 hex>"
  std::string log_stream_name;
  /// host:port
  std::string runtime_api;
};

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
};

/// The reserved keys of `variables`, in the order given.
std::vector<std::string> reserved_keys(const EnvironmentVariables& variables);

/// The runtime process's variables as NAME=value: those of the platform with the values that AWS
/// sets (developer guide "Defined runtime environment variables"; values as introspected on AWS),
/// the function's own, which may replace the unreserved ones and never the others.
std::vector<std::string> runtime_environment(const FunctionConfiguration& function,
                                             const EnvironmentIdentity& identity,
                                             const Credentials& credentials);

/// A fresh log stream name for today.
std::string make_log_stream_name(const std::string& version);

}  // namespace emulator
