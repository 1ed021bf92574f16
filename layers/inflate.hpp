#pragma once

#include <cstddef>
#include <cstdint>

namespace layers {

/// Raw deflate and CRC-32. Not for several threads at once: one Inflater each.
class Inflater {
 public:
  enum class Outcome { ok, corrupt, wrong_size };

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// ok only when the stream is whole and gives exactly `output_size` bytes.
  Outcome inflate(const void* input, std::size_t input_size, void* output, std::size_t output_size);

 private:
  void* decompressor_;
};

std::uint32_t crc32(const void* bytes, std::size_t size);

}  // namespace layers
