#pragma once

#include "diagnosis/file_view.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// What an installed Python distribution says of itself in its *.dist-info or *.egg-info (Python
/// Packaging User Guide, "Recording installed projects" and "Core metadata"). Texts as written.
struct PythonDistribution {
  std::string name;
  std::string version;
  /// Requires-Dist (or requires.txt), unparsed.
  std::vector<std::string> requires_dist;
  std::string requires_python;
  /// Paths of RECORD (or installed-files.txt, SOURCES.txt), relative to the folder that holds the
  /// metadata; without those that leave it ("../../bin/x").
  std::vector<std::string> files;
  /// Top-level modules and packages: top_level.txt, else from `files`.
  std::vector<std::string> top_level;
  /// Texts of entry_points.txt; empty when there is none.
  std::string entry_points;
};

/// "Zope.Interface" and "zope-interface" are one project (PEP 503): lower case, runs of "-_."
/// become one "-".
std::string normalised_project_name(std::string_view name);

/// "six-1.16.0.dist-info" and "six-1.16.0-py3.11.egg-info" are metadata, whatever is in them.
bool is_metadata_name(std::string_view file_name);

/// Reads the metadata at `path` (a *.dist-info folder, an *.egg-info folder or file). Name and
/// version fall back to the file name; nothing when neither gives a name.
std::optional<PythonDistribution> read_distribution(const FileView& view, const std::string& path);

/// The version of the distribution in `folder` that brings `module`, by its top-level modules or,
/// for "google.cloud", by its files; empty when no metadata there claims it, or several projects
/// do.
std::string version_of_module(const FileView& view, const std::string& folder,
                              std::string_view module);

}  // namespace diagnosis
