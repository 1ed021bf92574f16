#include "base/unique_fd.hpp"
#include "layers/archive_error.hpp"
#include "layers/archive_extractor.hpp"
#include "layers/entry_name.hpp"
#include "layers/limits.hpp"
#include "layers/tree_writer.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace layers {
namespace {

constexpr std::string_view make_again = "Make or download it again.";
constexpr std::size_t longest_link_target = 4095;
constexpr std::size_t tar_block = 512;

struct FreeArchive {
  void operator()(struct archive* archive) const { archive_read_free(archive); }
};
using Archive = std::unique_ptr<struct archive, FreeArchive>;

/// Feeds libarchive from a ByteSource.
struct Feed {
  Feed(const ByteSource& bytes, const ProgressScope& told) : source(bytes), progress(told) {}

  const ByteSource& source;
  const ProgressScope& progress;
  std::uint64_t offset = 0;
  std::optional<base::Error> error;
  std::vector<char> buffer = std::vector<char>(256u << 10);
};

la_ssize_t feed(struct archive* archive, void* context, const void** bytes) {
  auto* from = static_cast<Feed*>(context);
  const std::size_t count = static_cast<std::size_t>(
      std::min<std::uint64_t>(from->buffer.size(), from->source.size() - from->offset));
  if (auto done = from->source.read_at(from->offset, from->buffer.data(), count); !done) {
    from->error = done.error();
    archive_set_error(archive, EIO, "read error");
    return -1;
  }
  from->offset += count;
  from->progress.advanced(count);
  *bytes = from->buffer.data();
  return static_cast<la_ssize_t>(count);
}

// The bytes as they are in the archive; libarchive gives null when the text does not fit into the
// locale (ours is "C"), but then it has the UTF-8 of a pax header.
const char* first_of(const char* raw, const char* utf8) {
  return raw != nullptr ? raw : utf8;
}

class TarExtraction {
 public:
  TarExtraction(const ExtractionRequest& request, ArchiveFormat format)
      : request_(request), format_(format), writer_(request.tree_fd) {}

  base::Result<TreeListing> run() {
    const ProgressScope progress(request_, request_.source.size());
    TRY(check_end());
    Feed from(request_.source, progress);
    Archive archive(archive_read_new());
    if (!archive) return base::Error(base::ErrorKind::io_error, "cannot read it: out of memory");
    archive_read_support_format_tar(archive.get());
    if (format_ == ArchiveFormat::tar_gzip) archive_read_support_filter_gzip(archive.get());
    if (format_ == ArchiveFormat::tar_zstd) archive_read_support_filter_zstd(archive.get());
    if (archive_read_open(archive.get(), &from, nullptr, feed, nullptr) != ARCHIVE_OK)
      return failure(archive.get(), from);
    for (;;) {
      struct archive_entry* header = nullptr;
      const int outcome = archive_read_next_header(archive.get(), &header);
      if (outcome == ARCHIVE_EOF) break;
      if (outcome != ARCHIVE_OK && outcome != ARCHIVE_WARN) return failure(archive.get(), from);
      TRY(add(archive.get(), header, from));
    }
    return finish();
  }

 private:
  // A plain tar that ends where a member ends would look whole; only its closing zeros tell.
  base::Result<void> check_end() const {
    if (format_ != ArchiveFormat::tar) return {};
    char block[tar_block] = {};
    if (request_.source.size() >= tar_block)
      TRY(request_.source.read_at(request_.source.size() - tar_block, block, tar_block));
    const bool zeros = std::all_of(block, block + tar_block, [](char byte) { return byte == 0; });
    if (zeros && request_.source.size() % tar_block == 0) return {};
    return broken_archive("it is cut short: its end mark is missing", make_again);
  }

  static base::Error failure(struct archive* archive, const Feed& from) {
    if (from.error) return *from.error;
    const char* reason = archive_error_string(archive);
    return broken_archive(reason != nullptr ? reason : "it is not a tar archive", make_again);
  }

