#include "layers/zip_reader.hpp"

#include "layers/archive_error.hpp"
#include "layers/entry_name.hpp"
#include "layers/limits.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace layers {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::size_t local_size = 30;
constexpr std::size_t central_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::size_t end64_size = 56;
constexpr std::size_t locator64_size = 20;
constexpr std::size_t longest_comment = 65535;
constexpr std::uint32_t in_zip64 = 0xffffffff;
constexpr std::uint16_t in_zip64_16 = 0xffff;
constexpr std::uint16_t encrypted_flag = 1;
constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t method_deflate = 8;
constexpr std::uint8_t made_by_unix = 3;
constexpr std::uint8_t made_by_macos = 19;
// Deflate packs at most 1032 bytes into one; a larger claim is a lie that would cost memory.
constexpr std::uint64_t densest_deflate = 1032;
// A central directory past this has more than max_tree_entries entries of usual names.
constexpr std::uint64_t largest_directory = 256u << 20;
constexpr std::size_t kept_buffer = 4u << 20;
// Of what read_in_pieces() reads and gives at a time. Both fit into the cache of one core.
constexpr std::size_t packed_piece = 128u << 10;
constexpr std::size_t piece_size = 256u << 10;
// Room for the extra fields of a local header, so that one read fetches header and data.
constexpr std::size_t usual_extra = 64;
// A larger batch of neighbours is read member by member.
constexpr std::size_t most_fetched = 1u << 20;
constexpr std::size_t longest_link_target = 4095;

constexpr std::string_view make_again = "Make or download it again.";

std::uint16_t u16(const unsigned char* at) {
  return static_cast<std::uint16_t>(at[0] | at[1] << 8);
}
std::uint32_t u32(const unsigned char* at) {
  return static_cast<std::uint32_t>(u16(at)) | static_cast<std::uint32_t>(u16(at + 2)) << 16;
}
std::uint64_t u64(const unsigned char* at) {
  return static_cast<std::uint64_t>(u32(at)) | static_cast<std::uint64_t>(u32(at + 4)) << 32;
}

struct EndRecord {
  std::uint64_t entries = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t directory_offset = 0;
  /// Where the directory must end: the begin of the first end record.
  std::uint64_t directory_end = 0;
  bool found = false;
};

base::Result<void> read_zip64_end(const ByteSource& source, std::uint64_t end_position,
                                  EndRecord& end) {
  if (end_position < locator64_size) return {};
  unsigned char locator[locator64_size];
  const std::uint64_t locator_position = end_position - locator64_size;
  TRY(source.read_at(locator_position, locator, sizeof locator));
  if (u32(locator) != locator64_signature) return {};
  // Where the locator points, or right before it when something was put in front of the archive.
  unsigned char record[end64_size];
  for (const std::uint64_t position : {u64(locator + 8), locator_position - end64_size}) {
    if (position > locator_position || locator_position - position < end64_size) continue;
    TRY(source.read_at(position, record, sizeof record));
    if (u32(record) != end64_signature) continue;
    end.entries = u64(record + 32);
    end.directory_size = u64(record + 40);
    end.directory_offset = u64(record + 48);
    end.directory_end = position;
    return {};
  }
  return broken_archive("its zip64 end record is missing", make_again);
}

base::Result<EndRecord> find_end(const ByteSource& source) {
  EndRecord end;
  const std::size_t tail_size =
      static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), end_size + longest_comment));
  if (tail_size < end_size) return end;
  const std::uint64_t tail_begin = source.size() - tail_size;
  std::vector<unsigned char> tail(tail_size);
  // Nearly always there is no comment and the record is the very end.
  std::size_t known_from = tail_size - std::min<std::size_t>(tail_size, 1024);
  TRY(source.read_at(tail_begin + known_from, tail.data() + known_from, tail_size - known_from));
  for (std::size_t at = tail_size - end_size;; --at) {
    if (at < known_from) {
      TRY(source.read_at(tail_begin, tail.data(), known_from));
      known_from = 0;
    }
    const unsigned char* record = tail.data() + at;
    if (u32(record) == end_signature && at + end_size + u16(record + 20) <= tail_size) {
      end.found = true;
      end.entries = u16(record + 10);
      end.directory_size = u32(record + 12);
      end.directory_offset = u32(record + 16);
      end.directory_end = tail_begin + at;
      if (u16(record + 4) != 0 && u16(record + 4) != in_zip64_16)
        return broken_archive("it is one part of a split archive", "Join the parts first.");
      if (end.entries == in_zip64_16 || end.directory_size == in_zip64 ||
          end.directory_offset == in_zip64)
        TRY(read_zip64_end(source, tail_begin + at, end));
      return end;
    }
    if (at == 0) return end;
  }
}

