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
// Members from here on are done first, largest first, one at a time.
constexpr std::uint64_t large_member = 1u << 20;
// Below this a second thread costs more than it brings.
constexpr std::uint64_t bytes_for_a_thread = 512u << 10;
constexpr std::size_t members_for_a_thread = 100;

using Order = std::vector<const ZipMember*>;

/// The work as a list of batches; workers take them by number.
std::vector<Order> batches_of(const std::vector<ZipMember>& members) {
  std::vector<Order> batches;
  for (const ZipMember& member : members)
    if (member.entry.size >= large_member) batches.push_back({&member});
  std::sort(batches.begin(), batches.end(), [](const Order& a, const Order& b) {
    return a.front()->entry.size > b.front()->entry.size;
  });
  Order batch;
  std::uint64_t bytes = 0;
  for (const ZipMember& member : members) {
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

/// Shared by the workers. The first error stops all.
class Workers {
 public:
  Workers(const ExtractionRequest& request, const ZipContents& contents, const TreeWriter& writer,
          const ProgressScope& progress)
      : request_(request),
        contents_(contents),
        writer_(writer),
        progress_(progress),
        batches_(batches_of(contents.members)) {}

  base::Result<TreeListing> run() {
    const std::size_t threads = thread_count();
    std::vector<std::thread> others;
    others.reserve(threads);
    for (std::size_t i = 1; i < threads; ++i) {
      try {
        others.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        break;  // A host that grants fewer threads gets the same tree, only later.
      }
    }
    work();
    for (std::thread& other : others) other.join();
    if (error_) return std::move(*error_);
    return std::move(symlinks_);
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
    for (const ZipMember* member : batch) {
      TRY_ASSIGN(const auto content, reader.read(*member));
      if (member->entry.type == TreeEntry::Type::symlink) {
        TRY(keep_symlink(member->entry, content));
      } else {
        TRY(writer_.write_file(member->entry, content.data(), content.size()));
      }
      bytes += content.size();
    }
    progress_.advanced(bytes);
    return {};
  }

  // Made when no file is left to write: nothing can go through a link of the archive.
  base::Result<void> keep_symlink(const TreeEntry& entry, std::span<const unsigned char> target) {
    TreeEntry link = entry;
    link.link_target.assign(reinterpret_cast<const char*>(target.data()), target.size());
    if (target.empty() || link.link_target.find('\0') != std::string::npos)
      return broken_archive(shown_name(entry.path) + " is a symbolic link to nothing",
                            "Repack it without that entry.");
    const std::lock_guard guard(mutex_);
    symlinks_.push_back(std::move(link));
    return {};
  }

  void fail(base::Error error) {
    stop_.store(true, std::memory_order_relaxed);
    const std::lock_guard guard(mutex_);
    if (!error_) error_ = std::move(error);
  }

  const ExtractionRequest& request_;
  const ZipContents& contents_;
  const TreeWriter& writer_;
  const ProgressScope& progress_;
  const std::vector<Order> batches_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  TreeListing symlinks_;
  std::optional<base::Error> error_;
};

TreeListing listing_of(ZipContents contents, const TreeListing& symlinks) {
  TreeListing listing = std::move(contents.directories);
  listing.reserve(listing.size() + contents.members.size());
  for (ZipMember& member : contents.members)
    if (member.entry.type == TreeEntry::Type::file) listing.push_back(std::move(member.entry));
  listing.insert(listing.end(), symlinks.begin(), symlinks.end());
  std::sort(listing.begin(), listing.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return listing;
}

TreeSummary summary_of(const ZipContents& contents) {
  TreeListing all = contents.directories;
  for (const ZipMember& member : contents.members) all.push_back(member.entry);
  return summarise(all);
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
  TRY_ASSIGN(const TreeListing symlinks, workers.run());
  // From here on symbolic links exist, and nothing but links and attributes is made.
  for (const TreeEntry& link : symlinks) TRY(writer.make_symlink(link));
  TRY(writer.finish_directories(contents.directories));
  return listing_of(std::move(contents), symlinks);
}

}  // namespace layers
