#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// What Lambda's name of a runtime says about where it looks. Knows every language of Lambda,
/// whatever this host can run. Source: the developer guide, "Packaging your layer content" and the
/// search paths that functions on AWS print.
struct RuntimeProfile {
  enum class Language { python, nodejs, java, ruby, dotnet, go, custom };

  std::string identifier;  ///< "python3.11"
  Language language = Language::custom;
  /// "3.11", "20", "3.3"; empty for custom runtimes.
  std::string version;

  static std::optional<RuntimeProfile> of(std::string_view identifier);

  /// Folders below /opt in which the runtime looks for what code imports, the highest precedence
  /// first: "python/lib/python3.11/site-packages", "python".
  std::vector<std::string> import_folders() const;
  /// Whether something looks at this path below /opt by itself: the import folders, bin, lib,
  /// extensions, a custom runtime's bootstrap.
  bool reaches(std::string_view path) const;
};

/// The number of "python3.8" in "python/lib/python3.8/site-packages/x", of "node18" in
/// "nodejs/node18/node_modules/x", of "3.2.0" in "ruby/gems/3.2.0/x": a folder for one version of
/// a language. Nothing for other paths.
struct VersionFolder {
  RuntimeProfile::Language language = RuntimeProfile::Language::custom;
  std::string version;
  /// "python/lib/python3.8/site-packages".
  std::string folder;
};
std::optional<VersionFolder> version_folder(std::string_view path);

}  // namespace diagnosis
