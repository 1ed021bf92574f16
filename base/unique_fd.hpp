#pragma once

#include "base/result.hpp"

#include <string>
#include <utility>

namespace base {

/// Owns one file descriptor and closes it. Everything made here is close-on-exec: a runtime must
/// find descriptors 0, 1 and 2 and nothing else of ours.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct FdPair {
  UniqueFd first;
  UniqueFd second;
};

Result<UniqueFd> open_read_only(const std::string& path);
/// first is the reading end, second the writing end.
Result<FdPair> make_pipe();
/// A connected pair of SOCK_SEQPACKET sockets: messages keep their borders.
Result<FdPair> make_seqpacket_pair();
Result<void> set_close_on_exec(int fd);
Result<void> set_nonblocking(int fd);

/// The whole of a file, refused when it is larger than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit);
/// The rest of an open file or pipe, with the same limit; `name` is what errors call it.
Result<std::string> read_to_end(int fd, std::size_t limit, const std::string& name);
/// Writes everything, retrying after short writes and EINTR.
Result<void> write_all(int fd, std::string_view bytes);

}  // namespace base
