// An HTTP/1.1 server over one listening socket: parses, bounds, answers. Knows nothing of Lambda,
// of routes and of JSON; the Runtime API of every environment and the public service API both sit
// on it.
//
// Thread rule: everything happens on the executor's one io thread; no locks.
// Ownership: the handler is kept until the last connection is gone, which may be one turn of the io
// context after the Server is. After stop() or destruction the handler is not called any more, but
// one that is suspended is still unwound: let its coroutine own what it touches. Errors: a client's
// mistakes are answered (400, 413, 431) or end its connection; an exception of the handler becomes
// a bare 500 and a line for `report`; running out of descriptors pauses accepting.
//
// Streaming (requests handed on by the chunk, responses written by the chunk) will come as a second
// kind of handler beside Handler; the connection's reading and writing is already by the chunk.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "runtime-api/http/message.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace runtime_api::http {

/// Called for each request whose header was received in full, one at a time per connection.
/// `request.body_state` tells whether the body is whole; the answer is sent in each case.
using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

/// What becomes of a suspended handler when its client closes the connection, or only its sending
/// half, which looks the same from here.
enum class ClientGone {
  cancel_handler,   // long polls: the wait ends with operation_aborted (terminal cancellation)
  let_handler_end,  // work that goes on without its client
};

struct ServerOptions {
  std::size_t max_header_bytes = 64 * 1024;  // request line and fields; past it: 431
  std::size_t max_body_bytes = 6'291'556;    // past it: BodyState::too_large
  /// How much of a body past the limit is still read, so that the client, busy sending, gets to
  /// read the answer on a connection that stays in use. Past it the connection ends after the
  /// answer.
  std::uint64_t max_drained_bytes = 64 * 1024 * 1024;
  std::size_t max_connections = 0;            // 0: as many as the descriptors last
  std::chrono::milliseconds idle_timeout{0};  // between requests; 0: for ever
  std::chrono::milliseconds request_timeout{
      0};  // first byte to last byte of a request; 0: for ever
  ClientGone when_client_gone = ClientGone::cancel_handler;
  std::function<void(std::string)> report;  // what an operator should know; may be empty

  ServerOptions() {}
};

class Server {
 public:
  Server(boost::asio::any_io_executor executor, Handler handler, ServerOptions options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes a socket that listens already, IPv4 or IPv6, made in whichever network namespace.
  base::Result<void> listen(base::UniqueFd listening_socket);
  /// Closes every connection at once and cancels suspended handlers; goes on accepting.
  void drop_connections();
  /// drop_connections() and the listener closed. Final.
  void stop();
  std::size_t connections() const;

 private:
  class Connection;
  class Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace runtime_api::http
