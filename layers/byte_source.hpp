#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>

namespace layers {

/// Random access to the bytes of an archive. Not a mapping: a mapped file that somebody cuts short
/// while it is read ends the whole program with SIGBUS. read_at() may run in several threads.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// All `count` bytes or an error.
  virtual base::Result<void> read_at(std::uint64_t offset, void* buffer,
                                     std::size_t count) const = 0;
};

/// Does not own the descriptor.
class FileSource : public ByteSource {
 public:
  FileSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  std::uint64_t size() const override { return size_; }
  base::Result<void> read_at(std::uint64_t offset, void* buffer, std::size_t count) const override;

 private:
  int fd_;
  std::uint64_t size_;
};

/// Does not own the bytes.
class MemorySource : public ByteSource {
 public:
  MemorySource(const void* bytes, std::size_t size)
      : bytes_(static_cast<const unsigned char*>(bytes)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  base::Result<void> read_at(std::uint64_t offset, void* buffer, std::size_t count) const override;

 private:
  const unsigned char* bytes_;
  std::size_t size_;
};

enum class ArchiveFormat { none, zip, tar, tar_gzip, tar_zstd };
/// By content, never by name. A zip may have other bytes in front (a self-extracting archive).
base::Result<ArchiveFormat> recognise_archive(const ByteSource& source);

}  // namespace layers
