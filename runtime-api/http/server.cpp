#include "runtime-api/http/server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <set>

namespace runtime_api::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr std::size_t read_bytes = 64 * 1024;
/// A connection that sends more while its request is being answered is cut off.
constexpr std::size_t most_ahead_bytes = 1024 * 1024;
constexpr std::chrono::milliseconds accept_pause{50};

/// A body that keeps its beginning and counts the rest. Beast's own body limit ends the parse, and
/// then the client would see a reset instead of the answer that its body was too large.
struct CappedBody {
  struct value_type {
    std::string bytes;
    std::size_t limit = 0;
    bool too_large = false;
  };

  class reader {
   public:
    template <bool is_request, class Fields>
    reader(beast::http::header<is_request, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& length, beast::error_code& error) {
      error = {};
      // The announced length is the client's word: never more memory than the limit on its account.
      constexpr std::uint64_t trusted = 64 * 1024;
      if (length) body_.bytes.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, trusted)));
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, beast::error_code& error) {
      error = {};
      std::size_t taken = 0;
      for (const auto part : beast::buffers_range_ref(buffers)) {
        const std::size_t room = body_.limit - body_.bytes.size();
        body_.bytes.append(static_cast<const char*>(part.data()), std::min(room, part.size()));
        if (part.size() > room) body_.too_large = true;
        taken += part.size();
      }
      return taken;
    }
    void finish(beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

using Parser = beast::http::request_parser<CappedBody>;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

Request to_request(Parser& parser, bool truncated) {
  auto& message = parser.get();
  Request request;
  request.method = view(message.method_string());
  const std::string_view target = view(message.target());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& field : message)
    request.headers.emplace_back(view(field.name_string()), view(field.value()));
  request.body = std::move(message.body().bytes);
  request.body_too_large = message.body().too_large;
  request.body_truncated = truncated;
  return request;
}

std::string serialise_head(const Response& response, bool keep_alive) {
  const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(reason.data(), reason.size());
  head += "\r\n";
  for (const auto& [name, value] : response.headers) {
    head += name;
    head += ": ";
    // A value that we were given must not be able to start a header of its own.
    for (const char c : value) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    head += "\r\n";
  }
  if (response.status != 204) head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  if (!keep_alive) head += "Connection: close\r\n";
  head += "\r\n";
  return head;
}

}  // namespace

class Connection;

struct Server::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor io, ServerLimits server_limits, Handler request_handler)
      : executor(io), acceptor(io), pause(io), limits(server_limits), handler(std::move(request_handler)) {}

  void accept();

  asio::any_io_executor executor;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  ServerLimits limits;
  Handler handler;
  std::set<std::shared_ptr<Connection>> connections;
};

