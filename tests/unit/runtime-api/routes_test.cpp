#include "runtime-api/routes.hpp"

#include <doctest/doctest.h>

using namespace runtime_api;

TEST_CASE("every endpoint has its path") {
  struct Row {
    std::string_view method, path;
    Endpoint endpoint;
  };
  const Row rows[] = {
      {"GET", "/2018-06-01/ping", Endpoint::ping},
      {"GET", "/2018-06-01/runtime/invocation/next", Endpoint::next},
      {"POST", "/2018-06-01/runtime/invocation/x/response", Endpoint::response},
      {"POST", "/2018-06-01/runtime/invocation/x/error", Endpoint::error},
      {"POST", "/2018-06-01/runtime/init/error", Endpoint::init_error},
      {"GET", "/2018-06-01/runtime/restore/next", Endpoint::restore_next},
      {"POST", "/2018-06-01/runtime/restore/error", Endpoint::restore_error},
      {"POST", "/2020-01-01/extension/register", Endpoint::extension_register},
      {"GET", "/2020-01-01/extension/event/next", Endpoint::extension_next},
      {"POST", "/2020-01-01/extension/init/error", Endpoint::extension_init_error},
      {"POST", "/2020-01-01/extension/exit/error", Endpoint::extension_exit_error},
      {"PUT", "/2020-08-15/logs", Endpoint::logs_subscribe},
      {"PUT", "/2022-07-01/telemetry", Endpoint::telemetry_subscribe},
      {"GET", "/2021-04-23/credentials", Endpoint::snap_start_credentials},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    CHECK(match_route(row.method, row.path).endpoint == row.endpoint);
    CHECK(match_route("DELETE", row.path).endpoint == Endpoint::method_not_allowed);
  }
}

TEST_CASE("the id is what stands in the path") {
  const std::string_view path = "/2018-06-01/runtime/invocation/8476a536-e9f4/response";
  CHECK(match_route("POST", path).id == "8476a536-e9f4");
}

TEST_CASE("paths that are nobody's") {
  for (const std::string_view path :
       {"", "/", "/ping", "/2018-06-01", "/2018-06-01/", "/2018-06-01/runtime/invocation/next/",
        "/2018-06-01/runtime/invocation//response", "/2018-06-01/runtime/invocation/a/b/response",
        "/2018-06-01/runtime/invocation/response", "/2018-06-02/runtime/invocation/next",
        "/2020-01-01/runtime/invocation/next", "/2018-06-01/runtime/invocation/NEXT",
        "/2018-06-01//runtime/invocation/next"}) {
    CAPTURE(path);
    CHECK(match_route("GET", path).endpoint == Endpoint::not_found);
    CHECK(match_route("POST", path).endpoint == Endpoint::not_found);
  }
}

TEST_CASE("methods are case-sensitive") {
  CHECK(match_route("get", "/2018-06-01/runtime/invocation/next").endpoint ==
        Endpoint::method_not_allowed);
}

TEST_CASE("what has no implementation answers as if it did not exist") {
  CHECK(is_served(Endpoint::next));
  CHECK(is_served(Endpoint::init_error));
  for (const Endpoint endpoint : {Endpoint::restore_next, Endpoint::restore_error,
                                  Endpoint::snap_start_credentials, Endpoint::not_found}) {
    CHECK(!is_served(endpoint));
  }
}
