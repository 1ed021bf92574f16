#include "layers/inflate.hpp"

#include <libdeflate.h>

#include <isa-l/igzip_lib.h>
#include <new>

namespace layers {

Inflater::Inflater() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

Inflater::~Inflater() {
  libdeflate_free_decompressor(static_cast<libdeflate_decompressor*>(decompressor_));
}

Inflater::Outcome Inflater::inflate(const void* input, std::size_t input_size, void* output,
                                    std::size_t output_size) {
  switch (libdeflate_deflate_decompress(static_cast<libdeflate_decompressor*>(decompressor_), input,
                                        input_size, output, output_size, nullptr)) {
    case LIBDEFLATE_SUCCESS:
      return Outcome::ok;
    case LIBDEFLATE_SHORT_OUTPUT:
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      return Outcome::wrong_size;
    default:
      return Outcome::corrupt;
  }
}

struct PieceInflater::State {
  inflate_state stream;
};

PieceInflater::PieceInflater() : state_(std::make_unique<State>()) {
  reset();
}

PieceInflater::~PieceInflater() = default;

void PieceInflater::reset() {
  isal_inflate_init(&state_->stream);
}

PieceInflater::Outcome PieceInflater::inflate(Input& input, void* output, std::size_t output_size,
                                              std::size_t& produced) {
  inflate_state& stream = state_->stream;
  // The library does not write through it, but does not say so either.
  stream.next_in = static_cast<std::uint8_t*>(const_cast<void*>(input.bytes));
  stream.avail_in = static_cast<std::uint32_t>(input.size);
  stream.next_out = static_cast<std::uint8_t*>(output);
  stream.avail_out = static_cast<std::uint32_t>(output_size);
  const int outcome = isal_inflate(&stream);
  produced = output_size - stream.avail_out;
  input = {.bytes = stream.next_in, .size = stream.avail_in};
  if (outcome != ISAL_DECOMP_OK) return Outcome::corrupt;
  return stream.block_state == ISAL_BLOCK_FINISH ? Outcome::finished : Outcome::more;
}

std::uint32_t crc32(std::uint32_t before, const void* bytes, std::size_t size) {
  return libdeflate_crc32(before, bytes, size);
}

std::uint32_t crc32(const void* bytes, std::size_t size) {
  return crc32(0, bytes, size);
}

}  // namespace layers