std::int64_t seconds_of(std::uint16_t date, std::uint16_t time) {
  using namespace std::chrono;
  const year_month_day day{year(1980 + (date >> 9)), month((date >> 5) & 15u),
                           std::chrono::day(date & 31u)};
  static constexpr std::int64_t first = 315532800;  // 1980-01-01, what zip can say at the least
  if (!day.ok()) return first;
  return sys_days(day).time_since_epoch() / seconds(1) + (time >> 11) * 3600 +
         ((time >> 5) & 63) * 60 + (time & 31) * 2;
}

// Sizes and offset that do not fit in 32 bits stand in an extra field, in this order, each only if
// its place in the header says so.
base::Result<void> apply_zip64(const unsigned char* extra, std::size_t extra_size,
                               std::uint64_t& size, ZipMember& member, std::string_view raw_name) {
  if (size != in_zip64 && member.compressed_size != in_zip64 && member.header_offset != in_zip64)
    return {};
  while (extra_size >= 4) {
    const std::uint16_t id = u16(extra);
    const std::size_t length = u16(extra + 2);
    if (length > extra_size - 4) break;
    if (id == 1) {
      const unsigned char* value = extra + 4;
      std::size_t left = length;
      for (std::uint64_t* field : {&size, &member.compressed_size, &member.header_offset}) {
        if (*field != in_zip64) continue;
        if (left < 8)
          return broken_archive(shown_name(raw_name) + " has a broken zip64 field", make_again);
        *field = u64(value);
        value += 8;
        left -= 8;
      }
      return {};
    }
    extra += 4 + length;
    extra_size -= 4 + length;
  }
  // A size of exactly 4 GiB - 1 needs no field; the limits below judge it.
  return {};
}

base::Result<void> apply_attributes(std::uint16_t made_by, std::uint32_t external, bool slash,
                                    std::string_view raw_name, TreeEntry& entry) {
  const std::uint8_t host = static_cast<std::uint8_t>(made_by >> 8);
  const std::uint32_t unix_mode = external >> 16;
  const bool has_mode = (host == made_by_unix || host == made_by_macos) && unix_mode != 0;
  entry.type = slash ? TreeEntry::Type::directory : TreeEntry::Type::file;
  if (has_mode) {
    switch (unix_mode & S_IFMT) {
      case S_IFLNK:
        if (!slash) entry.type = TreeEntry::Type::symlink;
        break;
      case S_IFDIR:
        entry.type = TreeEntry::Type::directory;
        break;
      case S_IFREG:
      case 0:
        break;
      default:
        return broken_archive(shown_name(raw_name) + " is a device, socket or fifo",
                              "Repack it without that entry.");
    }
    entry.mode = unix_mode & 0777;
  } else {
    entry.mode = entry.type == TreeEntry::Type::directory ? 0755 : 0644;
  }
  return {};
}

base::Result<ZipMember> parse_central(const unsigned char* record, std::string_view raw_name) {
  ZipMember member;
  member.method = u16(record + 10);
  member.entry.crc32 = u32(record + 16);
  member.entry.size = u32(record + 24);
  member.compressed_size = u32(record + 20);
  member.header_offset = u32(record + 42);
  member.entry.mtime = seconds_of(u16(record + 14), u16(record + 12));
  TRY(apply_zip64(record + central_size + raw_name.size(), u16(record + 30), member.entry.size,
                  member, raw_name));
  TRY(apply_attributes(u16(record + 4), u32(record + 38), raw_name.ends_with('/'), raw_name,
                       member.entry));
  TRY_ASSIGN(member.entry.path, tree_path(raw_name));
  if ((u16(record + 8) & encrypted_flag) != 0)
    return broken_archive(shown_name(raw_name) + " is encrypted", "Repack it without a password.");
  if (member.entry.type == TreeEntry::Type::directory) {
    member.entry.size = 0;
    member.entry.crc32 = 0;
    return member;
  }
  if (member.entry.path.empty()) return broken_archive("a file in it has no name", "Repack it.");
  if (member.method != method_stored && member.method != method_deflate)
    return broken_archive(
        shown_name(raw_name) + " is packed with method " + std::to_string(member.method),
        "Repack it with deflate.");
  return member;
}

