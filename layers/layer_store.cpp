#include "layers/layer_store.hpp"

#include "layers/archive_error.hpp"
#include "layers/archive_extractor.hpp"
#include "layers/byte_source.hpp"
#include "layers/file_tree.hpp"
#include "layers/limits.hpp"
#include "layers/manifest.hpp"
#include "layers/stat_cache.hpp"
#include "layers/work_folder.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace layers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t largest_small_file = 1u << 20;
constexpr std::size_t largest_listing = 1u << 30;
// Stays in the cache between reading, hashing and copying.
constexpr std::size_t hash_block = 256u << 10;
// Below it a digest takes less than a millisecond, and tells whether there is anything to do.
constexpr std::uint64_t worth_hashing_alongside = 1u << 20;
// In a store of more trees, looking through them costs as much as hashing.
constexpr std::size_t most_looked_through = 1000;
constexpr std::int64_t touch_every_ns = std::int64_t{24 * 3600} * 1'000'000'000;
constexpr const char* tree_in_work = "tree";
constexpr const char* blob_in_work = "blob";

/// Time since the last lap.
class StopWatch {
 public:
  std::chrono::nanoseconds lap() {
    const auto now = Clock::now();
    return now - std::exchange(last_, now);
  }

 private:
  Clock::time_point last_ = Clock::now();
};

std::int64_t now_ns() {
  struct timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds_of(now);
}

// Blocks; EINTR is for others.
bool flock_fully(int fd, int operation) {
  for (;;) {
    if (::flock(fd, operation) == 0) return true;
    if (errno != EINTR) return false;
  }
}

/// A small file in one go; empty when there is none. `modified_ns` (may be null) gets its mtime.
std::string read_small(int folder_fd, const std::string& path, std::int64_t* modified_ns,
                       std::size_t limit = largest_small_file) {
  const base::UniqueFd file(::openat(folder_fd, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return {};
  if (modified_ns != nullptr) *modified_ns = nanoseconds_of(status.st_mtim);
  if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > limit) return {};
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  const FileSource source(file.get(), content.size());
  if (!source.read_at(0, content.data(), content.size())) return {};
  return content;
}

// Of a file as it is, by whatever name.
std::string key_of(const FileStamp& stamp) {
  return short_key(to_text(SeenArchive{.path = {}, .stamp = stamp, .digest = {}}));
}

base::Result<std::string> absolute_path(const std::string& reference) {
  if (reference.starts_with('/')) return reference;
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) return base::from_errno(error.value(), "cannot tell the current folder");
  return (here / reference).string();
}

// Reads the archive once: its digest, and a copy of it in `copy_fd` unless that is negative. Ends
// early with an error once `stop` is set.
base::Result<base::Digest> digest_of(const ByteSource& source, int copy_fd = -1,
                                     const std::atomic<bool>* stop = nullptr) {
  base::Sha256 digest;
  const auto buffer = std::make_unique_for_overwrite<char[]>(hash_block);
  for (std::uint64_t offset = 0; offset < source.size();) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed))
      return base::Error(base::ErrorKind::io_error, "stopped");
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(hash_block, source.size() - offset));
    TRY(source.read_at(offset, buffer.get(), count));
    digest.update(buffer.get(), count);
    if (copy_fd >= 0)
      if (auto written = base::write_all(copy_fd, {buffer.get(), count}); !written)
        return cannot_write(errno, blob_in_work);
    offset += count;
  }
  return digest.finish();
}

/// digest_of() in a thread of its own, or at the end where the host grants none.
class DigestAlongside {
 public:
  DigestAlongside(FileSource source, int copy_fd) : source_(source), copy_fd_(copy_fd) {
    try {
      thread_ = std::thread([this] { compute(); });
    } catch (const std::system_error&) {
      compute_late_ = true;
    }
  }
  ~DigestAlongside() {
    stop_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
  }
  DigestAlongside(const DigestAlongside&) = delete;
  DigestAlongside& operator=(const DigestAlongside&) = delete;

  base::Result<base::Digest> wait() {
    if (thread_.joinable()) thread_.join();
    if (compute_late_) compute();
    return *result_;
  }

 private:
  void compute() {
    try {
      result_ = digest_of(source_, copy_fd_, &stop_);
    } catch (const std::exception& exception) {
      result_ = base::Error(base::ErrorKind::io_error,
                            std::string("cannot hash it: ") + exception.what() + ". Try again.");
    }
  }

