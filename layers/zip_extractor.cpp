#include "base/unique_fd.hpp"
#include "layers/archive_error.hpp"
#include "layers/archive_extractor.hpp"
#include "layers/limits.hpp"
#include "layers/tree_writer.hpp"
#include "layers/zip_reader.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace layers {
namespace {

// A worker takes this much at a time: enough that neighbours on disk stay with one worker, little
// enough that all end together.
constexpr std::uint64_t batch_bytes = 512u << 10;
constexpr std::size_t batch_members = 64;
// Members from here on are done first, largest first, one at a time, and in pieces.
constexpr std::uint64_t large_member = ZipMemberReader::worth_pieces;
// Below this a second thread costs more than it brings.
constexpr std::uint64_t bytes_for_a_thread = 512u << 10;
constexpr std::size_t members_for_a_thread = 100;

using Order = std::vector<ZipMember*>;

/// The work as a list of batches; workers take them by number.
std::vector<Order> batches_of(std::vector<ZipMember>& members) {
  std::vector<Order> batches;
  for (ZipMember& member : members)
    if (member.entry.size >= large_member) batches.push_back({&member});
  std::sort(batches.begin(), batches.end(), [](const Order& a, const Order& b) {
    return a.front()->entry.size > b.front()->entry.size;
  });
  Order batch;
  std::uint64_t bytes = 0;
  for (ZipMember& member : members) {
    if (member.entry.size >= large_member) continue;
    batch.push_back(&member);
    bytes += member.entry.size;
    if (bytes < batch_bytes && batch.size() < batch_members) continue;
    batches.push_back(std::move(batch));
    batch.clear();
    bytes = 0;
  }
  if (!batch.empty()) batches.push_back(std::move(batch));
  return batches;
}

/// Shared by the workers. The first error stops all. A member belongs to the one worker that took
/// it, which fills in the target of a symbolic link; nobody changes a path.
class Workers {
 public:
  Workers(const ExtractionRequest& request, ZipContents& contents, const TreeWriter& writer,
          const ProgressScope& progress)
      : request_(request),
        contents_(contents),
        writer_(writer),
        progress_(progress),
        batches_(batches_of(contents.members)) {}

  ~Workers() {
    stop_.store(true, std::memory_order_relaxed);
    join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void start() {
    const std::size_t threads = thread_count();
    others_.reserve(threads);
    for (std::size_t i = 1; i < threads; ++i) {
      try {
        others_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        break;  // A host that grants fewer threads gets the same tree, only later.
      }
    }
  }

  /// Works too, until nothing is left to do.
  base::Result<void> finish() {
    work();
    join();
    if (error_) return std::move(*error_);
    return {};
  }

 private:
  std::size_t thread_count() const {
    const std::uint64_t bytes =
        std::accumulate(contents_.members.begin(), contents_.members.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const ZipMember& m) { return sum + m.entry.size; });
    const std::uint64_t useful =
        1 + std::max<std::uint64_t>(bytes / bytes_for_a_thread,
                                    contents_.members.size() / members_for_a_thread);
    const std::uint64_t cores = std::max(1u, std::thread::hardware_concurrency());
    return static_cast<std::size_t>(std::min({useful, cores, std::uint64_t{batches_.size()}}));
  }

  void join() {
    for (std::thread& other : others_) other.join();
    others_.clear();
  }

  void work() {
    try {
      ZipMemberReader reader(request_.source, contents_.data_end);
      while (!stop_.load(std::memory_order_relaxed)) {
        const std::size_t number = next_.fetch_add(1, std::memory_order_relaxed);
        if (number >= batches_.size()) return;
        if (auto done = unpack(batches_[number], reader); !done) return fail(done.error());
      }
    } catch (const std::exception& exception) {
      fail({base::ErrorKind::io_error, std::string("cannot unpack it: ") + exception.what() +
                                           ". Free some memory and try again."});
    }
  }

  base::Result<void> unpack(const Order& batch, ZipMemberReader& reader) {
    std::uint64_t bytes = 0;
    reader.fetch(batch);
    for (ZipMember* member : batch) {
      if (member->entry.size >= large_member && member->entry.type == TreeEntry::Type::file) {
        TRY(unpack_in_pieces(*member, reader));
        continue;
      }
      TRY_ASSIGN(const auto content, reader.read(*member));
      if (member->entry.type == TreeEntry::Type::symlink) {
        TRY(keep_target(member->entry, content));
      } else {
        TRY(writer_.write_file(member->entry, content.data(), content.size()));
      }
      bytes += content.size();
    }
    progress_.advanced(bytes);
    return {};
  }

