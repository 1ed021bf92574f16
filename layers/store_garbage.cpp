// LayerStore::collect_garbage's work: the store is ours alone while it runs.
#include "layers/file_stamp.hpp"
#include "layers/file_tree.hpp"
#include "layers/layer_store.hpp"
#include "layers/manifest.hpp"
#include "layers/stat_cache.hpp"
#include "layers/work_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace layers {
namespace {

constexpr std::size_t largest_small_file = 1u << 20;

class Collection {
 public:
  Collection(int store_fd, const StoreLayout& layout, std::chrono::seconds unused_for)
      : store_fd_(store_fd), layout_(layout) {
    struct timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    keep_since_ns_ = nanoseconds_of(now) - std::int64_t{unused_for.count()} * 1'000'000'000;
  }

  base::Result<void> collect_unfinished() {
    TRY_ASSIGN(report_.unfinished, remove_dead_work(store_fd_));
    return {};
  }

  // A tree goes before its manifest: what is left after a kill has no tree and counts as absent.
  base::Result<void> collect_trees() {
    TRY_ASSIGN(const auto names, folder_names(store_fd_, StoreLayout::trees));
    for (const std::string& name : names) {
      const auto used = modified_ns(StoreLayout::manifest(name));
      if (used && *used > keep_since_ns_) continue;
      const auto manifest = manifest_from_json(content_of(StoreLayout::manifest(name)));
      TRY(discard(StoreLayout::tree(name)));
      ++report_.trees;
      if (manifest) report_.bytes += manifest->summary.unpacked_bytes;
    }
    TRY_ASSIGN(const auto merged, folder_names(store_fd_, StoreLayout::merged_trees));
    for (const std::string& name : merged) {
      const auto used = modified_ns(StoreLayout::merged_stamp(name));
      if (used && *used > keep_since_ns_) continue;
      TRY(discard(StoreLayout::merged(name)));
      ++report_.trees;
    }
    return collect_manifests();
  }

  base::Result<void> collect_archives(
      const std::function<bool(const base::Digest&)>& wanted_archive) {
    TRY_ASSIGN(const auto names, folder_names(store_fd_, StoreLayout::blobs));
    for (const std::string& name : names) {
      const auto digest = base::Digest::from_hex(name);
      if (digest && wanted_archive && wanted_archive(*digest)) continue;
      const std::int64_t used = std::max(modified_ns(StoreLayout::blob(name)).value_or(0),
                                         modified_ns(StoreLayout::manifest(name)).value_or(0));
      if (used > keep_since_ns_) continue;
      struct stat status{};
      if (::fstatat(store_fd_, StoreLayout::blob(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        report_.bytes += static_cast<std::uint64_t>(status.st_size);
      TRY(remove_tree(store_fd_, StoreLayout::blob(name)));
      ++report_.archives;
    }
    return {};
  }

  base::Result<void> forget_paths() {
    TRY_ASSIGN(const auto names, folder_names(store_fd_, StoreLayout::seen_paths));
    for (const std::string& name : names) {
      const auto seen = seen_from_text(content_of(StoreLayout::seen(name)));
      struct stat status{};
      if (seen && ::stat(seen->path.c_str(), &status) == 0 && stamp_of(status) == seen->stamp &&
          modified_ns(StoreLayout::tree(seen->digest.hex())))
        continue;
      TRY(remove_tree(store_fd_, StoreLayout::seen(name)));
      ++report_.forgotten_paths;
    }
    return {};
  }

  // Nobody can hold or want them now.
  base::Result<void> clear_caches() {
    TRY_ASSIGN(const auto answers, folder_names(store_fd_, StoreLayout::remembered_answers));
    for (const std::string& name : answers)
      TRY(remove_tree(store_fd_, StoreLayout::remembered(name)));
    TRY_ASSIGN(const auto locks, folder_names(store_fd_, StoreLayout::locks));
    for (const std::string& name : locks)
      if (StoreLayout::lock(name) != StoreLayout::store_lock)
        TRY(remove_tree(store_fd_, StoreLayout::lock(name)));
    return {};
  }

  const GarbageReport& report() const { return report_; }

 private:
  std::optional<std::int64_t> modified_ns(const std::string& path) const {
    struct stat status{};
    if (::fstatat(store_fd_, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return nanoseconds_of(status.st_mtim);
  }

  std::string content_of(const std::string& path) const {
    auto content = base::read_file(layout_.absolute(path).string(), largest_small_file);
    return content ? std::move(*content) : std::string();
  }

  // Out of sight by one rename, so that a kill cannot leave half of it in place.
  base::Result<void> discard(const std::string& path) {
    TRY_ASSIGN(const WorkFolder work, WorkFolder::make(store_fd_));
    return work.move_in(path);
  }

  base::Result<void> collect_manifests() {
    TRY_ASSIGN(const auto names, folder_names(store_fd_, StoreLayout::manifests));
    for (const std::string& name : names) {
      const std::string stem = name.substr(0, name.find('.'));
      if (modified_ns(StoreLayout::tree(stem)) || modified_ns(StoreLayout::merged(stem))) continue;
      TRY(remove_tree(store_fd_, std::string(StoreLayout::manifests) + "/" + name));
    }
    return {};
  }

  int store_fd_;
  const StoreLayout& layout_;
  std::int64_t keep_since_ns_;
  GarbageReport report_;
};

}  // namespace

base::Result<GarbageReport> LayerStore::collect_alone(
    std::chrono::seconds unused_for,
    const std::function<bool(const base::Digest&)>& wanted_archive) const {
  Collection collection(root_fd_.get(), layout_, unused_for);
  TRY(collection.collect_unfinished());
  // Archives before manifests: the time of last use of both stands there.
  TRY(collection.collect_archives(wanted_archive));
  TRY(collection.collect_trees());
  TRY(collection.forget_paths());
  TRY(collection.clear_caches());
  return collection.report();
}

}  // namespace layers
