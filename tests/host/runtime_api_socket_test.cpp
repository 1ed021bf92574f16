// The HTTP server and the session over real loopback sockets: clients that behave and clients that
// do not. The io context runs on its own thread; the session is touched only there, through
// on_io().
#include "base/unique_fd.hpp"
#include "runtime-api/http/server.hpp"
#include "runtime-api/session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using runtime_api::InvocationEvent;
using runtime_api::InvocationReply;
using runtime_api::Session;
namespace http = runtime_api::http;

namespace {

constexpr std::string_view id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
constexpr std::size_t limit = runtime_api::max_response_bytes;

class Listener {
 public:
  explicit Listener(int family = AF_INET) {
    socket.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage any{};
    any.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in&>(any).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      size = sizeof(sockaddr_in);
    } else {
      reinterpret_cast<sockaddr_in6&>(any).sin6_addr = in6addr_loopback;
      size = sizeof(sockaddr_in6);
    }
    usable = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&any), size) == 0 &&
             ::listen(socket.get(), 1024) == 0;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  }

  base::UniqueFd socket;
  sockaddr_storage address{};
  socklen_t size = 0;
  bool usable = false;
};

struct Answer {
  int status = 0;  // 0: the connection ended instead
  std::string head;
  std::string body;

  std::optional<std::string> header(std::string_view name) const {
    const auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return std::nullopt;
    const auto from = at + 4 + name.size();
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

/// A blocking client that writes bytes and reads answers; no call blocks for more than ten seconds.
class Client {
 public:
  explicit Client(const Listener& listener) {
    socket_.reset(::socket(listener.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connected = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&listener.address),
                          listener.size) == 0;
  }

  /// False once the server has closed or reset the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  Answer receive_head() {
    Answer answer;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return {};
    }
    answer.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    return answer;
  }

  Answer receive() {
    Answer answer = receive_head();
    const std::size_t length = std::stoul(answer.header("Content-Length").value_or("0"));
    while (received_.size() < length) {
      if (!fill()) return {};
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    return answer;
  }

  Answer ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }

  /// True when the server closes, in whichever way, within the patience.
  bool is_closed() {
    while (fill()) {
    }
    return errno != EAGAIN;
  }