  base::Result<void> add(struct archive* archive, struct archive_entry* header, const Feed& from) {
    const char* raw = first_of(archive_entry_pathname(header), archive_entry_pathname_utf8(header));
    if (raw == nullptr) return broken_archive("an entry in it has no name", "Repack it.");
    const std::string_view raw_name = raw;
    TreeEntry entry;
    TRY_ASSIGN(entry.path, tree_path(raw_name));
    entry.mode = archive_entry_perm(header) & 0777;
    entry.mtime = archive_entry_mtime(header);

    const char* hard_link =
        first_of(archive_entry_hardlink(header), archive_entry_hardlink_utf8(header));
    if (hard_link != nullptr) return add_hard_link(std::move(entry), hard_link);
    switch (archive_entry_filetype(header)) {
      case AE_IFDIR:
        return add_directory(std::move(entry));
      case AE_IFLNK: {
        const char* target =
            first_of(archive_entry_symlink(header), archive_entry_symlink_utf8(header));
        return add_symlink(std::move(entry), target != nullptr ? target : "");
      }
      case AE_IFREG:
        return add_file(archive, std::move(entry), archive_entry_size(header), from);
      default:
        return broken_archive(shown_name(raw_name) + " is a device, socket or fifo",
                              "Repack it without that entry.");
    }
  }

  base::Result<void> add_directory(TreeEntry entry) {
    entry.type = TreeEntry::Type::directory;
    if (entry.path.empty()) return {};
    TRY(make_parents(entry.path));
    if (TreeEntry* known = find(entry.path)) {
      if (known->type == TreeEntry::Type::directory) {
        *known = std::move(entry);
        return {};
      }
      TRY(forget(*known));
      TRY(writer_.make_directory(entry.path));
      *known = std::move(entry);
      return {};
    }
    TRY(writer_.make_directory(entry.path));
    return remember(std::move(entry));
  }

  base::Result<void> add_symlink(TreeEntry entry, std::string_view target) {
    entry.type = TreeEntry::Type::symlink;
    if (target.empty() || target.size() > longest_link_target)
      return broken_archive(shown_name(entry.path) + " is a symbolic link to nothing",
                            "Repack it without that entry.");
    entry.link_target = target;
    entry.size = target.size();
    TRY(count(entry.size));
    TRY(make_room(entry.path));
    // The link itself is made when no file is left to write.
    return remember(std::move(entry));
  }

  base::Result<void> add_file(struct archive* archive, TreeEntry entry, std::int64_t size,
                              const Feed& from) {
    if (size < 0) return broken_archive(shown_name(entry.path) + " has no size", make_again);
    entry.size = static_cast<std::uint64_t>(size);
    TRY(count(entry.size));
    TRY(make_room(entry.path));
    TRY_ASSIGN(const int fd, writer_.create_file(entry));
    const base::UniqueFd file(fd);
    TRY(copy_content(archive, fd, entry, from));
    TRY(writer_.finish_file(fd, entry));
    return remember(std::move(entry));
  }

  base::Result<void> copy_content(struct archive* archive, int fd, const TreeEntry& entry,
                                  const Feed& from) {
    std::uint64_t end = 0;
    for (;;) {
      const void* bytes = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int outcome = archive_read_data_block(archive, &bytes, &size, &offset);
      if (outcome == ARCHIVE_EOF) break;
      if (outcome != ARCHIVE_OK) return failure(archive, from);
      if (offset < 0 || size > entry.size || static_cast<std::uint64_t>(offset) > entry.size - size)
        return broken_archive(shown_name(entry.path) + " is larger than it states", make_again);
      end = static_cast<std::uint64_t>(offset) + size;
      const auto* at = static_cast<const char*>(bytes);
      while (size > 0) {
        const ssize_t written = ::pwrite(fd, at, size, offset);
        if (written < 0) {
          if (errno == EINTR) continue;
          return cannot_write(errno, entry.path);
        }
        at += written;
        offset += written;
        size -= static_cast<std::size_t>(written);
      }
    }
    // A sparse file may end in a hole.
    if (end != entry.size && ::ftruncate(fd, static_cast<off_t>(entry.size)) != 0)
      return cannot_write(errno, entry.path);
    return {};
  }

