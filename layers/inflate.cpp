#include "layers/inflate.hpp"

#include <libdeflate.h>

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

std::uint32_t crc32(const void* bytes, std::size_t size) {
  return libdeflate_crc32(0, bytes, size);
}

}  // namespace layers
