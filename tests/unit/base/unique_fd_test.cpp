#include "base/unique_fd.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <cstdio>
#include <cstdlib>

namespace {

bool closes_on_exec(const base::UniqueFd& fd) {
  return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0;
}

}  // namespace

TEST_CASE("every way of making a descriptor makes it close-on-exec") {
  const auto file = base::open_read_only("/dev/null");
  REQUIRE(file.has_value());
  CHECK(closes_on_exec(*file));
  const auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  CHECK(closes_on_exec(pipe->first));
  CHECK(closes_on_exec(pipe->second));
  const auto sockets = base::make_seqpacket_pair();
  REQUIRE(sockets.has_value());
  CHECK(closes_on_exec(sockets->first));
  CHECK(closes_on_exec(sockets->second));
}

TEST_CASE("a descriptor is closed once and only by its last owner") {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  const int number = pipe->first.get();
  base::UniqueFd owner = std::move(pipe->first);
  CHECK(owner.get() == number);
  owner.reset();
  CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("a file larger than the limit is refused, a missing one is not found") {
  CHECK(base::read_file("/proc/self/status", 10).error().kind == base::ErrorKind::limit_exceeded);
  CHECK(base::read_file("/nowhere/at/all", 10).error().kind == base::ErrorKind::not_found);
}