  base::Result<void> add_hard_link(TreeEntry entry, std::string_view raw_target) {
    TRY_ASSIGN(const std::string target, tree_path(raw_target));
    const TreeEntry* original = find(target);
    if (original == nullptr || original->type == TreeEntry::Type::directory)
      return broken_archive(shown_name(entry.path) + " is a hard link to " +
                                shown_name(raw_target) + ", which is no file before it",
                            "Repack it without that link.");
    if (target == entry.path) return {};
    TreeEntry link = *original;
    link.path = entry.path;
    TRY(count(link.size));
    TRY(make_room(link.path));
    if (link.type == TreeEntry::Type::file &&
        ::linkat(request_.tree_fd, target.c_str(), request_.tree_fd, link.path.c_str(), 0) != 0)
      return cannot_write(errno, link.path);
    return remember(std::move(link));
  }

  // Nothing but directories above `path`, and nothing at it.
  base::Result<void> make_room(const std::string& path) {
    if (path.empty()) return broken_archive("a file in it has no name", "Repack it.");
    TRY(make_parents(path));
    TreeEntry* known = find(path);
    if (known == nullptr) return {};
    if (known->type == TreeEntry::Type::directory) return both(path);
    return forget(*known);
  }

  base::Result<void> make_parents(const std::string& path) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      TreeEntry parent;
      parent.path = path.substr(0, slash);
      const TreeEntry* known = find(parent.path);
      if (known == nullptr) {
        parent.type = TreeEntry::Type::directory;
        parent.mode = 0755;
        parent.implicit = true;
        TRY(writer_.make_directory(parent.path));
        TRY(remember(std::move(parent)));
      } else if (known->type == TreeEntry::Type::symlink) {
        return broken_archive(shown_name(path) + " leaves the archive through the symbolic link " +
                                  shown_name(parent.path),
                              "Repack it without one of the two.");
      } else if (known->type == TreeEntry::Type::file) {
        return both(parent.path);
      }
    }
    return {};
  }

  static base::Error both(const std::string& path) {
    return broken_archive(shown_name(path) + " is both a file and a folder",
                          "Repack it without one of the two.");
  }

  // A later entry of the same name replaces the file; hard links to the old one keep it.
  base::Result<void> forget(const TreeEntry& entry) {
    if (entry.type == TreeEntry::Type::file &&
        ::unlinkat(request_.tree_fd, entry.path.c_str(), 0) != 0)
      return cannot_write(errno, entry.path);
    return {};
  }

  TreeEntry* find(const std::string& path) {
    const auto known = by_path_.find(path);
    return known == by_path_.end() ? nullptr : &entries_[known->second];
  }

  base::Result<void> remember(TreeEntry entry) {
    const auto [known, is_new] = by_path_.try_emplace(entry.path, entries_.size());
    if (is_new) {
      entries_.push_back(std::move(entry));
    } else {
      entries_[known->second] = std::move(entry);
    }
    if (entries_.size() > max_tree_entries)
      return base::Error(base::ErrorKind::limit_exceeded,
                         "has more than " + std::to_string(max_tree_entries) +
                             " entries. Leave out what is not needed.");
    return {};
  }

  // Counted as stated, so that a file of holes is stopped too. A name that comes again counts
  // again.
  base::Result<void> count(std::uint64_t bytes) {
    if (bytes > max_unpacked_bytes || total_ + bytes > max_unpacked_bytes)
      return archive_too_big("unpacks to more than " + std::to_string(max_unpacked_bytes) +
                             " bytes");
    total_ += bytes;
    return {};
  }

  base::Result<TreeListing> finish() {
    std::sort(entries_.begin(), entries_.end(),
              [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
    for (const TreeEntry& entry : entries_)
      if (entry.type == TreeEntry::Type::symlink) TRY(writer_.make_symlink(entry));
    TRY(writer_.finish_directories(entries_));
    TRY(check_package(summarise(entries_), request_.kind));
    return std::move(entries_);
  }

  const ExtractionRequest& request_;
  ArchiveFormat format_;
  TreeWriter writer_;
  TreeListing entries_;
  std::unordered_map<std::string, std::size_t> by_path_;
  std::uint64_t total_ = 0;
};

}  // namespace

base::Result<TreeListing> extract_tar(const ExtractionRequest& request, ArchiveFormat format) {
  return TarExtraction(request, format).run();
}

}  // namespace layers