// Where each path stands in a list of members. An open hash table of numbers: half a million small
// allocations are a good part of the time that a large archive takes before its first file. Its
// hash is the library's, which an archive can make collide as it could with any map of it.
class PathIndex {
 public:
  explicit PathIndex(const std::vector<ZipMember>& members) : members_(members) {}

  /// The member with this path, or `number`, which is from now on the one with this path.
  std::size_t find_or_insert(std::string_view path, std::size_t number) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    const std::size_t hash = std::hash<std::string_view>()(path);
    Slot& slot =
        slot_of(hash, [&](std::size_t known) { return members_[known].entry.path == path; });
    if (slot.number != Slot::free) return slot.number;
    slot = {.number = static_cast<std::uint32_t>(number), .hash = static_cast<std::uint32_t>(hash)};
    ++used_;
    return number;
  }

 private:
  struct Slot {
    static constexpr std::uint32_t free = UINT32_MAX;
    std::uint32_t number = free;
    std::uint32_t hash = 0;
  };

  template <typename IsSame>
  Slot& slot_of(std::size_t hash, IsSame is_same) {
    const auto short_hash = static_cast<std::uint32_t>(hash);
    std::size_t at = short_hash & (slots_.size() - 1);
    while (slots_[at].number != Slot::free &&
           (slots_[at].hash != short_hash || !is_same(slots_[at].number)))
      at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }

  void grow() {
    std::vector<Slot> old(std::max<std::size_t>(2 * slots_.size(), 1024));
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.number != Slot::free) slot_of(slot.hash, [](std::size_t) { return false; }) = slot;
  }

  const std::vector<ZipMember>& members_;
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// Folds the entries into one tree. The last entry of a name wins, as with a sequential unpacking
// that overwrites.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::size_t expected) { members_.reserve(expected + expected / 8); }

  base::Result<void> add(ZipMember member) {
    const std::size_t known = by_path_.find_or_insert(member.entry.path, members_.size());
    if (known == members_.size()) {
      members_.push_back(std::move(member));
    } else {
      members_[known] = std::move(member);
    }
    if (members_.size() > max_tree_entries) return too_many();
    return {};
  }

  base::Result<ZipContents> finish() {
    std::uint64_t total = 0;
    const std::size_t named = members_.size();
    for (std::size_t i = 0; i < named; ++i) {
      TRY(add_parents(i));
      total += members_[i].entry.size;
      if (members_[i].entry.size > max_unpacked_bytes || total > max_unpacked_bytes)
        return archive_too_big("unpacks to more than " + std::to_string(max_unpacked_bytes) +
                               " bytes");
    }
    ZipContents contents;
    const auto is_directory = [](const ZipMember& member) {
      return member.entry.type == TreeEntry::Type::directory;
    };
    for (ZipMember& member : members_)
      // The root is ours: 0755, whatever an entry "./" says.
      if (is_directory(member) && !member.entry.path.empty())
        contents.directories.push_back(std::move(member.entry));
    std::erase_if(members_, is_directory);
    contents.members = std::move(members_);
    std::sort(contents.directories.begin(), contents.directories.end(),
              [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
    const auto lies_before = [](const ZipMember& a, const ZipMember& b) {
      return a.header_offset < b.header_offset;
    };
    // The directory of nearly every archive has the order of the archive.
    if (!std::is_sorted(contents.members.begin(), contents.members.end(), lies_before))
      std::sort(contents.members.begin(), contents.members.end(), lies_before);
    return contents;
  }

 private:
  static base::Error too_many() {
    return {base::ErrorKind::limit_exceeded, "has more than " + std::to_string(max_tree_entries) +
                                                 " entries. Leave out what is not needed."};
  }

  base::Result<void> add_parents(std::size_t number) {
    std::string_view parent = parent_path(members_[number].entry.path);
    // Neighbours in an archive mostly share their folder.
    if (parent == last_parent_) return {};
    // A copy, since the list that holds the path may move while it grows.
    last_parent_ = parent;
    for (parent = last_parent_; !parent.empty(); parent = parent_path(parent)) {
      const std::size_t known = by_path_.find_or_insert(parent, members_.size());
      if (known == members_.size()) {
        ZipMember implicit;
        implicit.entry.path = parent;
        implicit.entry.type = TreeEntry::Type::directory;
        implicit.entry.mode = 0755;
        implicit.entry.implicit = true;
        members_.push_back(std::move(implicit));
        if (members_.size() > max_tree_entries) return too_many();
        continue;
      }
      switch (members_[known].entry.type) {
        case TreeEntry::Type::symlink:
          return broken_archive(shown_name(members_[number].entry.path) +
                                    " leaves the archive through the symbolic link " +
                                    shown_name(parent),
                                "Repack it without one of the two.");
        case TreeEntry::Type::file:
          return broken_archive(shown_name(parent) + " is both a file and a folder",
                                "Repack it without one of the two.");
        case TreeEntry::Type::directory:
          break;
      }
    }
    return {};
  }

  std::vector<ZipMember> members_;
  PathIndex by_path_{members_};
  std::string last_parent_;
};

}  // namespace