/// Reads one request, has it answered, reads the next. While an answer is outstanding a read is
/// still pending, so that a client that leaves is noticed.
class Connection final : public Responder::Connection, public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<Server::State> server)
      : socket_(std::move(socket)), server_(std::move(server)) {}

  void start() {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    next_request();
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    leave();
  }

  void answer(Response response) override {
    if (gone()) return;
    awaiting_answer_ = false;
    keep_alive_ = keep_alive_ && parser_->get().keep_alive();
    head_ = serialise_head(response, keep_alive_);
    const bool body_allowed = response.status != 204 && parser_->get().method() != beast::http::verb::head;
    body_ = body_allowed ? std::move(response.body) : std::string();
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(body_)};
    asio::async_write(socket_, parts,
                      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                        self->answered(!error);
                      });
  }
  bool gone() const override { return gone_; }
  void on_gone(std::function<void()> callback) override { on_gone_ = std::move(callback); }
  void give_up() override {
    if (!gone_) close();
  }

 private:
  void next_request() {
    on_gone_ = nullptr;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_->limits.header_bytes));
    parser_->body_limit(boost::none);
    parser_->get().body().limit = server_->limits.body_bytes;
    continue_sent_ = false;
    consume();
  }

  /// Feeds the parser with what is there and reads on until a request is complete.
  void consume() {
    boost::system::error_code error;
    while (buffer_.size() > 0 && !parser_->is_done()) {
      parser_->eager(true);
      const std::size_t used = parser_->put(buffer_.data(), error);
      buffer_.consume(used);
      if (error == beast::http::error::need_more) break;
      if (error) return refuse(error);
    }
    if (parser_->is_done()) return dispatch(false);
    if (parser_->is_header_done() && !continue_sent_) offer_to_continue();
    read();
  }

  void offer_to_continue() {
    continue_sent_ = true;
    if (!beast::iequals(parser_->get()[beast::http::field::expect], "100-continue")) return;
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    // Small enough for an empty send buffer; a failure shows at the next read.
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.write_some(asio::buffer(go_on.data(), go_on.size()), ignored);
  }

  void read() {
    if (reading_ || gone_) return;
    reading_ = true;
    socket_.async_read_some(buffer_.prepare(read_bytes),
                            [self = shared_from_this()](const boost::system::error_code& error,
                                                        std::size_t count) { self->arrived(error, count); });
  }

  void arrived(const boost::system::error_code& error, std::size_t count) {
    reading_ = false;
    buffer_.commit(count);
    if (error) return ended();
    if (!awaiting_answer_ && !writing_) return consume();
    if (buffer_.size() > most_ahead_bytes) return close();
    read();
  }

  /// The client has closed its side, or the connection broke.
  void ended() {
    if (!awaiting_answer_ && !writing_ && parser_ && parser_->is_header_done() && !parser_->is_done()) {
      keep_alive_ = false;
      return dispatch(true);
    }
    if (!writing_) close();
    else keep_alive_ = false;
  }

  void dispatch(bool truncated) {
    awaiting_answer_ = true;
    const auto self = shared_from_this();
    try {
      server_->handler(to_request(*parser_, truncated), Responder(self));
    } catch (const std::exception&) {
      // The Responder was destroyed on the way here and has closed the connection.
      return;
    }
    if (awaiting_answer_ && !truncated) read();
  }

  void refuse(const boost::system::error_code& error) {
    keep_alive_ = false;
    awaiting_answer_ = true;
    const bool headers = error == beast::http::error::header_limit;
    answer(Response(headers ? 431 : 400));
  }

  void answered(bool good) {
    writing_ = false;
    if (!good || !keep_alive_) return linger();
    next_request();
  }

  /// Lets the client read the last answer although it may still be sending.
  void linger() {
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    close();
  }

  void leave() {
    if (gone_) return;
    gone_ = true;
    // Moved out first: the callback may drop what owns it.
    if (const auto callback = std::move(on_gone_)) callback();
    server_->connections.erase(shared_from_this());
  }

  tcp::socket socket_;
  std::shared_ptr<Server::State> server_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string head_;
  std::string body_;
  std::function<void()> on_gone_;
  bool continue_sent_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool awaiting_answer_ = false;
  bool keep_alive_ = true;
  bool gone_ = false;
};

void Server::State::accept() {
  acceptor.async_accept(
      executor, [self = shared_from_this()](const boost::system::error_code& error, tcp::socket socket) {
        if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
        if (error) {
          // Out of descriptors, mostly: the backlog keeps the client, and a pause keeps the processor.
          self->pause.expires_after(accept_pause);
          self->pause.async_wait([self](const boost::system::error_code& stopped) {
            if (!stopped) self->accept();
          });
          return;
        }
        // Asio's sockets are inheritable; a runtime must not get them.
        if (base::set_close_on_exec(socket.native_handle())) {
          auto connection = std::make_shared<Connection>(std::move(socket), self);
          self->connections.insert(connection);
          connection->start();
        }
        self->accept();
      });
}

Server::Server(asio::any_io_executor executor, ServerLimits limits, Handler handler)
    : state_(std::make_shared<State>(executor, limits, std::move(handler))) {}

Server::~Server() {
  stop();
}

base::Result<void> Server::listen(base::UniqueFd listening_socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(listening_socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return base::from_errno(errno, "cannot use the listening socket");
  TRY(base::set_close_on_exec(listening_socket.get()));
  state_->acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), listening_socket.release());
  state_->accept();
  return {};
}

void Server::drop_connections() {
  const auto connections = state_->connections;
  for (const auto& connection : connections) connection->close();
}

void Server::stop() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  state_->pause.cancel();
  drop_connections();
}

}  // namespace runtime_api::http