  FileSource source_;
  int copy_fd_;
  std::atomic<bool> stop_ = false;
  bool compute_late_ = false;
  std::optional<base::Result<base::Digest>> result_;
  std::thread thread_;
};

base::Result<base::UniqueFd> new_blob(const WorkFolder& work) {
  base::UniqueFd blob(
      ::openat(work.fd(), blob_in_work, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!blob) return cannot_write(errno, blob_in_work);
  return blob;
}

// Shared blocks where the file system can; never a hard link, which an edit would change too.
bool clone(int from_fd, int to_fd) {
  return ::ioctl(to_fd, FICLONE, from_fd) == 0;
}

std::string subject(PackageKind kind, const std::string& reference) {
  return std::string(to_string(kind)) + " " + shown_name(reference);
}

base::Error store_error(const std::filesystem::path& root, base::Error error) {
  return base::with_prefix(std::move(error), "layer store " + shown_name(root.string()));
}

// Exceptions (memory, threads) end here.
template <typename Action>
auto fenced(Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const std::exception& exception) {
    return base::Error(base::ErrorKind::io_error, std::string(exception.what()) + ". Try again.");
  }
}

}  // namespace

/// A regular file that is being prepared.
struct LayerStore::OpenArchive {
  std::string path;
  base::UniqueFd fd;
  FileStamp stamp;
  /// Its digest was computed by this process.
  bool hashed = false;

  FileSource source() const { return {fd.get(), stamp.size}; }
  /// A tree must not be kept under the digest of what the file was before.
  base::Result<void> check_unchanged() const {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return base::from_errno(errno, "cannot look at it");
    if (stamp_of(status) == stamp) return {};
    return changed();
  }
  static base::Error changed() {
    return {base::ErrorKind::corrupt_data,
            "it changed while it was read. Try again when it is complete."};
  }
};

LayerStore::LayerStore(StoreLayout layout, base::UniqueFd root_fd, base::UniqueFd use_lock)
    : layout_(std::move(layout)), root_fd_(std::move(root_fd)), use_lock_(std::move(use_lock)) {}

base::Result<LayerStore> LayerStore::open(const std::filesystem::path& root) {
  std::error_code error;
  const std::filesystem::path where = std::filesystem::absolute(root, error).lexically_normal();
  const auto failed = [&where](base::Error reason) {
    reason.kind = base::ErrorKind::io_error;
    reason.message += ". Set LAMINA_HOME to a folder that you may write to.";
    return store_error(where, std::move(reason));
  };
  constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  base::UniqueFd root_fd(::open(where.c_str(), folder_flags));
  if (!root_fd) {
    std::filesystem::create_directories(where, error);
    root_fd.reset(::open(where.c_str(), folder_flags));
    if (!root_fd) return failed(base::from_errno(errno, "cannot open it"));
  }
  constexpr int lock_flags = O_RDONLY | O_CREAT | O_CLOEXEC;
  base::UniqueFd lock(::openat(root_fd.get(), StoreLayout::store_lock, lock_flags, 0644));
  if (!lock) {
    // The folder of the locks comes last: who finds the lock finds them all.
    for (const char* folder :
         {"blobs", StoreLayout::blobs, StoreLayout::trees, StoreLayout::manifests,
          StoreLayout::merged_trees, StoreLayout::seen_paths, StoreLayout::remembered_answers,
          StoreLayout::work, StoreLayout::locks})
      if (auto made = make_folder(root_fd.get(), folder); !made) return failed(made.error());
    spread_folders(root_fd.get(), StoreLayout::work);
    lock.reset(::openat(root_fd.get(), StoreLayout::store_lock, lock_flags, 0644));
    if (!lock) return failed(base::from_errno(errno, "cannot open its lock"));
  }
  if (!flock_fully(lock.get(), LOCK_SH)) return failed(base::from_errno(errno, "cannot lock it"));
  // Two links mean that there is no folder in it; file systems that do not count say 1.
  struct stat work{};
  if (::fstatat(root_fd.get(), StoreLayout::work, &work, 0) == 0 && work.st_nlink != 2)
    static_cast<void>(remove_dead_work(root_fd.get()));
  return LayerStore(StoreLayout(where), std::move(root_fd), std::move(lock));
}

