#include "diagnosis/amazon_linux.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <vector>

namespace diagnosis {
namespace {

using Version = std::vector<std::uint32_t>;

/// "3.4.29"; nothing for what is no such version.
std::optional<Version> parse_version(std::string_view text) {
  Version version;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    const auto [stop, error] = std::from_chars(at, end, version.emplace_back());
    if (error != std::errc()) return std::nullopt;
    if (stop == end) return version;
    if (*stop != '.') return std::nullopt;
    at = stop + 1;
  }
}

// AWS Lambda developer guide, "Lambda runtimes". Runtimes older than these are on the first Amazon
// Linux (python3.7 too), of which nothing is known here; newer ones are taken to be on the newest
// system.
struct Language {
  std::string_view prefix;
  std::string_view suffix;
  Version oldest_on_al2;
  Version oldest_on_al2023;
};
const Language languages[] = {
    {"python", "", {3, 8}, {3, 12}}, {"nodejs", ".x", {10}, {20}}, {"java", "", {11}, {21}},
    {"ruby", "", {2, 7}, {3, 3}},    {"dotnet", "", {5}, {8}},
};

struct Newest {
  std::string_view family;
  std::string_view version;
};

// glibc 2.26, libstdc++ and libgcc of GCC 7.3 (Amazon Linux 2023 user guide, "Improved toolchain").
// The symbol versions of a GCC: the GNU C++ library manual, "ABI policy and guidelines".
constexpr Newest newest_of_al2[] = {
    {"GLIBC", "2.26"}, {"GLIBCXX", "3.4.24"}, {"CXXABI", "1.3.11"}, {"GCC", "7.0.0"}};
// glibc stays at 2.34 (the same guide, "Core toolchain packages"), but libstdc++ and libgcc are
// those of GCC 14 since 2023.7.20250331 (Amazon Linux 2023 release notes, "Minimal container"),
// although the compiler is GCC 11.
constexpr Newest newest_of_al2023[] = {
    {"GLIBC", "2.34"}, {"GLIBCXX", "3.4.33"}, {"CXXABI", "1.3.15"}, {"GCC", "14.0.0"}};

// Sonames with the packages that bring them, only those in both listings of /lib64 (x86_64, arm64)
// that the brefphp/aws-lambda-layers project keeps of each generation, apart from the loaders and
// libmvec, which only one architecture has.
constexpr std::string_view libraries_of_both[] = {
    // glibc
    "ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libBrokenLocale.so.1", "libanl.so.1",
    "libc.so.6", "libdl.so.2", "libm.so.6", "libmvec.so.1", "libnss_compat.so.2", "libnss_dns.so.2",
    "libnss_files.so.2", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libthread_db.so.1",
    "libutil.so.1",
    // libgcc, libstdc++
    "libgcc_s.so.1", "libstdc++.so.6",
    // zlib
    "libz.so.1",
    // krb5-libs, libcom_err, keyutils-libs
    "libcom_err.so.2", "libgssapi_krb5.so.2", "libk5crypto.so.3", "libkeyutils.so.1",
    "libkrb5.so.3", "libkrb5support.so.0"};

// Few, because functions that come as an archive see less than the listings have: ldd in functions
// found no libcurl, libxml2 or liblzma (lambgeo/docker-lambda, issues 34 and 37).
constexpr std::string_view libraries_of_al2[] = {
    // glibc
    "libcidn.so.1", "libnsl.so.1",
    // libcrypt
    "libcrypt.so.1",
    // openssl-libs
    "libcrypto.so.10", "libssl.so.10"};

// The runtimes are built on the minimal container (Amazon Linux 2023 user guide, "AL2023 in AWS
// Lambda" and "AL2023 Minimal container image"). Without libcrypt.so.2, which is in neither
// listing.
constexpr std::string_view libraries_of_al2023[] = {
    // glibc
    "libc_malloc_debug.so.0",
    // openssl-libs
    "libcrypto.so.3", "libssl.so.3",
    // libcurl-minimal, libnghttp2, libidn2, libunistring
    "libcurl.so.4", "libidn2.so.0", "libnghttp2.so.14", "libunistring.so.2",
    // bzip2-libs, xz-libs, libzstd, lz4-libs, libarchive
    "libarchive.so.13", "libbz2.so.1", "liblz4.so.1", "liblzma.so.5", "libzstd.so.1",
    // libxml2, libyaml, json-c, sqlite-libs
    "libjson-c.so.5", "libsqlite3.so.0", "libxml2.so.2", "libyaml-0.so.2",
    // glib2, libffi, pcre2
    "libffi.so.8", "libgio-2.0.so.0", "libglib-2.0.so.0", "libgmodule-2.0.so.0",
    "libgobject-2.0.so.0", "libgthread-2.0.so.0", "libpcre2-8.so.0",
    // gmp, mpfr, readline, ncurses-libs
    "libgmp.so.10", "libmpfr.so.6", "libncurses.so.6", "libncursesw.so.6", "libreadline.so.8",
    "libtinfo.so.6",
    // libacl, libattr, libcap, libselinux, libsepol
    "libacl.so.1", "libattr.so.1", "libcap.so.2", "libselinux.so.1", "libsepol.so.2",
    // libblkid, libmount, libsmartcols, libuuid
    "libblkid.so.1", "libmount.so.1", "libsmartcols.so.1", "libuuid.so.1",
    // libgcrypt, libgpg-error, libtasn1, p11-kit
    "libgcrypt.so.20", "libgpg-error.so.0", "libp11-kit.so.0", "libtasn1.so.6"};

bool contains(std::span<const std::string_view> libraries, std::string_view soname) {
  return std::find(libraries.begin(), libraries.end(), soname) != libraries.end();
}

}  // namespace

