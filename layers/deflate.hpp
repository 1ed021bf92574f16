#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace layers {

/// Compresses whole blocks of memory to raw deflate, at the level that zip programs use. One owner,
/// one thread at a time. Throws std::bad_alloc.
class Deflater {
 public:
  Deflater();
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// The compressed bytes, valid until the next call; empty when they would not be fewer.
  std::span<const unsigned char> deflate(const void* input, std::size_t size);

 private:
  void* compressor_;
  std::vector<unsigned char> output_;
};

}  // namespace layers
