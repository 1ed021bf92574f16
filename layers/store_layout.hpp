#pragma once

#include "base/sha256.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace layers {

/// Every name that the store has on disk; no other file spells one. Names below the root are
/// relative, for openat() on the root's descriptor.
///
///   blobs/sha256/<hex>        the archive as uploaded; only for what `store add` keeps
///   trees/<hex>/              an archive unpacked; it appears by one rename, last of all, so a
///   tree
///                             that is there is whole and has its manifest
///   manifests/<hex>.json      what prepare() needs to know of a tree; its mtime is the last use
///   manifests/<hex>.entries   the listing of the tree, for those who compare layers
///   manifests/<hex>.facts     what the contents of its files say, for those who diagnose
///   merged/<key>/             trees that compose_opt() made; their mtime stamps in manifests/
///   manifests/<key>.merged    empty; mtime is the last use
///   seen/<key>                path and stat of an archive -> its digest
///   remembered/<key>          small answers of compose_opt()
///   tmp/<random>/             work in progress, locked (flock on the folder) by its owner
///   locks/<hex or key>        one extraction at a time of this digest
///   locks/store               held shared by every open store, exclusively by garbage collection
class StoreLayout {
 public:
  explicit StoreLayout(std::filesystem::path root) : root_(std::move(root)) {}

  static constexpr const char* blobs = "blobs/sha256";
  static constexpr const char* trees = "trees";
  static constexpr const char* manifests = "manifests";
  static constexpr const char* merged_trees = "merged";
  static constexpr const char* seen_paths = "seen";
  static constexpr const char* remembered_answers = "remembered";
  static constexpr const char* work = "tmp";
  static constexpr const char* locks = "locks";
  static constexpr const char* store_lock = "locks/store";
  static constexpr const char* manifest_suffix = ".json";
  static constexpr const char* entries_suffix = ".entries";
  static constexpr const char* facts_suffix = ".facts";
  static constexpr const char* merged_suffix = ".merged";

  static std::string blob(std::string_view hex) { return join(blobs, hex); }
  static std::string tree(std::string_view hex) { return join(trees, hex); }
  static std::string manifest(std::string_view hex) {
    return join(manifests, hex).append(manifest_suffix);
  }
  static std::string entries(std::string_view hex) {
    return join(manifests, hex).append(entries_suffix);
  }
  static std::string facts(std::string_view hex) {
    return join(manifests, hex).append(facts_suffix);
  }
  static std::string merged(std::string_view key) { return join(merged_trees, key); }
  static std::string merged_stamp(std::string_view key) {
    return join(manifests, key).append(merged_suffix);
  }
  static std::string seen(std::string_view key) { return join(seen_paths, key); }
  static std::string remembered(std::string_view key) { return join(remembered_answers, key); }
  static std::string lock(std::string_view key) { return join(locks, key); }
  static std::string work_folder(std::string_view name) { return join(work, name); }

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path absolute(std::string_view relative) const { return root_ / relative; }

 private:
  static std::string join(std::string_view folder, std::string_view name) {
    std::string path;
    path.reserve(folder.size() + name.size() + 10);
    return path.append(folder).append("/").append(name);
  }

  std::filesystem::path root_;
};

}  // namespace layers
