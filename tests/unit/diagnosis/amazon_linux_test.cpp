#include "diagnosis/amazon_linux.hpp"

#include <doctest/doctest.h>

#include <string>

using diagnosis::AmazonLinux;

namespace {

std::string system_of(std::string_view runtime) {
  const auto system = AmazonLinux::of_runtime(runtime);
  return system ? std::string(system->name()) : "";
}

AmazonLinux al2() {
  return *AmazonLinux::of_runtime("provided.al2");
}
AmazonLinux al2023() {
  return *AmazonLinux::of_runtime("provided.al2023");
}

}  // namespace

TEST_CASE("runtimes up to 2023 are on Amazon Linux 2") {
  for (const char* runtime :
       {"python3.8", "python3.9", "python3.10", "python3.11", "nodejs12.x", "nodejs14.x",
        "nodejs16.x", "nodejs18.x", "java8.al2", "java11", "java17", "ruby2.7", "ruby3.2",
        "dotnetcore3.1", "dotnet6", "provided.al2"}) {
    CAPTURE(runtime);
    CHECK(system_of(runtime) == "Amazon Linux 2");
  }
}

TEST_CASE("newer runtimes are on Amazon Linux 2023") {
  for (const char* runtime :
       {"python3.12", "python3.13", "python3.14", "nodejs20.x", "nodejs22.x", "nodejs24.x",
        "java21", "java25", "ruby3.3", "ruby3.4", "dotnet8", "dotnet10", "provided.al2023"}) {
    CAPTURE(runtime);
    CHECK(system_of(runtime) == "Amazon Linux 2023");
  }
}

TEST_CASE("of other runtimes nothing is known, those of the first Amazon Linux among them") {
  for (const char* runtime :
       {"", "provided", "python2.7", "python3.7", "java8", "go1.x", "python", "python3.x",
        "nodejs20", "nodejs.x", "nodejs", "nodejs8.10", "java", "cobol85", "python3.12 "}) {
    CAPTURE(runtime);
    CHECK(system_of(runtime) == "");
  }
}

TEST_CASE("symbol versions are compared as numbers, up to the newest of the system") {
  CHECK(al2().newest("GLIBC") == "2.26");
  CHECK(al2().has_version("GLIBC_2.2.5"));
  CHECK(al2().has_version("GLIBC_2.26"));
  CHECK_FALSE(al2().has_version("GLIBC_2.28"));
  CHECK(al2023().has_version("GLIBC_2.28"));
  CHECK(al2023().has_version("GLIBC_2.34"));
  CHECK_FALSE(al2023().has_version("GLIBC_2.38"));
  CHECK(al2().has_version("GLIBCXX_3.4.9"));
  CHECK(al2().has_version("GLIBCXX_3.4.24"));
  CHECK_FALSE(al2().has_version("GLIBCXX_3.4.25"));
  CHECK_FALSE(al2().has_version("CXXABI_1.3.13"));
  CHECK_FALSE(al2().has_version("GCC_12.0.0"));
}

TEST_CASE("the C++ library of Amazon Linux 2023 is that of GCC 14, not of its compiler") {
  CHECK(al2023().has_version("GLIBCXX_3.4.30"));
  CHECK(al2023().has_version("GLIBCXX_3.4.33"));
  CHECK_FALSE(al2023().has_version("GLIBCXX_3.4.34"));
  CHECK(al2023().has_version("CXXABI_1.3.15"));
  CHECK(al2023().has_version("GCC_14.0.0"));
}

TEST_CASE("families that are not known, and names without numbers, are no reason to complain") {
  CHECK(al2().newest("OPENSSL") == "");
  CHECK(al2().has_version("OPENSSL_3.0.0"));
  CHECK(al2().has_version("GLIBC_PRIVATE"));
  CHECK(al2().has_version("CXXABI_TM_1"));
  CHECK(al2().has_version("CXXABI_FLOAT128"));
  CHECK(al2().has_version("plain"));
  CHECK(al2().has_version(""));
  CHECK_FALSE(al2().has_version("GLIBC_ABI_DT_RELR"));
}

TEST_CASE("each system has the OpenSSL and the libcrypt of its time") {
  CHECK(al2().has_library("libssl.so.10"));
  CHECK(al2().has_library("libcrypt.so.1"));
  CHECK_FALSE(al2().has_library("libssl.so.3"));
  CHECK(al2023().has_library("libssl.so.3"));
  CHECK_FALSE(al2023().has_library("libssl.so.10"));
  CHECK_FALSE(al2023().has_library("libcrypt.so.1"));
}

TEST_CASE("libraries that merely may be there are not known to be there") {
  for (const AmazonLinux system : {al2(), al2023()}) {
    CHECK(system.has_library("libc.so.6"));
    CHECK(system.has_library("libstdc++.so.6"));
    CHECK(system.has_library("libz.so.1"));
    CHECK_FALSE(system.has_library("libssl.so.1.1"));
    CHECK_FALSE(system.has_library("libGL.so.1"));
    CHECK_FALSE(system.has_library("libpython3.11.so.1.0"));
    CHECK_FALSE(system.has_library("libc.so"));
    CHECK_FALSE(system.has_library(""));
  }
  CHECK_FALSE(al2().has_library("libcurl.so.4"));
  CHECK(al2023().has_library("libcurl.so.4"));
}