base::Result<PreparedTree> LayerStore::prepare(const std::string& reference, PackageKind kind,
                                               ExtractionProgress* progress) {
  return prepare_named(reference, kind, progress, false);
}

base::Result<PreparedTree> LayerStore::add(const std::string& reference, PackageKind kind,
                                           ExtractionProgress* progress) {
  return prepare_named(reference, kind, progress, true);
}

base::Result<PreparedTree> LayerStore::prepare_named(const std::string& reference, PackageKind kind,
                                                     ExtractionProgress* progress, bool keep) {
  auto prepared = fenced([&]() -> base::Result<PreparedTree> {
    StopWatch watch;
    PreparedTree tree;
    tree.reference = reference;
    tree.kind = kind;
    TRY_ASSIGN(const std::string path, absolute_path(reference));
    struct stat status{};
    if (reference.empty() || ::stat(path.c_str(), &status) != 0) {
      const int reason = reference.empty() ? ENOENT : errno;
      base::Error error = base::from_errno(reason, "cannot be read");
      error.message += ". Check the path; relative ones start at the current folder.";
      return error;
    }
    if (S_ISDIR(status.st_mode)) {
      if (keep)
        return base::Error(base::ErrorKind::invalid_argument,
                           "it is a folder, and the store keeps archives. Folders are used where "
                           "they are; to keep this one, zip it.");
      TRY_ASSIGN(tree, prepare_folder(path, std::move(tree)));
      tree.resolve_time = watch.lap();
      return tree;
    }
    if (!S_ISREG(status.st_mode))
      return base::Error(
          base::ErrorKind::invalid_argument,
          "it is neither a folder nor a regular file. Give a folder, a zip or a tar.");
    const FileStamp stamp = stamp_of(status);
    const auto seen =
        seen_from_text(read_small(root_fd_.get(), StoreLayout::seen(short_key(path)), nullptr));
    const bool known = seen && seen->path == path && seen->stamp == stamp;
    if (known && !keep && load_tree(seen->digest, tree)) {
      TRY(check_package(tree.summary, kind));
      tree.resolve_time = watch.lap();
      return tree;
    }
    TRY_ASSIGN(OpenArchive archive, open_archive(path));
    if (known && archive.stamp == stamp) tree.digest = seen->digest;
    tree.resolve_time = watch.lap();
    TRY(prepare_archive(archive, tree, progress, keep));
    if (keep) TRY(keep_archive(archive, *tree.digest));
    return tree;
  });
  if (!prepared) return base::with_prefix(prepared.error(), subject(kind, reference));
  return prepared;
}

base::Result<LayerStore::OpenArchive> LayerStore::open_archive(std::string path) const {
  OpenArchive archive;
  archive.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status{};
  if (!archive.fd || ::fstat(archive.fd.get(), &status) != 0)
    return base::from_errno(errno, "cannot be read");
  archive.path = std::move(path);
  archive.stamp = stamp_of(status);
  return archive;
}

base::Result<PreparedTree> LayerStore::prepare_folder(const std::string& path,
                                                      PreparedTree tree) const {
  std::error_code error;
  tree.tree = std::filesystem::canonical(path, error);
  if (error) return base::from_errno(error.value(), "cannot be read");
  TRY_ASSIGN(const FolderListing listing, list_folder(tree.tree.string()));
  tree.origin = Origin::folder_in_place;
  tree.summary = summarise(listing.entries);
  tree.summary.root_mode = listing.root_mode;
  TRY(check_package(tree.summary, tree.kind));
  return tree;
}