base::Result<bool> has_zip_end_record(const ByteSource& source) {
  TRY_ASSIGN(const EndRecord end, find_end(source));
  return end.found;
}

base::Result<ZipContents> read_zip_contents(const ByteSource& source) {
  TRY_ASSIGN(const EndRecord end, find_end(source));
  if (!end.found) return broken_archive("it is cut short: its end record is missing", make_again);
  if (end.directory_size > end.directory_end || end.directory_size > largest_directory ||
      end.directory_offset > end.directory_end - end.directory_size)
    return broken_archive("its directory does not fit into it", make_again);
  if (end.entries > max_tree_entries)
    return base::Error(base::ErrorKind::limit_exceeded,
                       "has " + std::to_string(end.entries) + " entries, more than " +
                           std::to_string(max_tree_entries) + ". Leave out what is not needed.");
  const std::uint64_t directory_begin = end.directory_end - end.directory_size;
  // Bytes in front of the archive shift every offset that it states.
  const std::uint64_t shift = directory_begin - end.directory_offset;
  std::vector<unsigned char> directory(static_cast<std::size_t>(end.directory_size));
  TRY(source.read_at(directory_begin, directory.data(), directory.size()));

  // What is stated may be a lie; what is there needs room for its records.
  TreeBuilder tree(static_cast<std::size_t>(
      std::min<std::uint64_t>(end.entries, directory.size() / central_size)));
  std::size_t at = 0;
  std::uint64_t count = 0;
  for (; at < directory.size(); ++count) {
    const unsigned char* record = directory.data() + at;
    const std::size_t left = directory.size() - at;
    if (left < central_size || u32(record) != central_signature) break;
    const std::size_t name_size = u16(record + 28);
    const std::size_t record_size = central_size + name_size + u16(record + 30) + u16(record + 32);
    if (record_size > left) return broken_archive("its directory is cut short", make_again);
    const std::string_view name(reinterpret_cast<const char*>(record + central_size), name_size);
    TRY_ASSIGN(ZipMember member, parse_central(record, name));
    if (member.entry.type != TreeEntry::Type::directory) {
      if (member.header_offset > directory_begin - shift ||
          member.compressed_size > directory_begin)
        return broken_archive(shown_name(name) + " lies past the end of the archive", make_again);
      member.header_offset += shift;
    }
    TRY(tree.add(std::move(member)));
    at += record_size;
  }
  // The counter of a zip with 65536 entries or more wraps around without zip64; Java wrote such.
  if (count != end.entries && (count & 0xffff) != end.entries)
    return broken_archive(
        "it states " + std::to_string(end.entries) + " entries but has " + std::to_string(count),
        make_again);
  TRY_ASSIGN(ZipContents contents, tree.finish());
  contents.data_end = directory_begin;
  return contents;
}

unsigned char* ZipMemberReader::Buffer::at_least(std::size_t wanted) {
  // Large buffers are given back after their member, so that a single large file does not hold
  // its size in every thread until the end.
  if (size < wanted || size > kept_buffer) {
    const std::size_t rounded =
        wanted < kept_buffer ? std::max<std::size_t>(wanted * 2, 65536) : wanted;
    bytes.reset();
    bytes = std::make_unique_for_overwrite<unsigned char[]>(rounded);
    size = rounded;
  }
  return bytes.get();
}