  base::Result<void> unpack_in_pieces(const ZipMember& member, ZipMemberReader& reader) {
    TRY_ASSIGN(const int fd, writer_.create_file(member.entry));
    const base::UniqueFd file(fd);
    const auto append = [&](std::span<const unsigned char> piece) -> base::Result<void> {
      // Another worker failed: nobody will want this.
      if (stop_.load(std::memory_order_relaxed))
        return base::Error(base::ErrorKind::io_error, "stopped");
      TRY(TreeWriter::append(fd, member.entry, piece.data(), piece.size()));
      progress_.advanced(piece.size());
      return {};
    };
    TRY(reader.read_in_pieces(member, append));
    return writer_.finish_file(fd, member.entry);
  }

  // The link is made when no file is left to write: nothing can go through a link of the archive.
  static base::Result<void> keep_target(TreeEntry& link, std::span<const unsigned char> target) {
    link.link_target.assign(reinterpret_cast<const char*>(target.data()), target.size());
    if (target.empty() || link.link_target.find('\0') != std::string::npos)
      return broken_archive(shown_name(link.path) + " is a symbolic link to nothing",
                            "Repack it without that entry.");
    return {};
  }

  void fail(base::Error error) {
    // The error first: who is stopped by the flag must not come before the one who set it.
    const std::lock_guard guard(mutex_);
    if (!error_) error_ = std::move(error);
    stop_.store(true, std::memory_order_relaxed);
  }

  const ExtractionRequest& request_;
  const ZipContents& contents_;
  const TreeWriter& writer_;
  const ProgressScope& progress_;
  const std::vector<Order> batches_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::vector<std::thread> others_;
  std::optional<base::Error> error_;
};

/// All entries by path. Only looks at paths, so that the workers may fill in the rest meanwhile.
std::vector<TreeEntry*> by_path(ZipContents& contents) {
  const auto comes_before = [](const TreeEntry* a, const TreeEntry* b) {
    return a->path < b->path;
  };
  std::vector<TreeEntry*> members;
  members.reserve(contents.members.size());
  for (ZipMember& member : contents.members) members.push_back(&member.entry);
  // Tools that pack a sorted listing of files are many.
  if (!std::is_sorted(members.begin(), members.end(), comes_before))
    std::sort(members.begin(), members.end(), comes_before);
  std::vector<TreeEntry*> directories;
  directories.reserve(contents.directories.size());
  for (TreeEntry& directory : contents.directories) directories.push_back(&directory);
  std::vector<TreeEntry*> all(members.size() + directories.size());
  std::merge(members.begin(), members.end(), directories.begin(), directories.end(), all.begin(),
             comes_before);
  return all;
}

TreeSummary summary_of(const ZipContents& contents) {
  TreeSummary summary;
  for (const TreeEntry& directory : contents.directories) count_in(summary, directory);
  for (const ZipMember& member : contents.members) count_in(summary, member.entry);
  return summary;
}

}  // namespace

base::Result<TreeListing> extract_zip(const ExtractionRequest& request) {
  TRY_ASSIGN(ZipContents contents, read_zip_contents(request.source));
  const TreeSummary summary = summary_of(contents);
  TRY(check_package(summary, request.kind));

  const ProgressScope progress(request, summary.unpacked_bytes);
  const TreeWriter writer(request.tree_fd);
  for (const TreeEntry& directory : contents.directories)
    TRY(writer.make_directory(directory.path));
  Workers workers(request, contents, writer, progress);
  workers.start();
  const std::vector<TreeEntry*> sorted = by_path(contents);
  TRY(workers.finish());
  // From here on symbolic links exist, and nothing but links and attributes is made.
  for (const ZipMember& member : contents.members)
    if (member.entry.type == TreeEntry::Type::symlink) TRY(writer.make_symlink(member.entry));
  TRY(writer.finish_directories(contents.directories));
  TreeListing listing;
  listing.reserve(sorted.size());
  for (TreeEntry* entry : sorted) listing.push_back(std::move(*entry));
  return listing;
}

}  // namespace layers
