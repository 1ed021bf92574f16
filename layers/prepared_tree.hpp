#pragma once

#include "base/sha256.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace layers {

/// What a package is for. Both kinds share the trees of the store; only the checks differ.
enum class PackageKind { code, layer };
/// "code", "layer": how error texts begin.
std::string_view to_string(PackageKind kind);

enum class Origin { folder_in_place, found_in_store, extracted };
/// "folder", "found", "extracted": how reports name it.
std::string_view to_string(Origin origin);

/// How many things of one sort a tree has, and the first by name, for the message about them.
struct Findings {
  std::uint64_t count = 0;
  std::string example;
};

/// Counted once when the tree is made, so that a tree found in the store is judged without a walk.
struct TreeSummary {
  /// Contents of files and targets of symbolic links, in bytes; what AWS's limit counts.
  std::uint64_t unpacked_bytes = 0;
  /// Files and symbolic links.
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  /// Directories that no entry of the archive names. They are 0755 on disk and take over the mode
  /// of a lower layer's directory when /opt is composed.
  std::uint64_t implicit_directories = 0;
  /// Directories (without the root) that have another mode than 0755.
  std::uint64_t odd_directories = 0;
  /// Files without o+r and directories without o+x: AWS refuses a layer that has them.
  Findings unreadable_files;
  Findings unsearchable_directories;
  /// Permission bits of the root; always 0755 for an archive.
  std::uint32_t root_mode = 0755;
};

/// A package that is ready on disk: a value, no resources. `tree` stays there as long as the
/// LayerStore that made it is open. Sizes in bytes, times as measured by this process; a step that
/// was not needed took zero.
struct PreparedTree {
  /// As the user wrote it.
  std::string reference;
  PackageKind kind = PackageKind::layer;
  Origin origin = Origin::folder_in_place;
  /// SHA-256 of the archive; a folder used in place has none.
  std::optional<base::Digest> digest;
  /// Absolute. Read-only by convention: the trees of the store are shared by all functions.
  std::filesystem::path tree;
  /// Size of the archive; 0 for a folder.
  std::uint64_t archive_bytes = 0;
  TreeSummary summary;
  /// Looking it up, or walking the folder.
  std::chrono::nanoseconds resolve_time{};
  /// Hashing an archive not seen before at this path; 0 where that went alongside the unpacking.
  std::chrono::nanoseconds verify_time{};
  /// Unpacking, or waiting for another process that unpacks the same archive.
  std::chrono::nanoseconds extract_time{};
};

}  // namespace layers
