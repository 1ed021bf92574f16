#include "runtime-api/http/server.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace runtime_api::http {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// An idle connection costs this much and a coroutine frame; bodies grow the buffer up to the
// second.
constexpr std::size_t small_buffer = 4'096;
constexpr std::size_t large_buffer = 262'144;
constexpr int accepts_per_turn = 64;
constexpr auto pause_without_descriptors = std::chrono::milliseconds(50);
// After a refusal the client may still be sending; closing at once would reset the connection and
// take the answer away from it.
constexpr auto linger_time = std::chrono::seconds(2);

/// Writes straight into a Request. Beast's own parser<> would collect a fields container first, and
/// keeps the header limit only per read: bytes of fields already parsed do not count.
class RequestParser final : public beast_http::basic_parser<true> {
 public:
  explicit RequestParser(const ServerOptions& options) : options_(options) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(options.max_header_bytes));
    body_limit(boost::none);  // take() is the limit: it tells "too large" from "too much to drain"
  }

  bool body_too_large() const { return too_large_; }
  /// Not all of the body will be read: the connection cannot go on.
  bool gave_up() const { return gave_up_; }
  bool wants_continue() const { return wants_continue_; }
  bool header_received() const { return header_received_; }
  bool http_1_0() const { return http_1_0_; }

  Request take_request() {
    if (too_large_) request_.body = std::string();
    return std::move(request_);
  }

 private:
  using string_view = boost::beast::string_view;

  static std::string_view view(string_view text) { return {text.data(), text.size()}; }

  void on_request_impl(beast_http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    http_1_0_ = version < 11;
    request_ = Request(view(method), view(target));
    request_.headers.reserve(8);
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(beast_http::field, string_view name, string_view value,
                     error_code& error) override {
    header_bytes_ += name.size() + value.size() + 4;
    if (header_bytes_ > options_.max_header_bytes) {
      error = beast_http::error::header_limit;
      return;
    }
    (header_received_ ? request_.trailers : request_.headers).add(view(name), view(value));
  }

  void on_header_impl(error_code&) override {
    header_received_ = true;
    wants_continue_ = same_name(request_.headers.get("Expect"), "100-continue");
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& error) override {
    if (!length) return;
    if (*length > options_.max_body_bytes) {
      too_large_ = true;
      if (*length - options_.max_body_bytes > options_.max_drained_bytes) give_up(error);
      return;
    }
    // A promise is not memory: a header alone must not make us reserve megabytes.
    request_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, large_buffer)));
  }

  std::size_t on_body_impl(string_view bytes, error_code& error) override {
    return take(bytes, error);
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) override {
    return take(bytes, error);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t take(string_view bytes, error_code& error) {
    body_bytes_ += bytes.size();
    if (body_bytes_ > options_.max_body_bytes) {
      if (!too_large_) request_.body = std::string();
      too_large_ = true;
      if (body_bytes_ - options_.max_body_bytes > options_.max_drained_bytes) give_up(error);
    }
    if (!too_large_) request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void give_up(error_code& error) {
    too_large_ = true;
    gave_up_ = true;
    error = beast_http::error::body_limit;
  }

  const ServerOptions& options_;
  Request request_;
  std::size_t header_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool http_1_0_ = false;
  bool header_received_ = false;
  bool wants_continue_ = false;
  bool too_large_ = false;
  bool gave_up_ = false;
};

std::string_view status_line(int status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK\r\n";
    case 202:
      return "HTTP/1.1 202 Accepted\r\n";
    default:
      return {};
  }
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

}  // namespace

class Server::Shared : public std::enable_shared_from_this<Server::Shared> {
 public:
  Shared(asio::any_io_executor io_executor, Handler request_handler, ServerOptions server_options)
      : executor(std::move(io_executor)),
        handler(std::move(request_handler)),
        options(std::move(server_options)),
        acceptor(executor),
        pause(executor),
        sweep_timer(executor) {}

  base::Result<void> listen(base::UniqueFd socket);
  void drop_connections();
  void stop();
  void report(std::string text) const {
    if (options.report) options.report(std::move(text));
  }
  void add(Connection* connection) { connections.insert(connection); }
  void remove(Connection* connection);

  const asio::any_io_executor executor;
  Handler handler;
  const ServerOptions options;
  bool stopped = false;
  std::unordered_set<Connection*> connections;

