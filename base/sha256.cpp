#include "base/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace base {
namespace {

EVP_MD_CTX* as_context(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

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
  unsigned char text[45];
  const int length = EVP_EncodeBlock(text, bytes_.data(), static_cast<int>(bytes_.size()));
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)};
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(as_context(context_), EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available in this OpenSSL");
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(as_context(context_));
}

void Sha256::update(const void* bytes, std::size_t size) {
  EVP_DigestUpdate(as_context(context_), bytes, size);
}

Digest Sha256::finish() {
  Digest::Bytes bytes;
  EVP_DigestFinal_ex(as_context(context_), bytes.data(), nullptr);
  return Digest(bytes);
}

Digest sha256(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.finish();
}

}  // namespace base