  void end_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }
  void reset() {
    const linger abort{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    socket_.reset();
  }

  bool connected = false;

 private:
  bool fill() {
    char buffer[65536];
    errno = 0;
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  base::UniqueFd socket_;
  std::string received_;
};

class IoThread {
 public:
  ~IoThread() {
    work_.reset();
    thread_.join();
  }
  asio::io_context context{1};

  template <typename Function>
  auto on_io(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    asio::post(context, [&task] { task(); });
    return result.get();
  }

  bool eventually(const std::function<bool()>& fact) {
    for (int i = 0; i < 5000; ++i) {
      if (on_io(fact)) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

 private:
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{
      context.get_executor()};
  std::thread thread_{[this] { context.run(); }};
};

class SessionFixture : public IoThread {
 public:
  explicit SessionFixture(int family = AF_INET) : listener(family) {
    on_io([&] {
      session.emplace(context.get_executor(), [&] { ++changes; });
      REQUIRE(session->listen(std::move(listener.socket)).has_value());
    });
  }
  ~SessionFixture() {
    on_io([&] { session.reset(); });
  }

  void begin(std::string_view request_id = id, std::string payload = "{\"key\":1}") {
    on_io([&] { session->begin(InvocationEvent(std::string(request_id), std::move(payload))); });
  }
  bool wait_for_poll() {
    return eventually([&] { return session->runtime_waiting(); });
  }
  bool wait_for_reply() {
    return eventually([&] { return session->reply().has_value(); });
  }
  InvocationReply reply() {
    REQUIRE(wait_for_reply());
    return on_io([&] { return *session->reply(); });
  }

  Listener listener;
  std::optional<Session> session;
  std::atomic<int> changes{0};
};

std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET /2018-06-01" + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) +
         "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view headers = {}) {
  return "POST /2018-06-01" + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

const std::string next = get("/runtime/invocation/next");
const std::string response_path = "/runtime/invocation/" + std::string(id) + "/response";
const std::string error_path = "/runtime/invocation/" + std::string(id) + "/error";

std::string document(std::string_view type, std::string_view message) {
  return "{\"errorMessage\":\"" + std::string(message) + "\",\"errorType\":\"" + std::string(type) +
         "\"}\n";
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

/// A bare server whose handler the test brings along.
class ServerFixture : public IoThread {
 public:
  explicit ServerFixture(http::Handler handler, http::ServerOptions options = {}) {
    options.report = [this](std::string text) {
      reports += text + "\n";
      ++report_count;
    };
    on_io([&] {
      server.emplace(context.get_executor(), std::move(handler), std::move(options));
      REQUIRE(server->listen(std::move(listener.socket)).has_value());
    });
  }
  ~ServerFixture() {
    on_io([&] { server.reset(); });
  }

  std::size_t connections() {
    return on_io([&] { return server->connections(); });
  }

  Listener listener;
  std::optional<http::Server> server;
  std::string reports;
  std::atomic<int> report_count{0};
};

asio::awaitable<http::Response> echo(http::Request request) {
  http::Response response(200, "text/plain", std::move(request.body));
  response.add("X-Method", request.method);
  response.add("X-Path", request.path);
  response.add("X-Query", request.query);
  response.add("X-State", std::to_string(static_cast<int>(request.body_state)));
  for (const auto& trailer : request.trailers.fields())
    response.add("X-T-" + trailer.name, trailer.value);
  co_return response;
}

}  // namespace

// --- The invocation's way ---

TEST_CASE("a runtime says with its first request when it began, and is believed if that can be") {
  const auto started_at = [](const std::string& value) {
    SessionFixture s;
    Client runtime(s.listener);
    runtime.send(get("/runtime/invocation/next", "Lamina-Runtime-Started: " + value + "\r\n"));
    REQUIRE(s.wait_for_poll());
    return s.on_io([&] { return s.session->runtime_started_at(); });
  };
  const auto now = std::chrono::steady_clock::now();
  CHECK(started_at(std::to_string(now.time_since_epoch().count())) == now);
  const auto later = (now + std::chrono::hours(1)).time_since_epoch().count();
  for (const std::string& value :
       {std::string(), std::string("soon"), std::string("-5"), std::string("0"), std::string("12x"),
        std::string("99999999999999999999"), std::to_string(later)})
    CHECK_MESSAGE(started_at(value) == std::nullopt, value);
}

TEST_CASE("one invocation: event out, response in, next poll ends it") {
  SessionFixture s;
  Client runtime(s.listener);
  runtime.send(get("/runtime/invocation/next",
                   "User-Agent: aws-lambda-test/1.2 more\r\nLambda-Runtime-Features: a b\r\n"));
  REQUIRE(s.wait_for_poll());
  CHECK(s.on_io([&] { return s.session->init_done() && s.session->finished(); }));
  CHECK(s.on_io([&] { return s.session->runtime_release(); }) == "aws-lambda-test/1.2 (a b)");

  InvocationEvent event{std::string(id), "{\"key\":1}"};
  event.deadline = std::chrono::system_clock::time_point(1'542'409'706'888ms);
  event.invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
  event.trace_id = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
  event.client_context = "{\"client\":\n{}}";
  event.cognito_identity = "{\"cognitoIdentityId\":\"i\"}";
  event.tenant_id = "t";
  event.invocation_id = "attempt";
  s.on_io([&] { s.session->begin(event); });

  const Answer out = runtime.receive();
  CHECK(out.status == 200);
  CHECK(out.body == "{\"key\":1}");
  CHECK(out.header("Content-Type") == "application/json");
  CHECK(out.header("Lambda-Runtime-Aws-Request-Id") == std::string(id));
  CHECK(out.header("Lambda-Runtime-Deadline-Ms") == "1542409706888");
  CHECK(out.header("Lambda-Runtime-Invoked-Function-Arn") == event.invoked_function_arn);
  CHECK(out.header("Lambda-Runtime-Trace-Id") == event.trace_id);
  CHECK(out.header("Lambda-Runtime-Client-Context") == "{\"client\": {}}");
  CHECK(out.header("Lambda-Runtime-Cognito-Identity") == event.cognito_identity);
  CHECK(out.header("Lambda-Runtime-Aws-Tenant-Id") == "t");
  CHECK(out.header("Lambda-Runtime-Invocation-Id") == "attempt");

  const Answer wrong = runtime.ask(post(response_path, "x", "Lambda-Runtime-Invocation-Id: y\r\n"));
  CHECK(wrong.status == 400);
  const Answer in = runtime.ask(post(response_path, "\"done\""));
  CHECK(in.status == 202);
  CHECK(in.body == "{\"status\":\"OK\"}\n");
  CHECK(in.header("Content-Type") == "application/json");
  const InvocationReply reply = s.reply();
  CHECK(reply.kind == InvocationReply::Kind::response);
  CHECK(reply.body == "\"done\"");
  CHECK(s.on_io([&] { return s.session->in_progress() && !s.session->finished(); }));

  runtime.send(next);
  CHECK(s.wait_for_poll());
  CHECK(s.on_io([&] {
    const Session& session = *s.session;
    return session.finished() && session.reply() &&
           session.first_next_at() < session.handed_out_at() &&
           session.handed_out_at() < session.replied_at() &&
           session.replied_at() < session.finished_at();
  }));
}

TEST_CASE("empty values send no header, Content-Type always") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  const Answer out = runtime.ask(next);
  CHECK(out.head ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "Content-Length: 9\r\n");
}

TEST_CASE("while it runs, /next gives the same event again") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  CHECK(runtime.ask(next).body == "{\"key\":1}");
  CHECK(runtime.ask(next).body == "{\"key\":1}");
  Client other(s.listener);
  CHECK(other.ask(next).header("Lambda-Runtime-Aws-Request-Id") == std::string(id));
  CHECK(other.ask(post(response_path, "1")).status == 202);
}

TEST_CASE("of several waiting polls one gets the event, the others the following ones") {
  SessionFixture s;
  Client first(s.listener);
  Client second(s.listener);
  first.send(next);
  REQUIRE(s.wait_for_poll());
  const int before = s.changes;
  second.send(next);
  REQUIRE(s.eventually([&] { return s.changes > before; }));
  s.begin();
  CHECK(second.receive().status == 200);
  CHECK(second.ask(post(response_path, "1")).status == 202);
  second.close();
  // The one that answered has gone, the other still waits: only its own /next would end the
  // invocation.
  Client third(s.listener);
  third.send(next);
  REQUIRE(s.wait_for_poll());
  third.close();
  REQUIRE(s.eventually([&] { return s.session->finished(); }));
  std::this_thread::sleep_for(20ms);
  s.begin("2");
  CHECK(first.receive().header("Lambda-Runtime-Aws-Request-Id") == "2");
}

TEST_CASE("errors of a client in the wrong state, byte for byte") {
  SessionFixture s;
  Client runtime(s.listener);
  SUBCASE("no invocation is current") {
    const Answer answer = runtime.ask(post(response_path, "1"));
    CHECK(answer.status == 400);
    CHECK(answer.body == document("InvalidRequestID", "Invalid request ID"));
    CHECK(answer.header("Content-Type") == "application/json");
  }
  SUBCASE("answered twice") {
    s.begin();
    runtime.ask(next);
    runtime.ask(post(response_path, "1"));
    const Answer answer = runtime.ask(post(response_path, "2"));
    CHECK(answer.status == 403);
    CHECK(
        answer.body ==
        document("InvalidStateTransition",
                 "State transition from RuntimeResponseSentState to InvocationResponse failed for "
                 "runtime. Error: State transition is not allowed"));
    CHECK(s.reply().body == "1");
  }
  SUBCASE("init error after /next") {
    s.begin();
    runtime.ask(next);
    const Answer answer = runtime.ask(post("/runtime/init/error", "{}"));
    CHECK(answer.status == 403);
    CHECK(answer.body == document("InvalidStateTransition",
                                  "State transition from Running to InitError failed for runtime. "
                                  "Error: State transition is not allowed"));
  }
  SUBCASE("/next after an init error") {
    CHECK(runtime.ask(post("/runtime/init/error", "{}")).status == 202);
    const Answer answer = runtime.ask(next);
    CHECK(answer.status == 403);
    CHECK(answer.body == document("InvalidStateTransition",
                                  "State transition from InitError to Ready failed for runtime. "
                                  "Error: State transition is not allowed"));
    CHECK(!s.on_io([&] { return s.session->init_done(); }));
  }
}

TEST_CASE("init errors are kept as they came") {
  SessionFixture s;
  Client runtime(s.listener);
  SUBCASE("a JSON document") {
    runtime.ask(post("/runtime/init/error", "{\"errorType\":\"X\"}",
                     "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n"));
    const auto init_error = s.on_io([&] { return s.session->init_error(); });
    REQUIRE(init_error);
    CHECK(init_error->body == "{\"errorType\":\"X\"}");
    CHECK(init_error->content_type == "application/json");
    CHECK(init_error->error_type == "Runtime.ImportModuleError");
  }
  SUBCASE("something else") {
    runtime.ask(post("/runtime/init/error", "oops"));
    const auto init_error = s.on_io([&] { return s.session->init_error(); });
    REQUIRE(init_error);
    CHECK(init_error->content_type == "application/octet-stream");
    CHECK(init_error->error_type == "Runtime.Unknown");
  }
}

TEST_CASE("function errors") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  runtime.ask(next);
  SUBCASE("are passed on verbatim") {
    const std::string cause = "{\"message\":\"m\"}";
    CHECK(runtime
              .ask(post(error_path, "not json",
                        "lambda-runtime-function-error-type: Function.Boom\r\n"
                        "Lambda-Runtime-Function-Xray-Error-Cause: " +
                            cause + "\r\n"))
              .status == 202);
    const InvocationReply reply = s.reply();
    CHECK(reply.kind == InvocationReply::Kind::error);
    CHECK(reply.body == "not json");
    CHECK(reply.error_type == "Function.Boom");
    CHECK(reply.xray_cause ==
          "{\"working_directory\":\"\",\"paths\":[],\"exceptions\":[],\"message\":\"m\"}");
  }
  SUBCASE("with their cause in the body") {
    runtime.ask(
        post(error_path,
             "{\"errorMessage\":\"M\",\"errorType\":\"T\",\"errorCause\":{\"message\":\"m\"}}",
             "Content-Type: application/vnd.aws.lambda.error.cause+json\r\n"));
    const InvocationReply reply = s.reply();
    CHECK(reply.body == "{\"errorMessage\":\"M\",\"errorType\":\"T\"}");
    CHECK(reply.content_type == "application/json");
    CHECK(!reply.xray_cause.empty());
  }
  SUBCASE("an invalid response mode becomes one") {
    const Answer answer = runtime.ask(
        post(response_path, "1", "Lambda-Runtime-Function-Response-Mode: Streaming\r\n"));
    CHECK(answer.status == 400);
    CHECK(answer.body == document("InvalidFunctionResponseMode", "Invalid function response mode"));
    const InvocationReply reply = s.reply();
    CHECK(reply.kind == InvocationReply::Kind::error);
    CHECK(reply.error_type == "Runtime.InvalidResponseModeHeader");
    CHECK(reply.body.empty());
  }
  runtime.send(next);
  CHECK(s.wait_for_poll());
}