 private:
  static asio::awaitable<void> accept_loop(std::shared_ptr<Shared> self);
  static asio::awaitable<void> sweep_loop(std::shared_ptr<Shared> self);
  /// What the loop should do next: wait for a client, or pause because nothing more can be had.
  enum class Accepted { all, no_descriptors };
  Accepted accept_waiting();
  void start_connection(base::UniqueFd socket);

  tcp::acceptor acceptor;
  tcp protocol_ = tcp::v4();
  asio::steady_timer pause;
  asio::steady_timer sweep_timer;
  bool reported_no_descriptors_ = false;
};

/// One client. A read is always outstanding, also while the handler works: it is how a client that
/// went away is noticed, and it becomes the next request's first read without being restarted.
class Server::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::Shared> shared, tcp::socket socket)
      : shared_(std::move(shared)), socket_(std::move(socket)) {
    shared_->add(this);
  }
  ~Connection() { shared_->remove(this); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static void start(const std::shared_ptr<Connection>& self);
  void abort();
  /// Has it been idle, or one request or answer under way, for longer than the options allow?
  bool is_late(Clock::time_point now) const;

 private:
  enum class Parsed { request, need_more, refused };
  enum class Phase { idle, transfer, handler };

  static asio::awaitable<void> run(std::shared_ptr<Connection> self);
  asio::awaitable<void> linger();

  Parsed parse();
  void prepare_buffer();
  void resize_buffer(std::size_t capacity);
  void start_read();
  void on_read(error_code error, std::size_t count);
  void cancel_handler();
  void send_continue();
  void refuse(int status);
  void set_phase(Phase phase);
  void compose_head(const Response& response, bool keep_alive, bool http_1_0);
  std::size_t free_bytes() const { return capacity_ - end_; }

  /// Completes when the outstanding read has.
  auto read_completed() {
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) { waiting_.emplace(std::move(handler)); }, asio::use_awaitable);
  }

  std::shared_ptr<Server::Shared> shared_;
  tcp::socket socket_;
  asio::cancellation_signal cancel_;
  std::optional<RequestParser> parser_;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // unread bytes are [begin_, end_)
  std::size_t end_ = 0;
  bool reading_ = false;  // [end_, capacity_) belongs to the kernel until on_read()
  bool last_read_full_ = false;
  error_code read_error_;  // end of file or worse: no more will come
  // optional, because move assignment of this type recurses without end in Boost 1.81.
  std::optional<asio::any_completion_handler<void()>> waiting_;

  std::string head_;
  bool in_handler_ = false;
  bool aborted_ = false;
  bool cancelled_ = false;
  Phase phase_ = Phase::idle;
  Clock::time_point phase_since_{};
};

// --- Connection: reading ---

void Server::Connection::prepare_buffer() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == 0) {
    std::size_t wanted = std::max(capacity_, small_buffer);
    if (last_read_full_) {
      wanted = std::min(wanted * 4, large_buffer);
    } else if (!parser_) {
      wanted = small_buffer;  // a large body has passed; idle connections stay small
    }
    if (wanted != capacity_) resize_buffer(wanted);
  } else if (free_bytes() < small_buffer / 2 && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  } else if (free_bytes() == 0) {
    // A line or a trailer that does not fit: parse() bounds how far this goes.
    resize_buffer(capacity_ * 2);
  }
}

void Server::Connection::resize_buffer(std::size_t capacity) {
  auto resized = std::make_unique_for_overwrite<char[]>(capacity);
  if (end_ > 0) std::memcpy(resized.get(), buffer_.get(), end_);
  buffer_ = std::move(resized);
  capacity_ = capacity;
}

void Server::Connection::start_read() {
  if (reading_ || read_error_) return;
  prepare_buffer();
  reading_ = true;
  socket_.async_read_some(asio::buffer(buffer_.get() + end_, free_bytes()),
                          [self = shared_from_this()](error_code error, std::size_t count) {
                            self->on_read(error, count);
                          });
}

void Server::Connection::on_read(error_code error, std::size_t count) {
  reading_ = false;
  last_read_full_ = count == free_bytes();
  end_ += count;
  read_error_ = error;
  if (waiting_) {
    auto resume = std::move(*waiting_);
    waiting_.reset();
    std::move(resume)();
  } else if (error) {
    cancel_handler();
  }
}

