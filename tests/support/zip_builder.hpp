#pragma once

#include <libdeflate.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test_support {

/// One entry of a zip, in the form it is written; each field can be made a lie.
struct ZipEntrySpec {
  std::string name;
  std::string content;
  /// External attributes: the unix mode with its file type bits in the high half.
  std::uint32_t unix_mode = 0100644;
  std::uint8_t made_by = 3;
  bool deflated = false;
  std::uint16_t flags = 0;
  /// 2 s granularity, packed as DOS has it: 2020-06-15 12:30:10.
  std::uint16_t dos_date = (40 << 9) | (6 << 5) | 15;
  std::uint16_t dos_time = (12 << 11) | (30 << 5) | 5;
  /// Sizes and offset go into the zip64 extra field.
  bool zip64 = false;
  // Lies; absent means the truth.
  std::optional<std::uint16_t> method;
  std::optional<std::uint32_t> crc;
  std::optional<std::uint64_t> size;
  std::optional<std::uint64_t> compressed_size;
  std::optional<std::uint64_t> offset;
  std::optional<std::string> local_name;
  std::optional<std::uint32_t> local_signature;
  /// The packed bytes as they are to stand in the archive.
  std::optional<std::string> packed;
};

/// Writes zips byte by byte, so that it can write wrong ones.
class ZipBuilder {
 public:
  ZipBuilder& add(ZipEntrySpec entry) {
    entries_.push_back(std::move(entry));
    return *this;
  }
  ZipBuilder& file(std::string name, std::string content, std::uint32_t mode = 0644) {
    ZipEntrySpec entry;
    entry.name = std::move(name);
    entry.content = std::move(content);
    entry.unix_mode = 0100000 | mode;
    return add(std::move(entry));
  }
  ZipBuilder& deflated(std::string name, std::string content, std::uint32_t mode = 0644) {
    file(std::move(name), std::move(content), mode);
    entries_.back().deflated = true;
    return *this;
  }
  ZipBuilder& directory(std::string name, std::uint32_t mode = 0755) {
    ZipEntrySpec entry;
    entry.name = std::move(name) + "/";
    entry.unix_mode = 0040000 | mode;
    return add(std::move(entry));
  }
  ZipBuilder& symlink(std::string name, std::string target) {
    ZipEntrySpec entry;
    entry.name = std::move(name);
    entry.content = std::move(target);
    entry.unix_mode = 0120777;
    return add(std::move(entry));
  }
  ZipEntrySpec& last() { return entries_.back(); }

  ZipBuilder& prepend(std::string bytes) {
    prefix_ = std::move(bytes);
    return *this;
  }
  ZipBuilder& comment(std::string text) {
    comment_ = std::move(text);
    return *this;
  }
  /// Writes the zip64 end record and its locator too.
  ZipBuilder& zip64_end() {
    zip64_end_ = true;
    return *this;
  }
  ZipBuilder& claim_entries(std::uint16_t count) {
    claimed_entries_ = count;
    return *this;
  }

  std::string build() const {
    std::string body;
    std::string directory;
    for (const ZipEntrySpec& entry : entries_) append(entry, body, directory);
    std::string zip = prefix_ + body;
    // Offsets do not count the prefix, as with bytes put in front of a finished archive.
    const std::uint64_t begin = body.size();
    zip += directory;
    if (zip64_end_) {
      const std::uint64_t end = begin + directory.size();
      u32(zip, 0x06064b50);
      u64(zip, 44);
      u16(zip, 45);
      u16(zip, 45);
      u32(zip, 0);
      u32(zip, 0);
      u64(zip, entries_.size());
      u64(zip, entries_.size());
      u64(zip, directory.size());
      u64(zip, begin);
      u32(zip, 0x07064b50);
      u32(zip, 0);
      u64(zip, end);
      u32(zip, 1);
    }
    const auto count = claimed_entries_.value_or(
        static_cast<std::uint16_t>(zip64_end_ ? 0xffff : entries_.size()));
    u32(zip, 0x06054b50);
    u16(zip, 0);
    u16(zip, 0);
    u16(zip, count);
    u16(zip, count);
    u32(zip, zip64_end_ ? 0xffffffff : static_cast<std::uint32_t>(directory.size()));
    u32(zip, zip64_end_ ? 0xffffffff : static_cast<std::uint32_t>(begin));
    u16(zip, static_cast<std::uint16_t>(comment_.size()));
    return zip + comment_;
  }

  static std::string deflate(std::string_view content) {
    libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
    std::string packed(libdeflate_deflate_compress_bound(compressor, content.size()), '\0');
    packed.resize(libdeflate_deflate_compress(compressor, content.data(), content.size(),
                                              packed.data(), packed.size()));
    libdeflate_free_compressor(compressor);
    return packed;
  }

 private:
  static void u16(std::string& to, std::uint64_t value) {
    to += static_cast<char>(value & 0xff);
    to += static_cast<char>(value >> 8 & 0xff);
  }
  static void u32(std::string& to, std::uint64_t value) {
    u16(to, value);
    u16(to, value >> 16);
  }
  static void u64(std::string& to, std::uint64_t value) {
    u32(to, value);
    u32(to, value >> 32);
  }

  static void append(const ZipEntrySpec& entry, std::string& body, std::string& directory) {
    const std::string packed = entry.packed     ? *entry.packed
                               : entry.deflated ? deflate(entry.content)
                                                : entry.content;
    const std::uint64_t offset = entry.offset.value_or(body.size());
    const std::uint64_t size = entry.size.value_or(entry.content.size());
    const std::uint64_t compressed = entry.compressed_size.value_or(packed.size());
    const std::uint16_t method = entry.method.value_or(entry.deflated ? 8 : 0);
    const std::uint32_t crc =
        entry.crc.value_or(libdeflate_crc32(0, entry.content.data(), entry.content.size()));
    const std::string local_name = entry.local_name.value_or(entry.name);

    u32(body, entry.local_signature.value_or(0x04034b50));
    u16(body, 20);
    u16(body, entry.flags);
    u16(body, method);
    u16(body, entry.dos_time);
    u16(body, entry.dos_date);
    u32(body, crc);
    u32(body, compressed);
    u32(body, size);
    u16(body, local_name.size());
    u16(body, 0);
    body += local_name + packed;

    std::string extra;
    if (entry.zip64) {
      u16(extra, 1);
      u16(extra, 24);
      u64(extra, size);
      u64(extra, compressed);
      u64(extra, offset);
    }
    u32(directory, 0x02014b50);
    u16(directory, entry.made_by << 8 | 20);
    u16(directory, 20);
    u16(directory, entry.flags);
    u16(directory, method);
    u16(directory, entry.dos_time);
    u16(directory, entry.dos_date);
    u32(directory, crc);
    u32(directory, entry.zip64 ? 0xffffffff : compressed);
    u32(directory, entry.zip64 ? 0xffffffff : size);
    u16(directory, entry.name.size());
    u16(directory, extra.size());
    u16(directory, 0);
    u16(directory, 0);
    u16(directory, 0);
    u32(directory, std::uint64_t{entry.unix_mode} << 16);
    u32(directory, entry.zip64 ? 0xffffffff : offset);
    directory += entry.name + extra;
  }

  std::vector<ZipEntrySpec> entries_;
  std::string prefix_;
  std::string comment_;
  bool zip64_end_ = false;
  std::optional<std::uint16_t> claimed_entries_;
};

}  // namespace test_support