TEST_CASE("a streamed response is collected, with its trailers") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  runtime.ask(next);
  const Answer answer = runtime.ask(
      "POST /2018-06-01" + response_path +
      " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
      "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
      "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
      "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n"
      "Lambda-Runtime-Function-Error-Type: Function.Mid\r\n"
      "Lambda-Runtime-Function-Error-Body: e30=\r\n\r\n");
  CHECK(answer.status == 202);
  const InvocationReply reply = s.reply();
  CHECK(reply.streaming);
  CHECK(reply.body == "hello world");
  CHECK(reply.content_type == "application/octet-stream");
  CHECK(reply.trailer_error_type == "Function.Mid");
  CHECK(reply.trailer_error_body == "e30=");
}

TEST_CASE("bodies up to the limit") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  runtime.ask(next);
  SUBCASE("at the limit is accepted") {
    CHECK(runtime.ask(post(response_path, std::string(limit, 'x'))).status == 202);
    CHECK(s.reply().body.size() == limit);
  }
  SUBCASE("one byte more is refused, readably, and the connection lives on") {
    const Answer answer = runtime.ask(post(response_path, std::string(limit + 1, 'x')));
    CHECK(answer.status == 413);
    CHECK(answer.body == document("RequestEntityTooLarge",
                                  "Exceeded maximum allowed payload size (6291556 bytes)."));
    const InvocationReply reply = s.reply();
    CHECK(reply.defect == InvocationReply::Defect::too_large);
    CHECK(reply.error_type == "Function.ResponseSizeTooLarge");
    CHECK(
        reply.body ==
        "{\"errorMessage\":\"Response payload size exceeded maximum allowed payload size (6291556 "
        "bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}");
    runtime.send(next);
    CHECK(s.wait_for_poll());
  }
  SUBCASE("the same without a length") {
    std::string request = "POST /2018-06-01" + response_path +
                          " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string chunk = "100000\r\n" + std::string(0x100000, 'x') + "\r\n";
    for (int i = 0; i < 7; ++i) request += chunk;
    CHECK(runtime.ask(request + "0\r\n\r\n").status == 413);
    runtime.send(next);
    CHECK(s.wait_for_poll());
  }
  SUBCASE("a length past everything is answered without reading it") {
    const Answer answer =
        runtime.ask("POST /2018-06-01" + response_path +
                    " HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nxyz");
    CHECK(answer.status == 413);
    CHECK(answer.header("Connection") == "close");
    runtime.end_sending();
    CHECK(runtime.is_closed());
    Client again(s.listener);
    again.send(next);
    CHECK(s.wait_for_poll());
  }
}