void Server::Connection::cancel_handler() {
  if (!in_handler_ || shared_->options.when_client_gone != ClientGone::cancel_handler) return;
  cancelled_ = true;
  cancel_.emit(asio::cancellation_type::terminal);
}

Server::Connection::Parsed Server::Connection::parse() {
  if (!parser_) {
    // Some clients end a body with a line break that its length does not count.
    while (begin_ != end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n')) ++begin_;
    if (begin_ == end_) return Parsed::need_more;
    parser_.emplace(shared_->options);
    set_phase(Phase::transfer);
  }
  while (begin_ != end_) {
    error_code error;
    const std::size_t used =
        parser_->put(asio::const_buffer(buffer_.get() + begin_, end_ - begin_), error);
    begin_ += used;
    if (parser_->is_done()) return Parsed::request;
    if (error == beast_http::error::need_more) {
      // What the parser cannot use in part (a field, a chunk header, all trailers) must fit the
      // limit.
      if (end_ - begin_ <= shared_->options.max_header_bytes) return Parsed::need_more;
      refuse(431);
      return Parsed::refused;
    }
    if (error) {
      if (parser_->gave_up()) return Parsed::request;
      refuse(error == beast_http::error::header_limit ? 431 : 400);
      return Parsed::refused;
    }
  }
  return Parsed::need_more;
}

// --- Connection: writing ---

void Server::Connection::compose_head(const Response& response, bool keep_alive, bool http_1_0) {
  head_ = status_line(response.status);
  if (head_.empty()) {
    const auto reason = beast_http::obsolete_reason(
        beast_http::int_to_status(static_cast<unsigned>(response.status)));
    head_ = "HTTP/1.1 " + std::to_string(response.status) + " ";
    head_.append(reason.data(), reason.size());
    head_ += "\r\n";
  }
  head_ += response.header_lines();
  if (!keep_alive) {
    head_ += "Connection: close\r\n";
  } else if (http_1_0) {
    head_ += "Connection: keep-alive\r\n";
  }
  if (!has_no_body(response.status)) {
    head_ += "Content-Length: ";
    head_ += std::to_string(response.content().size());
    head_ += "\r\n";
  }
  head_ += "\r\n";
}

void Server::Connection::send_continue() {
  static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code ignored;  // a client that has gone shows at the next read
  socket_.write_some(asio::buffer(line), ignored);
}

void Server::Connection::refuse(int status) {
  compose_head(Response(status), /*keep_alive=*/false, /*http_1_0=*/false);
  error_code ignored;
  socket_.write_some(asio::buffer(head_), ignored);
}

// --- Connection: life ---

void Server::Connection::set_phase(Phase phase) {
  phase_ = phase;
  if (shared_->options.idle_timeout.count() > 0 || shared_->options.request_timeout.count() > 0) {
    phase_since_ = Clock::now();
  }
}

bool Server::Connection::is_late(Clock::time_point now) const {
  const auto limit = phase_ == Phase::idle       ? shared_->options.idle_timeout
                     : phase_ == Phase::transfer ? shared_->options.request_timeout
                                                 : std::chrono::milliseconds(0);
  return limit.count() > 0 && now - phase_since_ > limit;
}

void Server::Connection::abort() {
  aborted_ = true;
  error_code ignored;
  socket_.close(ignored);
  cancelled_ = true;
  cancel_.emit(asio::cancellation_type::terminal);
  if (waiting_) {
    // The coroutine owns this object and this object the coroutine's continuation. The io context
    // takes the latter over, which ends the circle even if it never runs again.
    auto resume = std::move(*waiting_);
    waiting_.reset();
    asio::post(shared_->executor, std::move(resume));
  }
}

void Server::Connection::start(const std::shared_ptr<Connection>& self) {
  auto executor = self->shared_->executor;
  auto slot = self->cancel_.slot();
  auto on_end = [self](const std::exception_ptr& failure) {
    if (!failure || self->cancelled_) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      self->shared_->report(std::string("http server: a connection failed: ") + error.what());
    }
  };
  self->set_phase(Phase::idle);
  asio::co_spawn(executor, run(self), asio::bind_cancellation_slot(slot, std::move(on_end)));
}

asio::awaitable<void> Server::Connection::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  asio::steady_timer deadline(shared_->executor, linger_time);
  deadline.async_wait([weak = weak_from_this()](error_code error) {
    if (auto self = weak.lock(); self && !error) self->abort();
  });
  // What is still being sent is thrown away; without end it is cut off by the deadline.
  while (!read_error_ && !aborted_) {
    if (!reading_) {
      begin_ = end_ = 0;
      start_read();
    }
    co_await read_completed();
  }
}

