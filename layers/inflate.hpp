#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace layers {

/// Raw deflate in one call, and CRC-32. Not for several threads at once: one Inflater each.
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

/// Raw deflate in pieces, for what is too large to be held in memory twice. Its output stays in the
/// processor's cache from one piece to the next. Not for several threads at once.
class PieceInflater {
 public:
  enum class Outcome { more, finished, corrupt };
  /// Begin and size of what is left; inflate() moves both.
  struct Input {
    const void* bytes = nullptr;
    std::size_t size = 0;
  };

  PieceInflater();
  ~PieceInflater();
  PieceInflater(const PieceInflater&) = delete;
  PieceInflater& operator=(const PieceInflater&) = delete;

  /// A new stream begins.
  void reset();
  /// Fills `output` until it is full, the input is used up or the stream ends; `produced` bytes are
  /// in it then. Sizes below 4 GiB.
  Outcome inflate(Input& input, void* output, std::size_t output_size, std::size_t& produced);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Of `size` more bytes after those that gave `before` (0 at the begin).
std::uint32_t crc32(std::uint32_t before, const void* bytes, std::size_t size);
std::uint32_t crc32(const void* bytes, std::size_t size);

}  // namespace layers
