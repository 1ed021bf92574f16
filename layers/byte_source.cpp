#include "layers/byte_source.hpp"

#include "layers/archive_error.hpp"
#include "layers/zip_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace layers {
namespace {

constexpr std::size_t tar_block = 512;

// The header's checksum counts its own field as blanks; this also knows the tars before POSIX,
// which have no magic.
bool is_tar_header(const unsigned char* block) {
  static constexpr std::size_t field = 148;
  static constexpr std::size_t field_size = 8;
  unsigned stored = 0;
  for (std::size_t i = field; i < field + field_size; ++i) {
    if (block[i] >= '0' && block[i] <= '7') {
      stored = stored * 8 + (block[i] - '0');
    } else if (block[i] != ' ' || stored != 0) {
      break;
    }
  }
  unsigned sum = field_size * ' ';
  for (std::size_t i = 0; i < tar_block; ++i)
    if (i < field || i >= field + field_size) sum += block[i];
  return block[0] != 0 && sum == stored;
}

}  // namespace

base::Result<void> FileSource::read_at(std::uint64_t offset, void* buffer,
                                       std::size_t count) const {
  auto* bytes = static_cast<char*>(buffer);
  while (count > 0) {
    const ssize_t got = ::pread(fd_, bytes, count, static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return base::from_errno(errno, "cannot read it");
    }
    if (got == 0) return broken_archive("it is cut short", "Make or download it again.");
    bytes += got;
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
  }
  return {};
}

base::Result<void> MemorySource::read_at(std::uint64_t offset, void* buffer,
                                         std::size_t count) const {
  if (offset > size_ || count > size_ - offset)
    return broken_archive("it is cut short", "Make or download it again.");
  if (count > 0) std::memcpy(buffer, bytes_ + offset, count);
  return {};
}

base::Result<ArchiveFormat> recognise_archive(const ByteSource& source) {
  unsigned char start[tar_block] = {};
  const std::size_t known =
      static_cast<std::size_t>(std::min<std::uint64_t>(sizeof start, source.size()));
  TRY(source.read_at(0, start, known));
  const std::string_view head(reinterpret_cast<const char*>(start), known);
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return ArchiveFormat::zip;
  if (head.starts_with("\x1f\x8b")) return ArchiveFormat::tar_gzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return ArchiveFormat::tar_zstd;
  if (known == tar_block && is_tar_header(start)) return ArchiveFormat::tar;
  TRY_ASSIGN(const bool zip, has_zip_end_record(source));
  return zip ? ArchiveFormat::zip : ArchiveFormat::none;
}

}  // namespace layers
