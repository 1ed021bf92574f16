// Which endpoint a request is for. The table in routes.cpp is the index of everything an execution
// environment's listener serves. Pure; knows nothing of what the endpoints do.
// Source: AWS Lambda developer guide, runtime, extensions, logs and telemetry API references.
#pragma once

#include <string_view>

namespace runtime_api {

enum class Endpoint {
  ping,
  next,
  response,
  error,
  init_error,
  restore_next,
  restore_error,
  extension_register,
  extension_next,
  extension_init_error,
  extension_exit_error,
  telemetry_subscribe,
  logs_subscribe,
  snap_start_credentials,
  not_found,
  method_not_allowed,
};

struct Match {
  Endpoint endpoint = Endpoint::not_found;
  std::string_view id;  // what stood at {id}; a part of the path that was passed in
};

Match match_route(std::string_view method, std::string_view path);

/// Does Lamina serve it yet? The rest of the table answers 404, as AWS does for what an environment
/// does not have.
bool is_served(Endpoint endpoint);

}  // namespace runtime_api