namespace {

base::Error broken_member(const ZipMember& member, std::string_view what) {
  return broken_archive(shown_name(member.entry.path) + " " + std::string(what), make_again);
}

// What its local header and its data take, if the header has no long extra field.
std::uint64_t member_room(const ZipMember& member) {
  return local_size + member.entry.path.size() + usual_extra + member.compressed_size;
}

constexpr std::string_view past_the_end = "lies past the end of the archive";
constexpr std::string_view wrong_size = "is not as large as it states";
constexpr std::string_view broken_data = "has broken deflate data";
constexpr std::string_view wrong_crc32 = "has a wrong CRC-32";

}  // namespace

base::Result<void> ZipMemberReader::check_sizes(const ZipMember& member) const {
  const TreeEntry& entry = member.entry;
  if (member.header_offset > data_end_ || data_end_ - member.header_offset < local_size)
    return broken_member(member, past_the_end);
  if (member.compressed_size > data_end_ - member.header_offset)
    return broken_member(member, past_the_end);
  if (member.method == method_stored && member.compressed_size != entry.size)
    return broken_member(member, "states two different sizes");
  if (member.method == method_deflate && entry.size / densest_deflate > member.compressed_size)
    return broken_member(member, wrong_size);
  if (entry.type == TreeEntry::Type::symlink && entry.size > longest_link_target)
    return broken_member(member, "is a symbolic link with too long a target");
  return {};
}

base::Result<std::size_t> ZipMemberReader::check_header(
    const ZipMember& member, std::span<const unsigned char> bytes) const {
  if (u32(bytes.data()) != local_signature)
    return broken_member(member, "has a broken local header");
  if ((u16(bytes.data() + 6) & encrypted_flag) != 0) return broken_member(member, "is encrypted");
  if (u16(bytes.data() + 8) != member.method)
    return broken_member(member, "has two different methods");
  const std::size_t name_size = u16(bytes.data() + 26);
  const std::size_t data_begin = local_size + name_size + u16(bytes.data() + 28);
  const std::uint64_t room = data_end_ - member.header_offset;
  if (data_begin > room || member.compressed_size > room - data_begin)
    return broken_member(member, past_the_end);
  if (local_size + name_size > bytes.size()) return data_begin;
  // Two names for one entry would show different trees to different tools.
  const std::string_view name(reinterpret_cast<const char*>(bytes.data() + local_size), name_size);
  if (name != member.entry.path) {
    const auto local_name = tree_path(name);
    if (!local_name || *local_name != member.entry.path)
      return broken_member(member, "has another name in its local header");
  }
  return data_begin;
}

void ZipMemberReader::fetch(std::span<ZipMember* const> neighbours) {
  fetched_size_ = 0;
  std::uint64_t wanted = 0;
  std::uint64_t end = 0;
  for (const ZipMember* member : neighbours) {
    // All three are within the archive's size or its limits, so that no sum overflows.
    const std::uint64_t size = member_room(*member);
    wanted += size;
    end = std::max(end, member->header_offset + size);
  }
  if (neighbours.size() < 2 || wanted > most_fetched) return;
  const std::uint64_t begin = neighbours.front()->header_offset;
  end = std::min(end, data_end_);
  if (begin >= end || end - begin > 2 * wanted) return;
  const auto size = static_cast<std::size_t>(end - begin);
  if (!source_.read_at(begin, fetched_.at_least(size), size)) return;
  fetched_from_ = begin;
  fetched_size_ = size;
}

