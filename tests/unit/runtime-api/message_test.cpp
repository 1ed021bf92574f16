#include "runtime-api/http/message.hpp"

#include <doctest/doctest.h>

using namespace runtime_api::http;

TEST_CASE("a request's target is taken apart") {
  struct Row {
    std::string_view target, path, query;
  };
  const Row rows[] = {
      {"/a/b", "/a/b", ""},     {"/a?b=c?d", "/a", "b=c?d"},
      {"/a?", "/a", ""},        {"http://host:1/a?b", "/a", "b"},
      {"http://host", "/", ""}, {"/http://x", "/http://x", ""},
      {"*", "*", ""},           {"/a%2Fb", "/a%2Fb", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const Request request("GET", row.target);
    CHECK(request.path == row.path);
    CHECK(request.query == row.query);
  }
}

TEST_CASE("headers are found in any case, duplicates are kept in order") {
  Headers headers;
  headers.add("X-One", "1");
  headers.add("x-ONE", "2");
  headers.add("Empty", "");
  REQUIRE(headers.find("x-one"));
  CHECK(*headers.find("x-one") == "1");
  CHECK(headers.count("X-ONE") == 2);
  CHECK(headers.fields()[1].value == "2");
  CHECK(headers.find("Empty"));
  CHECK(headers.get("Empty").empty());
  CHECK(!headers.find("X-On"));
}

TEST_CASE("a response's headers") {
  Response response(200, "application/json", "{}");
  response.add("X-A", "b: c");
  CHECK(response.header_lines() == "Content-Type: application/json\r\nX-A: b: c\r\n");
  CHECK(response.find("x-a") == "b: c");
  CHECK(!response.find("b"));
}

TEST_CASE("no value can forge a header") {
  Response response;
  response.add("X", std::string_view("a\r\nEvil: 1\0", 11));
  CHECK(response.header_lines() == "X: a  Evil: 1 \r\n");
}

TEST_CASE("shared content takes precedence") {
  Response response;
  response.body = "own";
  CHECK(response.content() == "own");
  response.shared_body = std::make_shared<const std::string>("shared");
  CHECK(response.content() == "shared");
}
