#include "layers/tree_listing.hpp"

#include "layers/archive_error.hpp"
#include "layers/file_stamp.hpp"
#include "layers/file_tree.hpp"
#include "layers/limits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

namespace layers {
namespace {

constexpr std::uint32_t readable_by_others = 0004;
constexpr std::uint32_t searchable_by_others = 0001;
constexpr std::string_view format_line = "lamina-entries 1\n";

void note(Findings& findings, const std::string& path) {
  if (findings.count++ == 0) findings.example = path;
}

char letter_of(const TreeEntry& entry) {
  switch (entry.type) {
    case TreeEntry::Type::directory:
      return entry.implicit ? 'i' : 'd';
    case TreeEntry::Type::file:
      return 'f';
    case TreeEntry::Type::symlink:
      return 'l';
  }
  return '?';
}

// Fields are separated by blanks and lines by newlines, both of which a name may contain.
void append_escaped(std::string& text, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  const auto needs_escape = [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte <= ' ' || byte == '%' || byte == 0x7f;
  };
  for (auto at = bytes.begin(); at != bytes.end(); ++at) {
    const auto plain_end = std::find_if(at, bytes.end(), needs_escape);
    text.append(at, plain_end);
    if (plain_end == bytes.end()) return;
    at = plain_end;
    const auto byte = static_cast<unsigned char>(*at);
    text.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    unsigned value = 0;
    if (text.size() - i < 3) return std::nullopt;
    const char* end = text.data() + i + 3;
    if (std::from_chars(text.data() + i + 1, end, value, 16).ptr != end) return std::nullopt;
    bytes += static_cast<char>(value);
    i += 2;
  }
  return bytes;
}

std::string_view next_field(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return field;
}

template <typename Number>
bool parse(std::string_view field, Number& number, int base = 10) {
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, number, base);
  return error == std::errc() && stop == end;
}

std::optional<TreeEntry> parse_line(std::string_view line) {
  TreeEntry entry;
  const std::string_view type = next_field(line);
  if (type == "f") {
    entry.type = TreeEntry::Type::file;
  } else if (type == "l") {
    entry.type = TreeEntry::Type::symlink;
  } else if (type == "d" || type == "i") {
    entry.type = TreeEntry::Type::directory;
    entry.implicit = type == "i";
  } else {
    return std::nullopt;
  }
  if (!parse(next_field(line), entry.mode, 8) || !parse(next_field(line), entry.size) ||
      !parse(next_field(line), entry.crc32, 16) || !parse(next_field(line), entry.mtime))
    return std::nullopt;
  auto path = unescaped(next_field(line));
  auto target = unescaped(next_field(line));
  if (!path || path->empty() || !target || !line.empty()) return std::nullopt;
  entry.path = std::move(*path);
  entry.link_target = std::move(*target);
  return entry;
}

base::Result<TreeEntry> entry_of(int folder_fd, const std::string& path,
                                 const struct stat& status) {
  TreeEntry entry;
  entry.path = path;
  entry.mode = status.st_mode & 0777;
  entry.mtime = status.st_mtim.tv_sec;
  if (S_ISDIR(status.st_mode)) {
    entry.type = TreeEntry::Type::directory;
  } else if (S_ISREG(status.st_mode)) {
    entry.size = static_cast<std::uint64_t>(status.st_size);
  } else if (S_ISLNK(status.st_mode)) {
    entry.type = TreeEntry::Type::symlink;
    char target[4096];
    const ssize_t size = ::readlinkat(folder_fd, path.c_str(), target, sizeof target);
    if (size < 0) return base::from_errno(errno, "cannot read the link " + shown_name(path));
    entry.link_target.assign(target, static_cast<std::size_t>(size));
    entry.size = static_cast<std::uint64_t>(size);
  } else {
    return base::Error(base::ErrorKind::invalid_argument,
                       shown_name(path) +
                           " is a device, socket or fifo: a package cannot hold it. "
                           "Remove it from the folder.");
  }
  return entry;
}

template <typename Number>
void append_bytes(std::string& text, Number number) {
  text.append(reinterpret_cast<const char*>(&number), sizeof number);
}

}  // namespace

