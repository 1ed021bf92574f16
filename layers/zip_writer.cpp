#include "layers/zip_writer.hpp"

#include "base/unique_fd.hpp"
#include "layers/archive_error.hpp"
#include "layers/deflate.hpp"
#include "layers/inflate.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <limits>
#include <string>

namespace layers {
namespace {

// The records of APPNOTE.TXT 6.3, 4.3.
constexpr std::uint32_t local_header = 0x04034b50;
constexpr std::uint32_t central_header = 0x02014b50;
constexpr std::uint32_t zip64_end = 0x06064b50;
constexpr std::uint32_t zip64_locator = 0x07064b50;
constexpr std::uint32_t end_record = 0x06054b50;
constexpr std::uint16_t needed_version = 45;
constexpr std::uint16_t made_by_unix = 3 << 8 | needed_version;
constexpr std::uint16_t utf8_names = 1 << 11;
constexpr std::uint64_t largest = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::size_t most_entries = std::numeric_limits<std::uint16_t>::max() - 1;

/// Little-endian fields in the order of the record.
class Record {
 public:
  Record& u16(std::uint64_t value) { return put(value, 2); }
  Record& u32(std::uint64_t value) { return put(value, 4); }
  Record& u64(std::uint64_t value) { return put(value, 8); }
  Record& text(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }

  std::string bytes_;
};

/// The extended timestamp ("UT") says the second, in UTC; the old field does not.
Record unix_time(std::int64_t mtime) {
  Record extra;
  extra.u16(0x5455).u16(5);
  extra.text("\x01").u32(static_cast<std::uint32_t>(mtime));
  return extra;
}

std::uint32_t dos_time(std::int64_t mtime) {
  const std::time_t seconds = mtime;
  std::tm utc{};
  constexpr int first_year = 80;
  if (::gmtime_r(&seconds, &utc) == nullptr || utc.tm_year < first_year) return 1 << 21 | 1 << 16;
  const int date = (utc.tm_year - first_year) << 9 | (utc.tm_mon + 1) << 5 | utc.tm_mday;
  const int time = utc.tm_hour << 11 | utc.tm_min << 5 | utc.tm_sec / 2;
  return static_cast<std::uint32_t>(date) << 16 | static_cast<std::uint32_t>(time);
}

std::uint32_t type_bits(TreeEntry::Type type) {
  switch (type) {
    case TreeEntry::Type::directory:
      return S_IFDIR;
    case TreeEntry::Type::symlink:
      return S_IFLNK;
    case TreeEntry::Type::file:
      break;
  }
  return S_IFREG;
}

base::Result<std::string> content_of(const ZipInput& input) {
  if (input.entry.type == TreeEntry::Type::directory) return std::string();
  if (input.entry.type == TreeEntry::Type::symlink) return input.entry.link_target;
  auto content = base::read_file(input.source.string(), input.entry.size);
  if (!content)
    return base::with_prefix(content.error(), "cannot pack " + shown_name(input.entry.path));
  if (content->size() != input.entry.size)
    return base::Error(base::ErrorKind::io_error, shown_name(input.entry.path) +
                                                      " became shorter while it was read. Leave "
                                                      "the files alone meanwhile.");
  return content;
}

class Writer {
 public:
  Writer(int fd, ZipCompression compression) : fd_(fd), compression_(compression) {}

  base::Result<void> add(const ZipInput& input) {
    TRY_ASSIGN(const std::string content, content_of(input));
    std::string_view stored = content;
    std::uint16_t method = 0;
    if (compression_ == ZipCompression::deflate && input.entry.type == TreeEntry::Type::file)
      if (const auto packed = deflater_.deflate(content.data(), content.size()); !packed.empty()) {
        stored = {reinterpret_cast<const char*>(packed.data()), packed.size()};
        method = 8;
      }
    std::string name = input.entry.path;
    if (input.entry.type == TreeEntry::Type::directory) name += '/';
    const Record time = unix_time(input.entry.mtime);
    if (content.size() > largest || offset_ > largest)
      return base::Error(base::ErrorKind::invalid_argument,
                         shown_name(name) + " does not fit into a zip of 4 GB.");

    // What the local and the central header have in common.
    Record common;
    common.u16(needed_version).u16(utf8_names).u16(method).u32(dos_time(input.entry.mtime));
    common.u32(crc32(content.data(), content.size())).u32(stored.size()).u32(content.size());
    common.u16(name.size()).u16(time.bytes().size());

    central_.u32(central_header).u16(made_by_unix).text(common.bytes()).u16(0).u16(0).u16(0);
    central_.u32((type_bits(input.entry.type) | input.entry.mode) << 16).u32(offset_);
    central_.text(name).text(time.bytes());
    ++entries_;
    TRY(write(Record().u32(local_header).text(common.bytes()).text(name).bytes()));
    TRY(write(time.bytes()));
    return write(stored);
  }

  base::Result<void> finish() {
    const std::uint64_t at = offset_;
    const std::uint64_t size = central_.bytes().size();
    TRY(write(central_.bytes()));
    Record end;
    if (entries_ > most_entries || at > largest) {
      constexpr std::uint64_t rest_of_record = 44;
      end.u32(zip64_end).u64(rest_of_record).u16(made_by_unix).u16(needed_version);
      end.u32(0).u32(0).u64(entries_).u64(entries_).u64(size).u64(at);
      end.u32(zip64_locator).u32(0).u64(at + size).u32(1);
    }
    const std::uint64_t shown = std::min<std::uint64_t>(entries_, most_entries + 1);
    end.u32(end_record).u16(0).u16(0).u16(shown).u16(shown);
    end.u32(size).u32(std::min<std::uint64_t>(at, largest + 1)).u16(0);
    return write(end.bytes());
  }

 private:
  base::Result<void> write(std::string_view bytes) {
    TRY(base::write_all(fd_, bytes));
    offset_ += bytes.size();
    return {};
  }

  int fd_;
  ZipCompression compression_;
  Deflater deflater_;
  Record central_;
  std::uint64_t entries_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace

base::Result<void> write_zip(int fd, std::span<const ZipInput> inputs, ZipCompression compression) {
  Writer writer(fd, compression);
  for (const ZipInput& input : inputs) TRY(writer.add(input));
  return writer.finish();
}

}  // namespace layers
