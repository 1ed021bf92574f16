#include "base/sha256.hpp"

#include <doctest/doctest.h>

// Test vectors: NIST FIPS 180-4 examples.
TEST_CASE("a digest prints as hex and as the base64 of CodeSha256") {
  const base::Digest digest = base::sha256("abc");
  CHECK(digest.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest.base64() == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST_CASE("a digest is read back only from exactly 64 lower-case digits") {
  const std::string hex = base::sha256("").hex();
  CHECK(base::Digest::from_hex(hex) == base::sha256(""));
  CHECK_FALSE(base::Digest::from_hex(hex.substr(1)));
  CHECK_FALSE(base::Digest::from_hex(hex + "0"));
  CHECK_FALSE(base::Digest::from_hex(std::string(64, 'G')));
  CHECK_FALSE(base::Digest::from_hex(std::string(64, 'A')));
}

TEST_CASE("pieces give the digest of the whole") {
  base::Sha256 pieces;
  pieces.update("a", 1);
  pieces.update("bc", 2);
  CHECK(pieces.finish() == base::sha256("abc"));
}