TEST_CASE("a body that ends early") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  runtime.ask(next);
  const std::string part = "POST /2018-06-01" + response_path +
                           " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345";
  SUBCASE("by a half-close: the client reads why") {
    runtime.send(part);
    runtime.end_sending();
    const Answer answer = runtime.receive();
    CHECK(answer.status == 400);
    CHECK(answer.body == document("TruncatedHTTPRequest", "HTTP request detected as truncated"));
  }
  SUBCASE("by a close") {
    runtime.send(part);
    runtime.close();
  }
  SUBCASE("by a reset") {
    runtime.send(part);
    runtime.reset();
  }
  const InvocationReply reply = s.reply();
  CHECK(reply.defect == InvocationReply::Defect::truncated);
  CHECK(reply.error_type == "Runtime.TruncatedResponse");
  Client again(s.listener);
  again.send(next);
  CHECK(s.wait_for_poll());
}

TEST_CASE("a long poll whose client went swallows nothing") {
  SessionFixture s;
  for (const bool abrupt : {false, true}) {
    Client gone(s.listener);
    gone.send(next);
    REQUIRE(s.wait_for_poll());
    abrupt ? gone.reset() : gone.close();
    REQUIRE(s.eventually([&] { return !s.session->runtime_waiting(); }));
  }
  s.begin();
  CHECK(!s.on_io([&] { return s.session->handed_out_at().has_value(); }));
  Client runtime(s.listener);
  CHECK(runtime.ask(next).body == "{\"key\":1}");
}

