#include "layers/deflate.hpp"

#include <libdeflate.h>

#include <new>

namespace layers {
namespace {

constexpr int usual_level = 6;

}  // namespace

Deflater::Deflater() : compressor_(libdeflate_alloc_compressor(usual_level)) {
  if (compressor_ == nullptr) throw std::bad_alloc();
}

Deflater::~Deflater() {
  libdeflate_free_compressor(static_cast<libdeflate_compressor*>(compressor_));
}

std::span<const unsigned char> Deflater::deflate(const void* input, std::size_t size) {
  if (size == 0) return {};
  if (output_.size() < size) output_.resize(size);
  const std::size_t made = libdeflate_deflate_compress(
      static_cast<libdeflate_compressor*>(compressor_), input, size, output_.data(), size - 1);
  return {output_.data(), made};
}

}  // namespace layers
