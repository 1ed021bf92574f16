#include "diagnosis/runtime_profile.hpp"

#include "layers/entry_name.hpp"

#include <algorithm>
#include <array>

namespace diagnosis {
namespace {

using layers::is_at_or_below;
using Language = RuntimeProfile::Language;

bool is_version(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

/// What stands between `before` and the next slash.
std::optional<std::string> version_after(std::string_view path, std::string_view before) {
  if (!path.starts_with(before)) return std::nullopt;
  path.remove_prefix(before.size());
  const std::string_view version = path.substr(0, path.find('/'));
  return is_version(version) ? std::optional(std::string(version)) : std::nullopt;
}

}  // namespace

std::optional<RuntimeProfile> RuntimeProfile::of(std::string_view identifier) {
  RuntimeProfile profile;
  profile.identifier = identifier;
  if (identifier == "provided" || identifier == "provided.al2" || identifier == "provided.al2023")
    return profile;
  constexpr std::array prefixes = {
      std::pair("python", Language::python), std::pair("nodejs", Language::nodejs),
      std::pair("java", Language::java),     std::pair("ruby", Language::ruby),
      std::pair("dotnet", Language::dotnet), std::pair("go", Language::go)};
  for (const auto& [prefix, language] : prefixes) {
    if (!identifier.starts_with(prefix)) continue;
    std::string_view version = identifier.substr(std::string_view(prefix).size());
    // "nodejs20.x", "java8.al2", "python3.12", "ruby3.3", "dotnet8": nothing else is one.
    const bool with_x = language == Language::nodejs || language == Language::go;
    if (with_x != version.ends_with(".x")) return std::nullopt;
    if (with_x) version.remove_suffix(2);
    if (language == Language::java && version.ends_with(".al2")) version.remove_suffix(4);
    const bool two_parts = language == Language::python || language == Language::ruby;
    const auto dots = std::count(version.begin(), version.end(), '.');
    if (!is_version(version) || version.back() == '.' || dots != (two_parts ? 1 : 0))
      return std::nullopt;
    if (language == Language::python && version != "2.7" && !version.starts_with("3."))
      return std::nullopt;
    profile.language = language;
    profile.version = version;
    return profile;
  }
  return std::nullopt;
}

std::vector<std::string> RuntimeProfile::import_folders() const {
  switch (language) {
    case Language::python:
      return {"python/lib/python" + version + "/site-packages", "python"};
    case Language::nodejs:
      return {"nodejs/node" + version + "/node_modules", "nodejs/node_modules"};
    case Language::java:
      return {"java/lib"};
    case Language::ruby:
      return {"ruby/gems/" + version + ".0", "ruby/lib"};
    case Language::dotnet:
    case Language::go:
    case Language::custom:
      return {};
  }
  return {};
}

bool RuntimeProfile::reaches(std::string_view path) const {
  if (is_at_or_below(path, "bin") || is_at_or_below(path, "lib") ||
      is_at_or_below(path, "extensions"))
    return true;
  if (language == Language::custom && path == "bootstrap") return true;
  if (language == Language::java)
    return path.starts_with("java/lib/") && path.ends_with(".jar") &&
           path.find('/', std::string_view("java/lib/").size()) == std::string_view::npos;
  // Below python/ everything could be a package, but for the folders of other versions.
  if (const auto folder = version_folder(path);
      folder && folder->language == language &&
      (language == Language::ruby ? folder->version != version + ".0" : folder->version != version))
    return false;
  const auto folders = import_folders();
  return std::any_of(folders.begin(), folders.end(),
                     [path](const std::string& folder) { return is_at_or_below(path, folder); });
}

std::optional<VersionFolder> version_folder(std::string_view path) {
  if (auto version = version_after(path, "python/lib/python")) {
    const std::string folder = "python/lib/python" + *version + "/site-packages";
    return VersionFolder{Language::python, *version, folder};
  }
  if (auto version = version_after(path, "nodejs/node"))
    return VersionFolder{Language::nodejs, *version, "nodejs/node" + *version + "/node_modules"};
  if (auto version = version_after(path, "ruby/gems/"))
    return VersionFolder{Language::ruby, *version, "ruby/gems/" + *version};
  return std::nullopt;
}

}  // namespace diagnosis