std::optional<AmazonLinux> AmazonLinux::of_runtime(std::string_view runtime) {
  if (runtime == "provided.al2023") return AmazonLinux(Generation::al2023);
  if (runtime == "provided.al2" || runtime == "java8.al2" || runtime == "dotnetcore3.1")
    return AmazonLinux(Generation::al2);
  for (const Language& language : languages) {
    if (!runtime.starts_with(language.prefix) || !runtime.ends_with(language.suffix)) continue;
    std::string_view number = runtime.substr(language.prefix.size());
    if (number.size() < language.suffix.size()) continue;
    number.remove_suffix(language.suffix.size());
    const auto version = parse_version(number);
    if (!version || *version < language.oldest_on_al2) return std::nullopt;
    return AmazonLinux(*version < language.oldest_on_al2023 ? Generation::al2 : Generation::al2023);
  }
  return std::nullopt;
}

std::string_view AmazonLinux::name() const {
  return generation_ == Generation::al2 ? "Amazon Linux 2" : "Amazon Linux 2023";
}

std::string_view AmazonLinux::newest(std::string_view family) const {
  const std::span<const Newest> table =
      generation_ == Generation::al2 ? std::span(newest_of_al2) : std::span(newest_of_al2023);
  for (const Newest& newest : table)
    if (newest.family == family) return newest.version;
  return "";
}

bool AmazonLinux::has_version(std::string_view symbol_version) const {
  // Relative relocations came with glibc 2.36; whether Amazon Linux 2023 has them in its 2.34, as
  // others do, is not known.
  if (symbol_version == "GLIBC_ABI_DT_RELR") return generation_ != Generation::al2;
  const std::size_t end = symbol_version.rfind('_');
  if (end == std::string_view::npos) return true;
  const auto newest_version = parse_version(newest(symbol_version.substr(0, end)));
  // Names instead of numbers (GLIBC_PRIVATE) are no versions in this sense.
  const auto version = parse_version(symbol_version.substr(end + 1));
  return !newest_version || !version || *version <= *newest_version;
}

bool AmazonLinux::has_library(std::string_view soname) const {
  if (contains(libraries_of_both, soname)) return true;
  return generation_ == Generation::al2 ? contains(libraries_of_al2, soname)
                                        : contains(libraries_of_al2023, soname);
}

}  // namespace diagnosis
