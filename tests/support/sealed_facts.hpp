#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace test_support {

/// Kept facts (diagnosis/tree_facts.hpp) that were changed, under a checksum that is right again.
inline std::string sealed_again(std::string bytes) {
  if (bytes.size() < sizeof(std::uint64_t)) return bytes;
  bytes.resize(bytes.size() - sizeof(std::uint64_t));
  std::uint64_t sum = bytes.size();
  for (std::string_view rest = bytes; !rest.empty();) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(rest.size(), sizeof word);
    std::memcpy(&word, rest.data(), size);
    rest.remove_prefix(size);
    sum = (sum ^ word) * 0x9e37'79b9'7f4a'7c15;
    sum ^= sum >> 32;
  }
  return bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
}

}  // namespace test_support
