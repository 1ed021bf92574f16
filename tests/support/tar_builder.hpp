#pragma once

#include <libdeflate.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace test_support {

/// Writes tars (ustar) block by block, so that it can write ones that no tool makes.
class TarBuilder {
 public:
  TarBuilder& add(char type, std::string_view name, std::string_view content = {},
                  std::string_view link = {}, unsigned mode = 0644) {
    header(type, name, content.size(), link, mode);
    tar_ += content;
    pad();
    return *this;
  }
  TarBuilder& file(std::string_view name, std::string_view content, unsigned mode = 0644) {
    return add('0', name, content, {}, mode);
  }
  TarBuilder& directory(std::string_view name, unsigned mode = 0755) {
    return add('5', name, {}, {}, mode);
  }
  TarBuilder& symlink(std::string_view name, std::string_view target) {
    return add('2', name, {}, target, 0777);
  }
  TarBuilder& hard_link(std::string_view name, std::string_view target) {
    return add('1', name, {}, target);
  }
  /// A pax header for the next entry.
  TarBuilder& pax(std::string_view key, std::string_view value) {
    const std::string pair = " " + std::string(key) + "=" + std::string(value) + "\n";
    std::size_t size = pair.size() + 1;
    while (std::to_string(size).size() + pair.size() != size) ++size;
    return add('x', "pax", std::to_string(size) + pair);
  }
  /// States a size without having the content.
  TarBuilder& header(char type, std::string_view name, std::uint64_t size,
                     std::string_view link = {}, unsigned mode = 0644) {
    char block[512] = {};
    name.copy(block, 100);
    std::snprintf(block + 100, 8, "%07o", mode);
    std::snprintf(block + 108, 8, "%07o", 0U);
    std::snprintf(block + 116, 8, "%07o", 0U);
    std::snprintf(block + 124, 12, "%011llo", static_cast<unsigned long long>(size));
    std::snprintf(block + 136, 12, "%011o", 1592224210U);
    std::memset(block + 148, ' ', 8);
    block[156] = type;
    link.copy(block + 157, 100);
    std::memcpy(block + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (const char byte : block) sum += static_cast<unsigned char>(byte);
    std::snprintf(block + 148, 8, "%06o", sum);
    tar_.append(block, sizeof block);
    return *this;
  }

  std::string build() const { return tar_ + std::string(1024, '\0'); }
  std::string without_end() const { return tar_; }

  static std::string gzip(std::string_view bytes) {
    libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
    std::string packed(libdeflate_gzip_compress_bound(compressor, bytes.size()), '\0');
    packed.resize(libdeflate_gzip_compress(compressor, bytes.data(), bytes.size(), packed.data(),
                                           packed.size()));
    libdeflate_free_compressor(compressor);
    return packed;
  }

  /// A frame of uncompressed blocks (RFC 8878).
  static std::string zstd(std::string_view bytes) {
    std::string frame("\x28\xb5\x2f\xfd\xa0", 5);
    for (int i = 0; i < 4; ++i) frame += static_cast<char>(bytes.size() >> (8 * i) & 0xff);
    do {
      const std::string_view block = bytes.substr(0, 65536);
      bytes.remove_prefix(block.size());
      const std::size_t head = block.size() << 3 | (bytes.empty() ? 1 : 0);
      for (int i = 0; i < 3; ++i) frame += static_cast<char>(head >> (8 * i) & 0xff);
      frame += block;
    } while (!bytes.empty());
    return frame;
  }

 private:
  void pad() { tar_.append((512 - tar_.size() % 512) % 512, '\0'); }

  std::string tar_;
};

}  // namespace test_support