TEST_CASE("an abandoned invocation is over for the runtime") {
  SessionFixture s;
  Client runtime(s.listener);
  s.begin();
  runtime.ask(next);
  s.on_io([&] { s.session->abandon(); });
  CHECK(s.on_io([&] { return s.session->finished() && !s.session->reply(); }));
  CHECK(runtime.ask(post(response_path, "1")).status == 400);
  s.begin("second");
  CHECK(runtime.ask(next).header("Lambda-Runtime-Aws-Request-Id") == "second");
}

TEST_CASE("abandoned in the very turn in which it was handed out") {
  SessionFixture s;
  Client runtime(s.listener);
  runtime.send(next);
  REQUIRE(s.wait_for_poll());
  s.on_io([&] {
    s.session->begin(InvocationEvent("first", "1"));
    s.session->abandon();
    s.session->begin(InvocationEvent("second", "2"));
  });
  CHECK(runtime.receive().body == "1");
  CHECK(runtime.ask(next).body == "2");
}

TEST_CASE("reset drops the runtime's connections and starts over") {
  SessionFixture s;
  Client old(s.listener);
  Client idle(s.listener);
  idle.send(get("/ping"));
  CHECK(idle.receive().body == "pong");
  s.begin();
  old.ask(next);
  old.ask(post(response_path, "1"));
  old.send(next);
  REQUIRE(s.wait_for_poll());
  s.on_io([&] { s.session->reset(); });
  CHECK(old.is_closed());
  CHECK(idle.is_closed());
  CHECK(s.on_io([&] {
    return !s.session->init_done() && !s.session->reply() && !s.session->in_progress() &&
           !s.session->runtime_waiting() && !s.session->handed_out_at();
  }));
  s.begin("again");
  Client fresh(s.listener);
  CHECK(fresh.ask(next).header("Lambda-Runtime-Aws-Request-Id") == "again");
}

TEST_CASE("close and destruction with everything in flight") {
  SessionFixture s;
  Client polling(s.listener);
  Client sending(s.listener);
  Client silent(s.listener);
  polling.send(next);
  sending.send("POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 100\r\n\r\nx");
  REQUIRE(s.wait_for_poll());
  SUBCASE("close") {
    s.on_io([&] { s.session->close(); });
  }
  SUBCASE("destruction") {
    s.on_io([&] { s.session.reset(); });
  }
  CHECK(polling.is_closed());
  CHECK(sending.is_closed());
  CHECK(silent.is_closed());
  CHECK(!Client(s.listener).connected);
}

