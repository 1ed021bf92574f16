#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace base {

/// A SHA-256 value. Lambda's CodeSha256 is its base64 text; the store's folder names are its hex
/// text.
class Digest {
 public:
  using Bytes = std::array<std::uint8_t, 32>;

  Digest() = default;
  explicit Digest(const Bytes& bytes) : bytes_(bytes) {}
  /// Exactly 64 lower-case hexadecimal digits.
  static std::optional<Digest> from_hex(std::string_view text);

  std::string hex() const;
  std::string base64() const;
  const Bytes& bytes() const { return bytes_; }
  auto operator<=>(const Digest&) const = default;

 private:
  Bytes bytes_{};
};

/// Streaming SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* bytes, std::size_t size);
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::string_view bytes);

}  // namespace base