asio::awaitable<void> Server::Connection::run(std::shared_ptr<Connection> self) {
  Connection& c = *self;
  Server::Shared& shared = *c.shared_;
  for (;;) {
    // --- Receive one request ---
    bool truncated = false;
    bool continue_sent = false;
    for (;;) {
      const Parsed parsed = c.parse();
      if (parsed == Parsed::request) break;
      if (parsed == Parsed::refused) {
        co_await c.linger();
        co_return;
      }
      if (c.read_error_) {
        if (!c.parser_ || !c.parser_->header_received() || c.aborted_) co_return;
        truncated = true;
        break;
      }
      if (c.parser_ && c.parser_->wants_continue() && !continue_sent) {
        continue_sent = true;
        c.send_continue();
      }
      c.start_read();
      co_await c.read_completed();
      if (c.aborted_) co_return;
    }

    const bool gave_up = c.parser_->gave_up();
    bool keep_alive = !truncated && !gave_up && c.parser_->keep_alive();
    const bool http_1_0 = c.parser_->http_1_0();
    const bool too_large = c.parser_->body_too_large();
    Request request = c.parser_->take_request();
    if (truncated) request.body_state = BodyState::truncated;
    if (too_large) request.body_state = BodyState::too_large;
    const bool is_head = request.method == "HEAD";
    c.parser_.reset();

    // --- Let the handler answer it ---
    c.set_phase(Phase::handler);
    c.start_read();
    Response response;
    c.in_handler_ = true;
    if (c.read_error_ && !truncated) {
      // The end of the stream was seen before; nobody else will tell a handler that waits.
      asio::post(shared.executor, [self] { self->cancel_handler(); });
    }
    try {
      response = co_await shared.handler(std::move(request));
    } catch (const std::exception& error) {
      if (!c.cancelled_) shared.report(std::string("http server: handler failed: ") + error.what());
      response = Response(500);
    } catch (...) {
      shared.report("http server: handler failed");
      response = Response(500);
    }
    c.in_handler_ = false;
    if (c.aborted_ || c.cancelled_) co_return;

    // --- Write the answer: header and body in one system call ---
    c.set_phase(Phase::transfer);
    keep_alive = keep_alive && !response.close_connection;
    c.compose_head(response, keep_alive, http_1_0);
    const std::string_view content =
        is_head || has_no_body(response.status) ? std::string_view() : response.content();
    const std::array<asio::const_buffer, 2> message{asio::buffer(c.head_), asio::buffer(content)};
    const std::size_t size = c.head_.size() + content.size();
    error_code error;
    std::size_t sent = c.socket_.write_some(message, error);
    if (error == asio::error::would_block) error = {};
    if (error) co_return;
    if (sent < size) {
      std::vector<asio::const_buffer> rest;
      if (sent < c.head_.size()) {
        rest.emplace_back(c.head_.data() + sent, c.head_.size() - sent);
        sent = c.head_.size();
      }
      rest.emplace_back(content.data() + (sent - c.head_.size()), size - sent);
      co_await asio::async_write(c.socket_, rest, asio::redirect_error(asio::use_awaitable, error));
      if (error || c.aborted_) co_return;
    }
    if (!keep_alive) {
      co_await c.linger();
      co_return;
    }
    c.set_phase(Phase::idle);
    if (c.begin_ == c.end_ && c.read_error_) co_return;
  }
}

// --- Server ---

base::Result<void> Server::Shared::listen(base::UniqueFd socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return base::from_errno(errno, "HTTP server: listening socket");
  }
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) {
    return base::Error(base::ErrorKind::invalid_argument,
                       "HTTP server: listening socket: not a TCP socket.");
  }
  protocol_ = address.ss_family == AF_INET ? tcp::v4() : tcp::v6();
  TRY(base::set_close_on_exec(socket.get()));
  error_code error;
  acceptor.assign(protocol_, socket.get(), error);
  if (!error) {
    socket.release();
    acceptor.non_blocking(true, error);
  }
  if (error) {
    return base::Error(base::ErrorKind::io_error,
                       "HTTP server: listening socket: " + error.message() + ".");
  }
  const auto on_end = [self = shared_from_this()](const std::exception_ptr& failure) {
    if (failure && !self->stopped) self->report("http server: a service loop ended");
  };
  asio::co_spawn(executor, accept_loop(shared_from_this()), on_end);
  if (options.idle_timeout.count() > 0 || options.request_timeout.count() > 0) {
    asio::co_spawn(executor, sweep_loop(shared_from_this()), on_end);
  }
  return {};
}