TEST_CASE("an io context destroyed under waiting polls") {
  Listener listener;
  Client runtime(listener);
  {
    asio::io_context context(1);
    Session session(context.get_executor(), [] {});
    REQUIRE(session.listen(std::move(listener.socket)).has_value());
    runtime.send(next);
    while (!session.runtime_waiting()) context.run_one();
  }
  CHECK(runtime.is_closed());
}

TEST_CASE("paths") {
  SessionFixture s;
  Client client(s.listener);
  const auto status = [&](std::string_view method, std::string_view path) {
    return client
        .ask(std::string(method) + " " + std::string(path) +
             " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        .status;
  };
  CHECK(status("GET", "/nowhere") == 404);
  CHECK(status("POST", "/2018-06-01/runtime/invocation/next") == 405);
  CHECK(status("GET", "/2018-06-01/runtime/restore/next") == 404);
  CHECK(status("POST", "/2018-06-01/runtime/restore/error") == 404);
  CHECK(status("GET", "/2018-06-01/ping?x=1") == 200);
  CHECK(status("GET", "http://127.0.0.1:9001/2018-06-01/ping") == 200);
}

TEST_CASE("many invocations over one connection, flat in descriptors") {
  SessionFixture s;
  Client runtime(s.listener);
  runtime.send(next);
  REQUIRE(s.wait_for_poll());
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 2000; ++i) {
    const std::string request_id = "id-" + std::to_string(i);
    s.begin(request_id, std::string(static_cast<std::size_t>(i) * 7, 'p'));
    REQUIRE(runtime.receive().body.size() == static_cast<std::size_t>(i) * 7);
    REQUIRE(
        runtime.ask(post("/runtime/invocation/" + request_id + "/response", request_id)).status ==
        202);
    runtime.send(next);
    REQUIRE(s.wait_for_poll());
    REQUIRE(s.on_io([&] { return s.session->take_reply().body == request_id; }));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("an event of six megabytes") {
  SessionFixture s;
  Client runtime(s.listener);
  runtime.send(next);
  REQUIRE(s.wait_for_poll());
  const std::string payload(6'291'456, 'p');
  s.begin(id, payload);
  CHECK(runtime.receive().body == payload);
  CHECK(runtime.ask(next).body == payload);
}

TEST_CASE("IPv6") {
  if (!Listener(AF_INET6).usable) {
    MESSAGE("skipped: this host has no IPv6 loopback");
    return;
  }
  SessionFixture s(AF_INET6);
  Client client(s.listener);
  CHECK(client.ask(get("/ping")).body == "pong");
}

// --- The server's own ---

TEST_CASE("requests in pieces, pipelined and half-closed") {
  ServerFixture s(echo);
  Client client(s.listener);
  SUBCASE("byte by byte") {
    const std::string request =
        "POST /p?q=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\nT: v\r\n\r\n";
    for (int round = 0; round < 2; ++round) {
      for (const char byte : request) client.send({&byte, 1});
      const Answer answer = client.receive();
      CHECK(answer.body == "abc");
      CHECK(answer.header("X-Method") == "POST");
      CHECK(answer.header("X-Path") == "/p");
      CHECK(answer.header("X-Query") == "q=1");
      CHECK(answer.header("X-T-T") == "v");
    }
  }
  SUBCASE("a hundred at once, answered in order") {
    std::string requests;
    for (int i = 0; i < 100; ++i) {
      requests += post("/" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 50, 'b'));
    }
    client.send(requests);
    client.end_sending();
    for (int i = 0; i < 100; ++i) {
      const Answer answer = client.receive();
      CHECK(answer.header("X-Path") == "/2018-06-01/" + std::to_string(i));
      CHECK(answer.body.size() == static_cast<std::size_t>(i) * 50);
    }
    CHECK(client.is_closed());
  }
  SUBCASE("half-closed before the answer") {
    client.send(post("/", "x"));
    client.end_sending();
    CHECK(client.receive().body == "x");
    CHECK(client.is_closed());
  }
  SUBCASE("a stray line break between requests") {
    CHECK(client.ask(post("/", "x") + "\r\n").status == 200);
    CHECK(client.ask(post("/", "y")).body == "y");
  }
  SUBCASE("HEAD has a length and no body") {
    client.send("HEAD /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + post("/", "second"));
    const Answer first = client.receive_head();
    CHECK(first.header("Content-Length") == "3");
    CHECK(client.receive().body == "second");
  }
}

TEST_CASE("when the connection is kept") {
  ServerFixture s(echo);
  Client client(s.listener);
  SUBCASE("HTTP/1.0 closes") {
    CHECK(client.ask("GET / HTTP/1.0\r\n\r\n").header("Connection") == "close");
    client.end_sending();
    CHECK(client.is_closed());
  }
  SUBCASE("HTTP/1.0 keep-alive stays") {
    for (int i = 0; i < 2; ++i) {
      CHECK(client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("Connection") ==
            "keep-alive");
    }
  }
  SUBCASE("close on request") {
    CHECK(client.ask("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status == 200);
    CHECK(client.is_closed());
  }
}

TEST_CASE("Expect: 100-continue") {
  ServerFixture s(echo);
  Client client(s.listener);
  client.send("POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send("abc");
  CHECK(client.receive().body == "abc");
  // Together with the body nobody waits for it.
  CHECK(client.ask("POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
            .status == 200);
}

TEST_CASE("garbage is refused and disturbs nobody") {
  ServerFixture s(echo);
  Client good(s.listener);
  for (const std::string_view garbage :
       {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
        std::string_view("GET\r\n\r\n"), std::string_view("GET / HTTP/9.9\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nNo colon\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        std::string_view("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string_view("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        std::string_view(
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        std::string_view("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        std::string_view(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"),
        std::string_view("\0\0\0\0\0\0\0\0", 8)}) {
    CAPTURE(garbage);
    Client bad(s.listener);
    const Answer answer = bad.ask(garbage);
    CHECK(answer.status == 400);
    bad.end_sending();
    CHECK(bad.is_closed());
  }
  CHECK(good.ask(post("/", "x")).body == "x");
}

TEST_CASE("headers are bounded however slowly they come") {
  http::ServerOptions options;
  options.max_header_bytes = 8 * 1024;
  ServerFixture s(echo, options);
  Client client(s.listener);
  SUBCASE("one endless field") {
    CHECK(client.ask("GET / HTTP/1.1\r\nX: " + std::string(9 * 1024, 'x')).status == 431);
  }
  SUBCASE("an endless request line") {
    CHECK(client.ask("GET /" + std::string(9 * 1024, 'x')).status == 431);
  }
  SUBCASE("small fields without end, each in its own packet") {
    client.send("GET / HTTP/1.1\r\n");
    bool open = true;
    for (int i = 0; open && i < 200; ++i) {
      open = client.send("X: " + std::string(100, 'x') + "\r\n");
      std::this_thread::sleep_for(100us);
    }
    CHECK(client.receive().status == 431);
  }
  SUBCASE("trailers") {
    CHECK(client
              .ask("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " +
                   std::string(20 * 1024, 'x'))
              .status == 431);
  }
  SUBCASE("a chunk extension") {
    CHECK(client
              .ask("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                   std::string(20 * 1024, 'x'))
              .status == 431);
  }
  SUBCASE("up to the limit they are welcome") {
    CHECK(client.ask("GET / HTTP/1.1\r\nX: " + std::string(7 * 1024, 'x') + "\r\n\r\n").status ==
          200);
  }
}

TEST_CASE("slow and idle connections are dropped where that is asked for") {
  http::ServerOptions options;
  options.idle_timeout = 100ms;
  options.request_timeout = 100ms;
  ServerFixture s(echo, options);
  Client idle(s.listener);
  Client slow(s.listener);
  CHECK(idle.ask(post("/", "x")).status == 200);
  slow.send("GET / HT");
  CHECK(idle.is_closed());
  CHECK(slow.is_closed());
}

TEST_CASE("an exception of the handler is a 500 and the server lives") {
  ServerFixture s([](http::Request request) -> asio::awaitable<http::Response> {
    if (request.path == "/throw") throw std::runtime_error("broken");
    if (request.path == "/odd") throw 7;
    co_return http::Response(204);
  });
  Client client(s.listener);
  CHECK(client.ask("GET /throw HTTP/1.1\r\n\r\n").status == 500);
  CHECK(client.ask("GET /odd HTTP/1.1\r\n\r\n").status == 500);
  const Answer answer = client.ask("GET / HTTP/1.1\r\n\r\n");
  CHECK(answer.status == 204);
  CHECK(!answer.header("Content-Length"));
  CHECK(s.report_count == 2);
  CHECK(s.on_io([&] { return s.reports.find("broken") != std::string::npos; }));
}

TEST_CASE("a handler that goes on without its client") {
  std::atomic<int> ended{0};
  http::ServerOptions options;
  options.when_client_gone = http::ClientGone::let_handler_end;
  const http::Handler slow = [&ended](http::Request) -> asio::awaitable<http::Response> {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, 50ms);
    co_await timer.async_wait(asio::use_awaitable);
    ++ended;
    co_return http::Response(200, "text/plain", "late");
  };
  ServerFixture s(slow, options);
  Client half(s.listener);
  half.send("GET / HTTP/1.1\r\n\r\n");
  half.end_sending();
  CHECK(half.receive().body == "late");
  {
    Client gone(s.listener);
    gone.send("GET / HTTP/1.1\r\n\r\n");
  }
  CHECK(s.eventually([&] { return ended == 2; }));
  CHECK(s.eventually([&] { return s.server->connections() == 0 || half.is_closed(); }));
}

TEST_CASE("a thousand connections") {
  ServerFixture s(echo);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_cur < 2200) {
    descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 4096);
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  const std::size_t before = open_descriptors();
  {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 1000; ++i) {
      clients.push_back(std::make_unique<Client>(s.listener));
      REQUIRE(clients.back()->connected);
    }
    for (auto& client : clients) REQUIRE(client->send(post("/", "x")));
    for (auto& client : clients) REQUIRE(client->receive().body == "x");
    CHECK(s.connections() == 1000);
  }
  CHECK(s.eventually([&] { return s.server->connections() == 0; }));
  CHECK(open_descriptors() == before);
}

TEST_CASE("no more connections than allowed, the others wait their turn") {
  http::ServerOptions options;
  options.max_connections = 2;
  ServerFixture s(echo, options);
  Client first(s.listener);
  Client second(s.listener);
  CHECK(first.ask(post("/", "1")).status == 200);
  CHECK(second.ask(post("/", "2")).status == 200);
  Client third(s.listener);
  third.send(post("/", "3"));
  CHECK(s.connections() == 2);
  first.close();
  CHECK(third.receive().body == "3");
}

TEST_CASE("running out of descriptors pauses accepting and spins nothing") {
  ServerFixture s(echo);
  Client before(s.listener);
  CHECK(before.ask(post("/", "x")).status == 200);
  Client waiting(s.listener);
  std::vector<base::UniqueFd> hogs;
  rlimit saved{};
  ::getrlimit(RLIMIT_NOFILE, &saved);
  rlimit tight = saved;
  // The client's socket exists before the limit does; the server's half has no number left.
  Client late(s.listener);
  REQUIRE(s.eventually([&] { return s.server->connections() == 3; }));
  base::UniqueFd raw(::socket(s.listener.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  tight.rlim_cur = static_cast<rlim_t>(open_descriptors());
  for (int fd = ::dup(raw.get()); fd >= 0 && static_cast<rlim_t>(fd) < tight.rlim_cur;
       fd = ::dup(raw.get())) {
    hogs.emplace_back(fd);
  }
  ::setrlimit(RLIMIT_NOFILE, &tight);
  REQUIRE(::connect(raw.get(), reinterpret_cast<const sockaddr*>(&s.listener.address),
                    s.listener.size) == 0);
  CHECK(s.eventually([&] { return s.report_count == 1; }));
  CHECK(before.ask(post("/", "still")).body == "still");
  ::setrlimit(RLIMIT_NOFILE, &saved);
  CHECK(s.eventually([&] { return s.server->connections() == 4; }));
  CHECK(s.report_count == 1);
}

TEST_CASE("nothing of the server is inherited") {
  const auto inheritable = [] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      const int flags = ::fcntl(std::stoi(entry.path().filename()), F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
    }
    return count;
  };
  // Asio's reserved descriptor on /dev/null is of the context, not of the server.
  IoThread io;
  io.on_io([] {});
  const std::size_t before = inheritable();
  Listener listener;
  std::optional<Session> session;
  io.on_io([&] {
    session.emplace(io.context.get_executor(), [] {});
    REQUIRE(session->listen(std::move(listener.socket)).has_value());
  });
  Client client(listener);
  CHECK(client.ask(get("/ping")).body == "pong");
  CHECK(inheritable() <= before + 1);
  io.on_io([&] { session.reset(); });
}

TEST_CASE("what is no listening TCP socket is refused with a sentence") {
  asio::io_context context(1);
  http::Server server(context.get_executor(), echo);
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  const auto result = server.listen(std::move(pipe->first));
  REQUIRE(!result.has_value());
  CHECK(result.error().message == "HTTP server: listening socket: Socket operation on non-socket");
}