// Finds or makes the tree, and remembers the path. The digest is known already when the path was
// seen but its tree is gone.
base::Result<void> LayerStore::prepare_archive(OpenArchive& archive, PreparedTree& tree,
                                               ExtractionProgress* progress, bool keep) const {
  StopWatch watch;
  if (!tree.digest) {
    const bool settled = !just_changed(archive.stamp);
    // Whether the tree is there only the digest can tell; where it cannot be there, the digest is
    // computed while the archive is unpacked. One process at a time does so with the same file.
    std::optional<KeyLock> only_one;
    bool hash_first = archive.stamp.size < worth_hashing_alongside;
    if (!hash_first) {
      TRY_ASSIGN(KeyLock of_this_file, lock(key_of(archive.stamp), &hash_first));
      only_one.emplace(std::move(of_this_file));
      hash_first = hash_first || may_be_known(archive.stamp.size);
    }
    if (hash_first) {
      only_one.reset();
      TRY_ASSIGN(tree.digest, digest_of(archive.source()));
      TRY(archive.check_unchanged());
      archive.hashed = true;
      tree.verify_time = watch.lap();
      if (!load_tree(*tree.digest, tree)) TRY(extract(archive, tree, progress));
    } else {
      TRY(extract_and_hash(archive, tree, progress, keep));
    }
    if (settled && !archive.path.empty()) {
      const SeenArchive seen{archive.path, archive.stamp, *tree.digest};
      // Only a cache: whoever cannot write it hashes again.
      if (const auto work = WorkFolder::make(root_fd_.get()))
        static_cast<void>(
            work->replace_file(StoreLayout::seen(short_key(archive.path)), to_text(seen)));
    }
  } else if (!load_tree(*tree.digest, tree)) {
    TRY(extract(archive, tree, progress));
  }
  TRY(check_package(tree.summary, tree.kind));
  if (tree.origin == Origin::extracted) tree.extract_time = watch.lap();
  return {};
}

// Whether a tree of the store was made of an archive of this size.
bool LayerStore::may_be_known(std::uint64_t archive_bytes) const {
  const auto names = folder_names(root_fd_.get(), StoreLayout::manifests);
  if (!names || names->size() > most_looked_through) return true;
  return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
    if (!name.ends_with(StoreLayout::manifest_suffix)) return false;
    const auto manifest = manifest_from_json(
        read_small(root_fd_.get(), std::string(StoreLayout::manifests) + "/" + name, nullptr));
    return manifest && manifest->archive_bytes == archive_bytes;
  });
}

