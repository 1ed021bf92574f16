#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace base {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> open_read_only(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return from_errno(errno, "cannot open \"" + path + "\"");
  return UniqueFd(fd);
}

Result<FdPair> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return from_errno(errno, "cannot make a pipe");
  return FdPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<FdPair> make_seqpacket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return from_errno(errno, "cannot make a socket pair");
  return FdPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<void> set_close_on_exec(int fd) {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags < 0 || ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
    return from_errno(errno, "cannot mark a descriptor close-on-exec");
  return {};
}

Result<void> set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return from_errno(errno, "cannot make a descriptor non-blocking");
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  TRY_ASSIGN(const UniqueFd file, open_read_only(path));
  return read_to_end(file.get(), limit, path);
}

Result<std::string> read_to_end(int fd, std::size_t limit, const std::string& name) {
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0) {
      if (errno == EINTR) continue;
      return from_errno(errno, "cannot read \"" + name + "\"");
    }
    if (count == 0) return content;
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > limit)
      return Error(ErrorKind::limit_exceeded,
                   "\"" + name + "\" is larger than " + std::to_string(limit) + " bytes");
  }
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return from_errno(errno, "cannot write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace base