asio::awaitable<void> Server::Shared::accept_loop(std::shared_ptr<Shared> self) {
  while (!self->stopped) {
    const auto limit = self->options.max_connections;
    const bool full = limit != 0 && self->connections.size() >= limit;
    error_code error;
    if (!full) {
      co_await self->acceptor.async_wait(tcp::acceptor::wait_read,
                                         asio::redirect_error(asio::use_awaitable, error));
      if (self->stopped || error) co_return;
    }
    if (full || self->accept_waiting() == Accepted::no_descriptors) {
      // The kernel would report the waiting client over and over. remove() ends the pause early.
      self->pause.expires_after(pause_without_descriptors);
      co_await self->pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

Server::Shared::Accepted Server::Shared::accept_waiting() {
  for (int i = 0; i < accepts_per_turn && !stopped; ++i) {
    if (options.max_connections != 0 && connections.size() >= options.max_connections) break;
    base::UniqueFd socket(
        ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket) {
      reported_no_descriptors_ = false;
      start_connection(std::move(socket));
      continue;
    }
    if (errno == EAGAIN) break;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (!std::exchange(reported_no_descriptors_, true)) {
        report(base::from_errno(errno, "http server: accept").message);
      }
      return Accepted::no_descriptors;
    }
    // Anything else is the fault of that one client (ECONNABORTED and the network's errors).
  }
  return Accepted::all;
}

void Server::Shared::start_connection(base::UniqueFd fd) {
  const int enabled = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
  tcp::socket socket(executor);
  error_code error;
  socket.assign(protocol_, fd.get(), error);
  if (error) return;
  fd.release();
  socket.non_blocking(true, error);
  if (error) return;
  Connection::start(std::make_shared<Connection>(shared_from_this(), std::move(socket)));
}

asio::awaitable<void> Server::Shared::sweep_loop(std::shared_ptr<Shared> self) {
  auto interval = std::chrono::milliseconds(1000);
  for (const auto timeout : {self->options.idle_timeout, self->options.request_timeout}) {
    if (timeout.count() > 0) interval = std::min(interval, timeout / 4);
  }
  interval = std::max(interval, std::chrono::milliseconds(10));
  while (!self->stopped) {
    error_code error;
    self->sweep_timer.expires_after(interval);
    co_await self->sweep_timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    std::vector<std::shared_ptr<Connection>> late;
    const auto now = Clock::now();
    for (Connection* connection : self->connections) {
      if (connection->is_late(now)) late.push_back(connection->shared_from_this());
    }
    for (const auto& connection : late) connection->abort();
  }
}

void Server::Shared::remove(Connection* connection) {
  connections.erase(connection);
  pause.cancel();
}

void Server::Shared::drop_connections() {
  // Aborting one may end it, here and now.
  std::vector<std::shared_ptr<Connection>> dropped;
  for (Connection* connection : connections) {
    // One that is just being destroyed has no owner left to share.
    if (auto alive = connection->weak_from_this().lock()) dropped.push_back(std::move(alive));
  }
  for (const auto& connection : dropped) connection->abort();
  // Clients that connected and were not accepted yet belong to the same past.
  while (acceptor.is_open()) {
    const base::UniqueFd waiting(
        ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!waiting && errno != EINTR && errno != ECONNABORTED) break;
  }
}

void Server::Shared::stop() {
  if (std::exchange(stopped, true)) return;
  drop_connections();
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  sweep_timer.cancel();
}

Server::Server(asio::any_io_executor executor, Handler handler, ServerOptions options)
    : shared_(
          std::make_shared<Shared>(std::move(executor), std::move(handler), std::move(options))) {}

Server::~Server() {
  stop();
}

base::Result<void> Server::listen(base::UniqueFd listening_socket) {
  return shared_->listen(std::move(listening_socket));
}

void Server::drop_connections() {
  shared_->drop_connections();
}

void Server::stop() {
  shared_->stop();
}

std::size_t Server::connections() const {
  return shared_->connections.size();
}

}  // namespace runtime_api::http