base::Result<std::span<const unsigned char>> ZipMemberReader::read(const ZipMember& member) {
  const TreeEntry& entry = member.entry;
  TRY(check_sizes(member));
  const std::size_t guess = static_cast<std::size_t>(
      std::min<std::uint64_t>(data_end_ - member.header_offset, member_room(member)));
  const unsigned char* bytes = fetched_.bytes.get();
  if (member.header_offset >= fetched_from_ &&
      member.header_offset - fetched_from_ + guess <= fetched_size_) {
    bytes += member.header_offset - fetched_from_;
  } else {
    unsigned char* buffer = packed_.at_least(guess);
    TRY(source_.read_at(member.header_offset, buffer, guess));
    bytes = buffer;
  }
  TRY_ASSIGN(const std::size_t data_begin, check_header(member, {bytes, guess}));
  const std::size_t packed_size = static_cast<std::size_t>(member.compressed_size);
  if (data_begin > guess || packed_size > guess - data_begin) {
    const std::size_t all = data_begin + packed_size;
    unsigned char* buffer = packed_.at_least(all);
    TRY(source_.read_at(member.header_offset, buffer, all));
    bytes = buffer;
    TRY_ASSIGN(const std::size_t again, check_header(member, {bytes, all}));
    if (again != data_begin) return broken_member(member, "changed while it was read");
  }

  const unsigned char* data = bytes + data_begin;
  const std::size_t size = static_cast<std::size_t>(entry.size);
  if (member.method == method_deflate) {
    unsigned char* output = unpacked_.at_least(std::max<std::size_t>(size, 1));
    switch (inflater_.inflate(data, packed_size, output, size)) {
      case Inflater::Outcome::ok:
        break;
      case Inflater::Outcome::corrupt:
        return broken_member(member, broken_data);
      case Inflater::Outcome::wrong_size:
        return broken_member(member, wrong_size);
    }
    data = output;
  }
  if (crc32(data, size) != entry.crc32) return broken_member(member, wrong_crc32);
  return std::span<const unsigned char>(data, size);
}

base::Result<void> ZipMemberReader::read_in_pieces(const ZipMember& member, const Take& take) {
  TRY(check_sizes(member));
  const std::size_t header_size = static_cast<std::size_t>(std::min<std::uint64_t>(
      data_end_ - member.header_offset, local_size + member.entry.path.size() + usual_extra));
  unsigned char* packed = packed_.at_least(piece_size);
  TRY(source_.read_at(member.header_offset, packed, header_size));
  TRY_ASSIGN(std::size_t data_begin, check_header(member, {packed, header_size}));
  if (local_size + u16(packed + 26) > header_size) {
    // A name with "./" or doubled slashes in it is longer than the path it stands for; never longer
    // than a piece, since its size has 16 bits.
    const std::size_t whole = local_size + u16(packed + 26);
    TRY(source_.read_at(member.header_offset, packed, whole));
    TRY_ASSIGN(data_begin, check_header(member, {packed, whole}));
  }

  std::uint64_t offset = member.header_offset + data_begin;
  std::uint64_t packed_left = member.compressed_size;
  std::uint64_t left = member.entry.size;
  std::uint32_t crc = 0;
  const auto give = [&](const unsigned char* bytes, std::size_t size) -> base::Result<void> {
    if (size > left) return broken_member(member, wrong_size);
    left -= size;
    crc = crc32(crc, bytes, size);
    return size > 0 ? take({bytes, size}) : base::Result<void>();
  };
  const auto next_piece = [&]() -> base::Result<std::size_t> {
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(packed_piece, packed_left));
    TRY(source_.read_at(offset, packed, size));
    offset += size;
    packed_left -= size;
    return size;
  };
  if (member.method == method_stored) {
    while (packed_left > 0) {
      TRY_ASSIGN(const std::size_t size, next_piece());
      TRY(give(packed, size));
    }
  } else {
    if (!piece_inflater_) piece_inflater_ = std::make_unique<PieceInflater>();
    piece_inflater_->reset();
    unsigned char* output = unpacked_.at_least(piece_size);
    PieceInflater::Input input;
    std::size_t filled = 0;
    for (auto outcome = PieceInflater::Outcome::more;
         outcome != PieceInflater::Outcome::finished;) {
      if (input.size == 0 && packed_left > 0) {
        TRY_ASSIGN(input.size, next_piece());
        input.bytes = packed;
      }
      const std::size_t before = input.size;
      std::size_t produced = 0;
      outcome = piece_inflater_->inflate(input, output + filled, piece_size - filled, produced);
      if (outcome == PieceInflater::Outcome::corrupt) return broken_member(member, broken_data);
      filled += produced;
      // No input is left, but the stream goes on.
      const bool stuck = produced == 0 && input.size == before;
      if (stuck && outcome == PieceInflater::Outcome::more)
        return broken_member(member, broken_data);
      if (filled < piece_size && outcome == PieceInflater::Outcome::more) continue;
      TRY(give(output, filled));
      filled = 0;
    }
  }
  if (left != 0) return broken_member(member, wrong_size);
  if (crc != member.entry.crc32) return broken_member(member, wrong_crc32);
  return {};
}

}  // namespace layers