void count_in(TreeSummary& summary, const TreeEntry& entry) {
  if (entry.type == TreeEntry::Type::directory) {
    ++summary.directories;
    if (entry.implicit) ++summary.implicit_directories;
    if (entry.mode != 0755) ++summary.odd_directories;
    if ((entry.mode & searchable_by_others) == 0)
      note(summary.unsearchable_directories, entry.path);
    return;
  }
  ++summary.files;
  summary.unpacked_bytes += entry.size;
  if (entry.type == TreeEntry::Type::file && (entry.mode & readable_by_others) == 0)
    note(summary.unreadable_files, entry.path);
}

TreeSummary summarise(const TreeListing& listing) {
  TreeSummary summary;
  for (const TreeEntry& entry : listing) count_in(summary, entry);
  return summary;
}

std::string to_text(const TreeListing& listing) {
  std::string text(format_line);
  constexpr std::size_t usual_line = 96;
  text.reserve(text.size() + listing.size() * usual_line);
  char number[32];
  const auto append = [&text, &number](auto value, int base) {
    text.append(number, std::to_chars(number, number + sizeof number, value, base).ptr);
    text += ' ';
  };
  for (const TreeEntry& entry : listing) {
    text.append(1, letter_of(entry)).append(1, ' ');
    append(entry.mode, 8);
    append(entry.size, 10);
    append(entry.crc32, 16);
    append(entry.mtime, 10);
    append_escaped(text, entry.path);
    if (entry.type == TreeEntry::Type::symlink) {
      text += ' ';
      append_escaped(text, entry.link_target);
    }
    text += '\n';
  }
  return text;
}

base::Result<TreeListing> listing_from_text(std::string_view text) {
  const base::Error broken(base::ErrorKind::corrupt_data,
                           "the listing of a tree in the store is broken. Remove the tree with "
                           "\"lamina store gc\".");
  if (!text.starts_with(format_line)) return broken;
  text.remove_prefix(format_line.size());
  TreeListing listing;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return broken;
    auto entry = parse_line(text.substr(0, end));
    if (!entry) return broken;
    listing.push_back(std::move(*entry));
    text.remove_prefix(end + 1);
  }
  return listing;
}

base::Result<FolderListing> list_folder(const std::string& folder) {
  const base::UniqueFd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return base::from_errno(errno, "cannot read the folder");
  struct stat root_status{};
  if (::fstat(root.get(), &root_status) != 0)
    return base::from_errno(errno, "cannot read the folder");
  FolderListing listing;
  listing.root_mode = root_status.st_mode & 0777;
  // (path, bytes) so that the identity does not depend on the order in which a folder is read.
  std::vector<std::pair<std::string, std::string>> identities;
  std::int64_t newest_ns = nanoseconds_of(root_status.st_ctim);
  TRY(walk(root.get(), "",
           [&](const std::string& path, const struct stat& status) -> base::Result<void> {
             TRY_ASSIGN(TreeEntry entry, entry_of(root.get(), path, status));
             const FileStamp stamp = stamp_of(status);
             std::string identity = path;
             identity += '\0';
             append_bytes(identity, status.st_mode);
             append_bytes(identity, stamp.device);
             append_bytes(identity, stamp.inode);
             append_bytes(identity, stamp.size);
             append_bytes(identity, stamp.modified_ns);
             append_bytes(identity, stamp.changed_ns);
             newest_ns = std::max(newest_ns, stamp.changed_ns);
             identities.emplace_back(path, std::move(identity));
             listing.entries.push_back(std::move(entry));
             if (listing.entries.size() > max_tree_entries)
               return base::Error(base::ErrorKind::limit_exceeded,
                                  "has more than " + std::to_string(max_tree_entries) +
                                      " entries. Leave out what is not needed.");
             return {};
           }));
  std::sort(identities.begin(), identities.end());
  for (const auto& [path, identity] : identities) listing.identity += identity;
  listing.just_changed = just_changed(FileStamp{.changed_ns = newest_ns});
  std::sort(listing.entries.begin(), listing.entries.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return listing;
}

}  // namespace layers
