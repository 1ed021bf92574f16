#include "runtime-api/error_type.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace runtime_api;

TEST_CASE("which error types are kept") {
  struct Row {
    std::string_view sent, kept;
  };
  const Row rows[] = {
      {"", "Runtime.Unknown"},
      {"Runtime.ImportModuleError", "Runtime.ImportModuleError"},
      {"Function.Whatever", "Function.Whatever"},
      {"xRuntime.Errx-1", "xRuntime.Errx-1"},  // contains a match: kept as it is
      {"Function.Runtime.Ab", "Function.Runtime.Ab"},
      {"Runtime.A", "Runtime.Unknown"},  // the name needs two letters
      {"Runtime.lower", "Runtime.Unknown"},
      {"Function.lower", "Function.Unknown"},
      {"Function.", "Function.Unknown"},
      {"Function", "Runtime.Unknown"},
      {"Function<RuntimeError>", "Runtime.Unknown"},
      {"Handled", "Runtime.Unknown"},
      {"Runtime.1 Runtime.Ok", "Runtime.1 Runtime.Ok"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sent);
    CHECK(sanitised_error_type(row.sent) == row.kept);
  }
}

TEST_CASE("strings are escaped as Go does it") {
  CHECK(json_string("a\"b\\c") == R"("a\"b\\c")");
  CHECK(json_string("<b>&") == "\"\\u003cb\\u003e\\u0026\"");
  CHECK(json_string("\n\r\t\x01\x1f") == R"("\n\r\t\u0001\u001f")");
  CHECK(json_string("\xE2\x80\xA8 \xE2\x80\xA9") == R"("\u2028 \u2029")");
  CHECK(json_string("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") ==
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  CHECK(json_string("/\x7f") == "\"/\x7f\"");
}

TEST_CASE("what is not UTF-8 becomes the replacement character") {
  for (const std::string_view bad : {"\xff", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82"}) {
    const std::string text = json_string(bad);
    CHECK(text.substr(0, 7) == "\"\\ufffd");
    CHECK(nlohmann::json::accept(text));
  }
  CHECK(json_string("a\xC3z") == "\"a\\ufffdz\"");
}

TEST_CASE("error documents") {
  CHECK(error_document("Invalid request ID", "InvalidRequestID") ==
        "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n");
  CHECK(error_payload("a<b", "T") == "{\"errorMessage\":\"a\\u003cb\",\"errorType\":\"T\"}");
}

TEST_CASE("an X-Ray cause is re-written with what X-Ray knows") {
  CHECK(
      xray_cause(R"({"message":"m","extra":1,"exceptions":[{"message":"x","type":"T",)"
                 R"("stack":[{"line":7,"path":"p"}]}],"working_directory":"/w","paths":["a"]})") ==
      R"({"working_directory":"/w","paths":["a"],"exceptions":[{"type":"T","message":"x",)"
      R"("stack":[{"path":"p","line":7,"label":""}]}],"message":"m"})");
}

TEST_CASE("an X-Ray cause that is dropped") {
  CHECK(!xray_cause(""));
  CHECK(!xray_cause("{"));
  CHECK(!xray_cause("[]"));
  CHECK(!xray_cause("null"));
  CHECK(!xray_cause("{}"));
  CHECK(!xray_cause(R"({"paths":[],"exceptions":[],"message":"","working_directory":null})"));
  CHECK(!xray_cause(R"({"message":1})"));
  CHECK(!xray_cause(R"({"message":"m","paths":"p"})"));
  CHECK(!xray_cause(R"({"message":"m","exceptions":[7]})"));
  CHECK(!xray_cause(R"({"message":"m","exceptions":[{"stack":[{"line":1.5}]}]})"));
}

TEST_CASE("a large X-Ray cause loses its tail by fifths") {
  const auto cause_with = [](int exceptions, std::size_t message_size) {
    nlohmann::json cause;
    cause["paths"] = std::vector<std::string>(10, "path");
    for (int i = 0; i < exceptions; ++i) {
      cause["exceptions"].push_back(
          {{"type", std::to_string(i)}, {"message", std::string(message_size, 'x')}});
    }
    return cause.dump();
  };
  struct Row {
    std::size_t message_size;
    std::size_t exceptions_kept, paths_kept;
  };
  // Ten exceptions: 80 % of them fit in 64 KiB at 7,000 bytes each, 60 % at 10,000, and so on.
  const Row rows[] = {{6'000, 10, 10}, {7'000, 8, 8},  {10'000, 6, 6},
                      {15'000, 4, 4},  {30'000, 2, 2}, {60'000, 0, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.message_size);
    const auto cropped = xray_cause(cause_with(10, row.message_size));
    REQUIRE(cropped);
    CHECK(cropped->size() <= max_xray_cause_bytes);
    const auto parsed = nlohmann::json::parse(*cropped);
    CHECK(parsed["exceptions"].size() == row.exceptions_kept);
    CHECK(parsed["paths"].size() == row.paths_kept);
    if (row.exceptions_kept > 0) CHECK(parsed["exceptions"][0]["type"] == "0");
  }
}

TEST_CASE("an X-Ray cause of two large texts keeps their beginnings") {
  nlohmann::json cause{{"message", std::string(100'000, 'm')},
                       {"working_directory", std::string(100'000, 'w')}};
  const auto cropped = xray_cause(cause.dump());
  REQUIRE(cropped);
  CHECK(cropped->size() <= max_xray_cause_bytes);
  const auto parsed = nlohmann::json::parse(*cropped);
  CHECK(parsed["message"] == std::string(30'717, 'm') + "...");
  CHECK(parsed["working_directory"] == std::string(30'717, 'w') + "...");
}

TEST_CASE("an error that carries its cause in the body") {
  const ErrorWithCause parts = split_error_cause(
      R"({"errorCause":{"message":"why"},"stackTrace":["a","<b>"],"errorType":"T","errorMessage":"M"})");
  CHECK(parts.body ==
        "{\"errorMessage\":\"M\",\"errorType\":\"T\",\"stackTrace\":[\"a\",\"\\u003cb\\u003e\"]}");
  CHECK(parts.content_type == "application/json");
  CHECK(parts.cause == R"({"working_directory":"","paths":[],"exceptions":[],"message":"why"})");

  const ErrorWithCause bare = split_error_cause(R"({"errorMessage":"M","errorCause":{}})");
  CHECK(bare.body == R"({"errorMessage":"M","errorType":""})");
  CHECK(bare.cause.empty());

  for (const std::string_view bad : {"", "no", "[]", R"({"errorMessage":1})"}) {
    CHECK(split_error_cause(bad).body == "\"Invalid error body\"");
    CHECK(split_error_cause(bad).content_type == "application/octet-stream");
  }
}
