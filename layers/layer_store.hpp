#pragma once

#include "base/result.hpp"
#include "base/sha256.hpp"
#include "base/unique_fd.hpp"
#include "layers/extraction_progress.hpp"
#include "layers/prepared_tree.hpp"
#include "layers/store_layout.hpp"
#include "layers/tree_listing.hpp"
#include "layers/work_folder.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace layers {

class WorkFolder;

/// One row of `lamina store ls`.
struct StoredTree {
  base::Digest digest;
  std::filesystem::path tree;
  /// The reference it was first extracted from.
  std::string first_reference;
  std::uint64_t archive_bytes = 0;
  TreeSummary summary;
  /// Within a day: the hot path writes the time of use once a day at most.
  std::chrono::system_clock::time_point last_used;
  /// The archive itself is kept too (`store add`).
  bool has_archive = false;
};

struct GarbageReport {
  std::uint64_t trees = 0;
  std::uint64_t archives = 0;
  /// Left by extractions that were killed.
  std::uint64_t unfinished = 0;
  /// Remembered paths whose archive is gone or has changed.
  std::uint64_t forgotten_paths = 0;
  /// Sizes of the removed trees (unpacked) and archives.
  std::uint64_t bytes = 0;
};

/// Packages by content: an archive is unpacked once for each SHA-256 and then only looked up. Knows
/// nothing of functions, ARNs or mounts. Any number of processes and threads share one store; a
/// process killed at any moment leaves only garbage in tmp/, which the next open() removes. The
/// trees keep their place as long as any LayerStore is open, since each holds a shared lock.
/// Movable; prepare() and the other calls may run in several threads at once. Errors are for the
/// user, in the form `layer "deps.zip": what: why. Remedy.`, with AWS's sentence where AWS would
/// refuse the package (public sources: the Lambda developer guide and the API's recorded answers).
class LayerStore {
 public:
  /// Makes the folder when it is not there.
  static base::Result<LayerStore> open(const std::filesystem::path& root);

  LayerStore(LayerStore&&) noexcept = default;
  LayerStore& operator=(LayerStore&&) noexcept = default;

  /// `reference` is a folder, or a zip, tar, tar.gz or tar.zst file recognised by its content.
  /// Blocks while another process unpacks the same archive. `progress` may be null.
  base::Result<PreparedTree> prepare(const std::string& reference, PackageKind kind,
                                     ExtractionProgress* progress = nullptr);

  /// prepare(), and keeps the archive in the store, so that it can be deleted or served again.
  base::Result<PreparedTree> add(const std::string& reference, PackageKind kind,
                                 ExtractionProgress* progress = nullptr);
  /// The same for an uploaded archive; `reference` is what errors call it.
  base::Result<PreparedTree> add_bytes(std::string_view archive, const std::string& reference,
                                       PackageKind kind, ExtractionProgress* progress = nullptr);

  /// By content: the tree if there is one, else out of the kept archive, else not_found.
  base::Result<PreparedTree> prepare(const base::Digest& digest, const std::string& reference,
                                     PackageKind kind, ExtractionProgress* progress = nullptr);
  /// Where the archive is kept, or not_found.
  base::Result<std::filesystem::path> archive_path(const base::Digest& digest) const;

  /// Sorted by digest.
  base::Result<std::vector<StoredTree>> list() const;
  /// Every file of a prepared tree: read from beside the tree, or walked for a folder.
  base::Result<TreeListing> entries(const PreparedTree& tree) const;
  /// The same of several, in their order.
  base::Result<std::vector<TreeListing>> entries(std::span<const PreparedTree> trees) const;

  /// What others found out about the content of a tree, kept beside it as opaque bytes: empty when
  /// there is nothing, and always for a folder used in place.
  std::string facts(const PreparedTree& tree) const;
  void keep_facts(const PreparedTree& tree, std::string_view bytes) const;

  /// Removes what was not used for `unused_for`, and all that is left over. Refuses when another
  /// process (or another LayerStore) has the store open. The caller must hold no PreparedTree
  /// that it still wants to use. Archives that `wanted_archive` claims stay, however old.
  base::Result<GarbageReport> collect_garbage(
      std::chrono::seconds unused_for,
      const std::function<bool(const base::Digest&)>& wanted_archive = {});

  /// For compose_opt(): the tree kept under `key` in `shelf`, or made by `build` in the descriptor
  /// of an empty folder. At most one process builds; a failed build leaves nothing.
  base::Result<std::filesystem::path> derived_tree(
      const std::string& key, const std::function<base::Result<void>(int tree_fd)>& build);
  /// For compose_opt(): a small remembered text by key; empty when there is none.
  std::string remembered(const std::string& key) const;
  void remember(const std::string& key, std::string_view text);

  const std::filesystem::path& root() const { return layout_.root(); }
  /// A folder on the store's disk for something that must not outlive its owner; the store does.
  base::Result<WorkFolder> work_folder() const { return WorkFolder::make(root_fd_.get()); }

 private:
  LayerStore(StoreLayout layout, base::UniqueFd root_fd, base::UniqueFd use_lock);

  struct OpenArchive;
  base::Result<OpenArchive> open_archive(std::string path) const;
  base::Result<PreparedTree> prepare_named(const std::string& reference, PackageKind kind,
                                           ExtractionProgress* progress, bool keep);
  base::Result<PreparedTree> prepare_folder(const std::string& path, PreparedTree tree) const;
  base::Result<void> prepare_archive(OpenArchive& archive, PreparedTree& tree,
                                     ExtractionProgress* progress, bool keep) const;
  /// With the digest known; unless this process has just computed it, it is checked alongside.
  base::Result<void> extract(const OpenArchive& archive, PreparedTree& tree,
                             ExtractionProgress* progress) const;
  /// With the digest computed alongside.
  base::Result<void> extract_and_hash(const OpenArchive& archive, PreparedTree& tree,
                                      ExtractionProgress* progress, bool keep) const;
  base::Result<TreeListing> unpack(const OpenArchive& archive, const WorkFolder& work,
                                   const PreparedTree& tree, ExtractionProgress* progress) const;
  base::Result<void> publish(const OpenArchive& archive, const WorkFolder& work,
                             const TreeListing& listing, PreparedTree& tree) const;
  bool may_be_known(std::uint64_t archive_bytes) const;
  base::Result<void> keep_archive(const OpenArchive& archive, const base::Digest& digest) const;
  bool load_tree(const base::Digest& digest, PreparedTree& tree) const;
  /// Held by the one process that makes what `key` stands for; leaves no file behind.
  class KeyLock {
   public:
    KeyLock(base::UniqueFd file, int root_fd, std::string path)
        : file_(std::move(file)), root_fd_(root_fd), path_(std::move(path)) {}
    KeyLock(KeyLock&&) noexcept = default;
    KeyLock& operator=(KeyLock&&) = delete;
    ~KeyLock();

   private:
    base::UniqueFd file_;
    int root_fd_;
    std::string path_;
  };
  /// `waited` (may be null) tells whether another process had it.
  base::Result<KeyLock> lock(const std::string& key, bool* waited = nullptr) const;
  base::Result<GarbageReport> collect_alone(
      std::chrono::seconds unused_for,
      const std::function<bool(const base::Digest&)>& wanted_archive) const;

  StoreLayout layout_;
  base::UniqueFd root_fd_;
  base::UniqueFd use_lock_;
};

}  // namespace layers
