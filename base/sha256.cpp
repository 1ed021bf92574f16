#include "base/sha256.hpp"

#include <nettle/base64.h>
#include <nettle/sha2.h>

namespace base {
namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<Digest> Digest::from_hex(std::string_view text) {
  Bytes bytes;
  if (text.size() != 2 * bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return Digest(bytes);
}

std::string Digest::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes_.size());
  for (const std::uint8_t byte : bytes_) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string Digest::base64() const {
  std::string text(BASE64_ENCODE_RAW_LENGTH(std::tuple_size_v<Bytes>), '\0');
  nettle_base64_encode_raw(text.data(), bytes_.size(), bytes_.data());
  return text;
}

struct Sha256::State {
  sha256_ctx context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  nettle_sha256_init(&state_->context);
}

Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, std::size_t size) {
  nettle_sha256_update(&state_->context, size, static_cast<const std::uint8_t*>(bytes));
}

Digest Sha256::finish() {
  Digest::Bytes bytes;
  nettle_sha256_digest(&state_->context, bytes.size(), bytes.data());
  return Digest(bytes);
}

Digest sha256(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.finish();
}

}  // namespace base
