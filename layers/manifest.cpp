#include "layers/manifest.hpp"

#include <nlohmann/json.hpp>

namespace layers {
namespace {

using nlohmann::json;

// Raised whenever a field is added or extraction gives another tree for the same archive.
constexpr int version = 1;

// Names in an archive are bytes; JSON wants UTF-8.
std::string dumped(const json& object) {
  return object.dump(1, ' ', false, json::error_handler_t::replace);
}

json to_object(const Findings& findings) {
  return {{"count", findings.count}, {"example", findings.example}};
}

Findings findings_from(const json& object) {
  return {.count = object.at("count").get<std::uint64_t>(),
          .example = object.at("example").get<std::string>()};
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  const TreeSummary& summary = manifest.summary;
  return dumped({{"version", version},
                 {"first_reference", manifest.first_reference},
                 {"archive_bytes", manifest.archive_bytes},
                 {"unpacked_bytes", summary.unpacked_bytes},
                 {"files", summary.files},
                 {"directories", summary.directories},
                 {"implicit_directories", summary.implicit_directories},
                 {"odd_directories", summary.odd_directories},
                 {"unreadable_files", to_object(summary.unreadable_files)},
                 {"unsearchable_directories", to_object(summary.unsearchable_directories)}}) +
         "\n";
}

std::optional<Manifest> manifest_from_json(std::string_view text) try {
  const json object = json::parse(text);
  if (object.at("version").get<int>() != version) return std::nullopt;
  Manifest manifest;
  manifest.first_reference = object.at("first_reference").get<std::string>();
  manifest.archive_bytes = object.at("archive_bytes").get<std::uint64_t>();
  TreeSummary& summary = manifest.summary;
  summary.unpacked_bytes = object.at("unpacked_bytes").get<std::uint64_t>();
  summary.files = object.at("files").get<std::uint64_t>();
  summary.directories = object.at("directories").get<std::uint64_t>();
  summary.implicit_directories = object.at("implicit_directories").get<std::uint64_t>();
  summary.odd_directories = object.at("odd_directories").get<std::uint64_t>();
  summary.unreadable_files = findings_from(object.at("unreadable_files"));
  summary.unsearchable_directories = findings_from(object.at("unsearchable_directories"));
  return manifest;
} catch (const json::exception&) {
  return std::nullopt;
}

}  // namespace layers