bool LayerStore::load_tree(const base::Digest& digest, PreparedTree& tree) const {
  const std::string hex = digest.hex();
  const std::string path = StoreLayout::tree(hex);
  struct stat status{};
  if (::fstatat(root_fd_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  std::int64_t used_ns = 0;
  const std::string manifest_path = StoreLayout::manifest(hex);
  const auto manifest = manifest_from_json(read_small(root_fd_.get(), manifest_path, &used_ns));
  if (!manifest) return false;
  if (now_ns() - used_ns > touch_every_ns)
    ::utimensat(root_fd_.get(), manifest_path.c_str(), nullptr, 0);
  tree.origin = Origin::found_in_store;
  tree.digest = digest;
  tree.tree = layout_.absolute(path);
  tree.archive_bytes = manifest->archive_bytes;
  tree.summary = manifest->summary;
  return true;
}

LayerStore::KeyLock::~KeyLock() {
  // Removed while it is still held: who waits for it finds out and takes the next file of the name.
  if (file_) ::unlinkat(root_fd_, path_.c_str(), 0);
}

base::Result<LayerStore::KeyLock> LayerStore::lock(const std::string& key, bool* waited) const {
  const std::string path = StoreLayout::lock(key);
  for (;;) {
    base::UniqueFd file(
        ::openat(root_fd_.get(), path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file) return base::from_errno(errno, "cannot lock the store");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (waited != nullptr) *waited = true;
      if (!flock_fully(file.get(), LOCK_EX))
        return base::from_errno(errno, "cannot lock the store");
    }
    struct stat locked{};
    struct stat named{};
    if (::fstat(file.get(), &locked) == 0 &&
        ::fstatat(root_fd_.get(), path.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        locked.st_ino == named.st_ino)
      return KeyLock(std::move(file), root_fd_.get(), path);
  }
}

base::Result<void> LayerStore::extract(const OpenArchive& archive, PreparedTree& tree,
                                       ExtractionProgress* progress) const {
  TRY_ASSIGN(const KeyLock only_one, lock(tree.digest->hex()));
  // Another process may have made it while this one waited.
  if (load_tree(*tree.digest, tree)) return {};
  TRY_ASSIGN(const WorkFolder work, WorkFolder::make(root_fd_.get()));
  std::optional<DigestAlongside> digest;
  if (!archive.hashed) digest.emplace(archive.source(), -1);
  TRY_ASSIGN(const TreeListing listing, unpack(archive, work, tree, progress));
  if (digest) {
    TRY_ASSIGN(const base::Digest found, digest->wait());
    if (found != *tree.digest)
      return base::Error(base::ErrorKind::corrupt_data,
                         "its SHA-256 is not the one that it was kept under. Add it again.");
  }
  TRY(archive.check_unchanged());
  return publish(archive, work, listing, tree);
}

base::Result<void> LayerStore::extract_and_hash(const OpenArchive& archive, PreparedTree& tree,
                                                ExtractionProgress* progress, bool keep) const {
  TRY_ASSIGN(const WorkFolder work, WorkFolder::make(root_fd_.get()));
  base::UniqueFd copy;
  bool cloned = false;
  if (keep) {
    TRY_ASSIGN(copy, new_blob(work));
    cloned = clone(archive.fd.get(), copy.get());
  }
  DigestAlongside digest(archive.source(), cloned ? -1 : copy.get());
  TRY_ASSIGN(const TreeListing listing, unpack(archive, work, tree, progress));
  TRY_ASSIGN(tree.digest, digest.wait());
  TRY(archive.check_unchanged());
  const std::string hex = tree.digest->hex();
  TRY_ASSIGN(const KeyLock only_one, lock(hex));
  // The same content under another name: this one is then for the bin.
  if (!load_tree(*tree.digest, tree)) TRY(publish(archive, work, listing, tree));
  return keep ? work.move_out(blob_in_work, StoreLayout::blob(hex)) : base::Result<void>();
}

// Into the work folder.
base::Result<TreeListing> LayerStore::unpack(const OpenArchive& archive, const WorkFolder& work,
                                             const PreparedTree& tree,
                                             ExtractionProgress* progress) const {
  const FileSource source = archive.source();
  TRY_ASSIGN(const ArchiveFormat format, recognise_archive(source));
  if (format == ArchiveFormat::none)
    return broken_archive("it is neither a zip nor a tar archive",
                          "Give a zip, a tar or a folder.");
  TRY(make_folder(work.fd(), tree_in_work));
  TRY_ASSIGN(const base::UniqueFd tree_fd, open_folder(work.fd(), tree_in_work));
  if (::fchmod(tree_fd.get(), 0755) != 0) return cannot_write(errno, tree_in_work);
  const ExtractionRequest request{.source = source,
                                  .tree_fd = tree_fd.get(),
                                  .kind = tree.kind,
                                  .reference = tree.reference,
                                  .progress = progress};
  return format == ArchiveFormat::zip ? extract_zip(request) : extract_tar(request, format);
}

// Out of the work folder to its place under the digest, whose lock the caller holds.
base::Result<void> LayerStore::publish(const OpenArchive& archive, const WorkFolder& work,
                                       const TreeListing& listing, PreparedTree& tree) const {
  const std::string hex = tree.digest->hex();
  const Manifest manifest{.first_reference = tree.reference,
                          .archive_bytes = archive.stamp.size,
                          .summary = summarise(listing)};
  TRY(work.replace_file(StoreLayout::entries(hex), to_text(listing)));
  TRY(work.replace_file(StoreLayout::manifest(hex), to_json(manifest)));
  // A tree whose manifest was lost or is of another version makes place; so does what was found out
  // about it.
  ::unlinkat(root_fd_.get(), StoreLayout::facts(hex).c_str(), 0);
  TRY(work.move_in(StoreLayout::tree(hex)));
  // The tree comes last: where it is, all that belongs to it is.
  TRY(work.move_out(tree_in_work, StoreLayout::tree(hex)));
  tree.origin = Origin::extracted;
  tree.tree = layout_.absolute(StoreLayout::tree(hex));
  tree.archive_bytes = manifest.archive_bytes;
  tree.summary = manifest.summary;
  return {};
}

base::Result<void> LayerStore::keep_archive(const OpenArchive& archive,
                                            const base::Digest& digest) const {
  const std::string blob = StoreLayout::blob(digest.hex());
  struct stat status{};
  if (::fstatat(root_fd_.get(), blob.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    ::utimensat(root_fd_.get(), blob.c_str(), nullptr, 0);
    return {};
  }
  TRY_ASSIGN(const WorkFolder work, WorkFolder::make(root_fd_.get()));
  TRY_ASSIGN(const base::UniqueFd copy, new_blob(work));
  if (!clone(archive.fd.get(), copy.get())) {
    // Plain reads and writes: within one file system the kernel's own copy is slower, page by page.
    TRY_ASSIGN(const base::Digest copied, digest_of(archive.source(), copy.get()));
    if (copied != digest) return OpenArchive::changed();
  }
  TRY(archive.check_unchanged());
  return work.move_out(blob_in_work, blob);
}

base::Result<PreparedTree> LayerStore::add_bytes(std::string_view bytes,
                                                 const std::string& reference, PackageKind kind,
                                                 ExtractionProgress* progress) {
  auto prepared = fenced([&]() -> base::Result<PreparedTree> {
    StopWatch watch;
    PreparedTree tree;
    tree.reference = reference;
    tree.kind = kind;
    tree.digest = base::sha256(bytes);
    tree.verify_time = watch.lap();
    const std::string hex = tree.digest->hex();
    TRY_ASSIGN(const WorkFolder work, WorkFolder::make(root_fd_.get()));
    TRY(write_new_file(work.fd(), blob_in_work, bytes));
    OpenArchive archive;
    archive.fd.reset(::openat(work.fd(), blob_in_work, O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!archive.fd || ::fstat(archive.fd.get(), &status) != 0)
      return base::from_errno(errno, "cannot be read");
    archive.stamp = stamp_of(status);
    archive.hashed = true;
    TRY(prepare_archive(archive, tree, progress, false));
    TRY(work.move_out(blob_in_work, StoreLayout::blob(hex)));
    return tree;
  });
  if (!prepared) return base::with_prefix(prepared.error(), subject(kind, reference));
  return prepared;
}

base::Result<PreparedTree> LayerStore::prepare(const base::Digest& digest,
                                               const std::string& reference, PackageKind kind,
                                               ExtractionProgress* progress) {
  auto prepared = fenced([&]() -> base::Result<PreparedTree> {
    StopWatch watch;
    PreparedTree tree;
    tree.reference = reference;
    tree.kind = kind;
    if (load_tree(digest, tree)) {
      TRY(check_package(tree.summary, kind));
      tree.resolve_time = watch.lap();
      return tree;
    }
    TRY_ASSIGN(const std::filesystem::path path, archive_path(digest));
    TRY_ASSIGN(OpenArchive archive, open_archive(path.string()));
    archive.path.clear();  // Its name is its digest; no need to remember it.
    tree.digest = digest;
    tree.resolve_time = watch.lap();
    TRY(prepare_archive(archive, tree, progress, false));
    return tree;
  });
  if (!prepared) return base::with_prefix(prepared.error(), subject(kind, reference));
  return prepared;
}

base::Result<std::filesystem::path> LayerStore::archive_path(const base::Digest& digest) const {
  const std::string blob = StoreLayout::blob(digest.hex());
  if (::faccessat(root_fd_.get(), blob.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return layout_.absolute(blob);
  return base::Error(base::ErrorKind::not_found,
                     "the store has no archive " + digest.hex() + ". Add it again.");
}

base::Result<std::vector<StoredTree>> LayerStore::list() const {
  std::vector<StoredTree> rows;
  auto read = fenced([&]() -> base::Result<void> {
    TRY_ASSIGN(const auto names, folder_names(root_fd_.get(), StoreLayout::trees));
    for (const std::string& name : names) {
      const auto digest = base::Digest::from_hex(name);
      if (!digest) continue;
      std::int64_t used_ns = 0;
      const auto manifest =
          manifest_from_json(read_small(root_fd_.get(), StoreLayout::manifest(name), &used_ns));
      if (!manifest) continue;
      rows.push_back({.digest = *digest,
                      .tree = layout_.absolute(StoreLayout::tree(name)),
                      .first_reference = manifest->first_reference,
                      .archive_bytes = manifest->archive_bytes,
                      .summary = manifest->summary,
                      .last_used = std::chrono::system_clock::time_point(
                          std::chrono::duration_cast<std::chrono::system_clock::duration>(
                              std::chrono::nanoseconds(used_ns))),
                      .has_archive = bool(archive_path(*digest))});
    }
    return {};
  });
  if (!read) return store_error(root(), read.error());
  std::sort(rows.begin(), rows.end(),
            [](const StoredTree& a, const StoredTree& b) { return a.digest < b.digest; });
  return rows;
}

base::Result<TreeListing> LayerStore::entries(const PreparedTree& tree) const {
  auto listing = fenced([&]() -> base::Result<TreeListing> {
    if (tree.digest)
      return listing_from_text(read_small(root_fd_.get(), StoreLayout::entries(tree.digest->hex()),
                                          nullptr, largest_listing));
    TRY_ASSIGN(FolderListing folder, list_folder(tree.tree.string()));
    return std::move(folder.entries);
  });
  if (!listing) return base::with_prefix(listing.error(), subject(tree.kind, tree.reference));
  return listing;
}

base::Result<std::vector<TreeListing>> LayerStore::entries(
    std::span<const PreparedTree> trees) const {
  std::vector<TreeListing> listings;
  for (const PreparedTree& tree : trees) {
    TRY_ASSIGN(TreeListing listing, entries(tree));
    listings.push_back(std::move(listing));
  }
  return listings;
}

std::string LayerStore::facts(const PreparedTree& tree) const {
  if (!tree.digest) return {};
  return read_small(root_fd_.get(), StoreLayout::facts(tree.digest->hex()), nullptr,
                    largest_listing);
}

void LayerStore::keep_facts(const PreparedTree& tree, std::string_view bytes) const {
  if (!tree.digest) return;
  // Without it the next one computes them again.
  if (const auto work = WorkFolder::make(root_fd_.get()))
    static_cast<void>(work->replace_file(StoreLayout::facts(tree.digest->hex()), bytes));
}

base::Result<std::filesystem::path> LayerStore::derived_tree(
    const std::string& key, const std::function<base::Result<void>(int tree_fd)>& build) {
  const std::string path = StoreLayout::merged(key);
  const std::string stamp = StoreLayout::merged_stamp(key);
  const auto is_there = [&] {
    struct stat status{};
    if (::fstatat(root_fd_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
    if (::fstatat(root_fd_.get(), stamp.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        now_ns() - nanoseconds_of(status.st_mtim) > touch_every_ns)
      ::utimensat(root_fd_.get(), stamp.c_str(), nullptr, 0);
    return true;
  };
  if (is_there()) return layout_.absolute(path);
  auto built = fenced([&]() -> base::Result<void> {
    TRY_ASSIGN(const KeyLock only_one, lock(key));
    if (is_there()) return {};
    TRY_ASSIGN(const WorkFolder work, WorkFolder::make(root_fd_.get()));
    TRY(make_folder(work.fd(), tree_in_work));
    TRY_ASSIGN(const base::UniqueFd tree_fd, open_folder(work.fd(), tree_in_work));
    if (::fchmod(tree_fd.get(), 0755) != 0) return cannot_write(errno, tree_in_work);
    TRY(build(tree_fd.get()));
    TRY(work.replace_file(stamp, ""));
    return work.move_out(tree_in_work, path);
  });
  if (!built) return store_error(root(), built.error());
  return layout_.absolute(path);
}

std::string LayerStore::remembered(const std::string& key) const {
  const std::string text =
      read_small(root_fd_.get(), StoreLayout::remembered(short_key(key)), nullptr);
  const std::size_t end = text.find('\n');
  if (end == std::string::npos || text.substr(0, end) != key) return {};
  return text.substr(end + 1);
}

void LayerStore::remember(const std::string& key, std::string_view text) {
  if (const auto work = WorkFolder::make(root_fd_.get()))
    static_cast<void>(work->replace_file(StoreLayout::remembered(short_key(key)),
                                         std::string(key).append("\n").append(text)));
}

base::Result<GarbageReport> LayerStore::collect_garbage(
    std::chrono::seconds unused_for,
    const std::function<bool(const base::Digest&)>& wanted_archive) {
  if (::flock(use_lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    // A failed change of a lock may have dropped it.
    flock_fully(use_lock_.get(), LOCK_SH);
    return store_error(root(), {base::ErrorKind::io_error,
                                "cannot collect garbage: other lamina processes use it. Stop them "
                                "(lamina serve, running invocations), then try again."});
  }
  auto report = fenced([&] { return collect_alone(unused_for, wanted_archive); });
  flock_fully(use_lock_.get(), LOCK_SH);
  if (!report) return store_error(root(), report.error());
  return report;
}

}  // namespace layers
