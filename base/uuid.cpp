#include "base/uuid.hpp"

#include <sys/random.h>

#include <stdexcept>
#include <vector>

namespace base {

std::string random_hex(int digits) {
  std::vector<unsigned char> bytes(static_cast<std::size_t>(digits + 1) / 2);
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("getrandom failed");
  static constexpr char alphabet[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += alphabet[byte >> 4];
    text += alphabet[byte & 15];
  }
  text.resize(static_cast<std::size_t>(digits));
  return text;
}

std::string random_uuid() {
  std::string hex = random_hex(32);
  hex[12] = '4';
  hex[16] = "89ab"[hex[16] % 4];
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, 1, '-');
  return hex;
}

}  // namespace base
