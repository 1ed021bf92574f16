#include "runtime-api/routes.hpp"

#include <algorithm>
#include <optional>

namespace runtime_api {
namespace {

struct Route {
  std::string_view version;
  std::string_view method;
  std::string_view pattern;
  Endpoint endpoint;
};

constexpr std::string_view runtime = "/2018-06-01";
constexpr std::string_view extensions = "/2020-01-01";
constexpr std::string_view logs = "/2020-08-15";
constexpr std::string_view telemetry = "/2022-07-01";
constexpr std::string_view credentials = "/2021-04-23";

// The two that each invocation uses stand first.
constexpr Route routes[] = {
    {runtime, "GET", "/runtime/invocation/next", Endpoint::next},
    {runtime, "POST", "/runtime/invocation/{id}/response", Endpoint::response},
    {runtime, "POST", "/runtime/invocation/{id}/error", Endpoint::error},
    {runtime, "POST", "/runtime/init/error", Endpoint::init_error},
    {runtime, "GET", "/runtime/restore/next", Endpoint::restore_next},
    {runtime, "POST", "/runtime/restore/error", Endpoint::restore_error},
    {runtime, "GET", "/ping", Endpoint::ping},
    {extensions, "POST", "/extension/register", Endpoint::extension_register},
    {extensions, "GET", "/extension/event/next", Endpoint::extension_next},
    {extensions, "POST", "/extension/init/error", Endpoint::extension_init_error},
    {extensions, "POST", "/extension/exit/error", Endpoint::extension_exit_error},
    {logs, "PUT", "/logs", Endpoint::logs_subscribe},
    {telemetry, "PUT", "/telemetry", Endpoint::telemetry_subscribe},
    {credentials, "GET", "/credentials", Endpoint::snap_start_credentials},
};

// What is not served yet plugs in here: add its endpoint, and its handler in session.cpp.
// restore_next, restore_error and snap_start_credentials exist only in SnapStart environments.
constexpr Endpoint served[] = {Endpoint::ping, Endpoint::next, Endpoint::response, Endpoint::error,
                               Endpoint::init_error};

constexpr std::string_view placeholder = "{id}";

/// The id if the path fits the pattern, empty where the pattern has none.
std::optional<std::string_view> fit(std::string_view pattern, std::string_view path) {
  const auto at = pattern.find(placeholder);
  if (at == std::string_view::npos) {
    if (pattern != path) return std::nullopt;
    return std::string_view();
  }
  const std::string_view tail = pattern.substr(at + placeholder.size());
  if (path.size() <= at + tail.size()) return std::nullopt;
  if (!path.starts_with(pattern.substr(0, at)) || !path.ends_with(tail)) return std::nullopt;
  const std::string_view id = path.substr(at, path.size() - at - tail.size());
  if (id.find('/') != std::string_view::npos) return std::nullopt;
  return id;
}

}  // namespace

Match match_route(std::string_view method, std::string_view path) {
  Match match;
  for (const Route& route : routes) {
    if (!path.starts_with(route.version)) continue;
    const auto id = fit(route.pattern, path.substr(route.version.size()));
    if (!id) continue;
    if (route.method == method) return Match{route.endpoint, *id};
    match.endpoint = Endpoint::method_not_allowed;
  }
  return match;
}

bool is_served(Endpoint endpoint) {
  return std::ranges::find(served, endpoint) != std::end(served);
}

}  // namespace runtime_api
