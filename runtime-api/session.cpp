#include "runtime-api/session.hpp"

#include "runtime-api/error_type.hpp"
#include "runtime-api/http/server.hpp"
#include "runtime-api/routes.hpp"
#include "runtime-api/runtime_state.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>
#include <vector>

namespace runtime_api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using http::BodyState;
using http::Request;
using http::Response;
using Clock = std::chrono::steady_clock;

constexpr std::string_view json_type = "application/json";
constexpr std::string_view binary_type = "application/octet-stream";
constexpr std::size_t max_release_length = 128;

static_assert(max_response_bytes == 6'291'556, "the texts below name it");
constexpr std::string_view too_large_for_runtime =
    "Exceeded maximum allowed payload size (6291556 bytes).";
constexpr std::string_view too_large_for_invoker =
    "Response payload size exceeded maximum allowed payload size (6291556 bytes).";

Response accepted() {
  return Response(202, json_type, "{\"status\":\"OK\"}\n");
}

Response refused(int status, std::string_view type, std::string_view message) {
  return Response(status, json_type, error_document(message, type));
}

Response refused(const Refusal& refusal) {
  return refused(refusal.status, refusal.type, refusal.message);
}

std::string milliseconds_since_epoch(std::chrono::system_clock::time_point time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

void add_unless_empty(Response& response, std::string_view name, std::string_view value) {
  if (!value.empty()) response.add(name, value);
}

http::ServerOptions server_options(std::function<void(std::string)> report) {
  http::ServerOptions options;
  options.max_body_bytes = max_response_bytes;
  options.when_client_gone = http::ClientGone::cancel_handler;
  options.report = std::move(report);
  return options;
}

}  // namespace

class Session::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor io_executor, std::function<void()> on_change,
       std::function<void(std::string)> report)
      : executor_(std::move(io_executor)),
        on_change_(std::move(on_change)),
        report_(std::move(report)) {}

  base::Result<void> listen(base::UniqueFd socket);
  void close();
  void reset();
  void begin(InvocationEvent event);
  void abandon();

  bool runtime_waiting() const {
    return state_.name() == RuntimeStateName::Ready && !waiters_.empty();
  }
  bool in_progress() const { return in_progress_; }
  std::string runtime_release() const;

  /// What one runtime process has done so far; reset() starts another.
  struct Facts {
    std::optional<TimePoint> first_next_at;
    std::optional<TimePoint> runtime_started_at;
    std::optional<InitError> init_error;
    std::optional<InvocationReply> reply;
    std::optional<TimePoint> handed_out_at;
    std::optional<TimePoint> replied_at;
    std::optional<TimePoint> finished_at;
  };
  Facts facts;

 private:
  /// A /next that blocks. Lives in the frame of its handler's coroutine; the list below is only
  /// names.
  class Waiter;

  static asio::awaitable<Response> handle(std::weak_ptr<Impl> weak, Request request);
  static asio::awaitable<Response> next(std::shared_ptr<Impl> self);
  Response dispatch(const Match& match, Request& request);
  Response response(std::string_view id, Request& request);
  Response error(std::string_view id, Request& request);
  Response init_error(Request& request);

  std::optional<Response> refuse_body(BodyState state, InvocationReply::Kind kind);
  Response reply_with(InvocationReply reply, Response answer);
  Response event_response() const;
  void hand_out();
  void cancel_polls();
  void end_invocation();
  void note_release(const Request& request);
  void note_start(const Request& request);
  void changed() {
    if (on_change_) on_change_();
  }

  asio::any_io_executor executor_;
  std::function<void()> on_change_;
  std::function<void(std::string)> report_;
  std::unique_ptr<http::Server> server_;
  RuntimeState state_;
  std::vector<Waiter*> waiters_;  // the newest last
  InvocationEvent event_;         // the payload is moved to payload_
  std::shared_ptr<const std::string> payload_;
  bool in_progress_ = false;
  std::string user_agent_;
  std::vector<std::string> features_;
};

class Session::Impl::Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  explicit Waiter(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {
    impl_->waiters_.push_back(this);
  }
  ~Waiter() { leave(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Completes with no error once the event is this one's, with operation_aborted if its client
  /// went.
  auto wait() {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(error_code)>(
        [this](auto handler) {
          handler_.emplace(std::move(handler));
          // Only now: the type-erased handler takes the slot over and hands out one of its own.
          auto slot = asio::get_associated_cancellation_slot(*handler_);
          if (!slot.is_connected()) return;
          // Weak, because the slot keeps this function after the wait is over.
          slot.assign([weak = weak_from_this()](asio::cancellation_type) {
            if (auto self = weak.lock()) self->cancel();
          });
        },
        asio::use_awaitable);
  }

  /// Leaves the list and wakes the coroutine, which runs after the caller has finished its turn;
  /// what it answers is fixed now, whatever the owner does meanwhile.
  void give(Response event) {
    std::erase(impl_->waiters_, this);
    event_ = std::move(event);
    complete({});
  }
  Response take_event() { return std::move(event_); }

  void cancel() {
    // From this moment on no event may go to it, also not in the same turn.
    leave();
    complete(asio::error::operation_aborted);
  }

 private:
  void leave() {
    if (std::erase(impl_->waiters_, this) != 0) impl_->changed();
  }
  void complete(error_code error) {
    if (!handler_) return;
    auto handler = std::move(*handler_);
    handler_.reset();
    asio::post(impl_->executor_,
               [handler = std::move(handler), error]() mutable { std::move(handler)(error); });
  }

  std::shared_ptr<Impl> impl_;
  Response event_;
  // optional, because move assignment of this type recurses without end in Boost 1.81.
  std::optional<asio::any_completion_handler<void(error_code)>> handler_;
};

// --- What the owner calls ---

base::Result<void> Session::Impl::listen(base::UniqueFd socket) {
  server_ = std::make_unique<http::Server>(
      executor_,
      [weak = weak_from_this()](Request request) { return handle(weak, std::move(request)); },
      server_options(report_));
  return server_->listen(std::move(socket));
}

void Session::Impl::close() {
  on_change_ = nullptr;
  if (server_) server_->stop();
  cancel_polls();
}

void Session::Impl::cancel_polls() {
  // Their connections are being cancelled too, but through the io context, which may not run again;
  // a waiter owns what resumes its coroutine, and the coroutine owns the waiter.
  const auto waiters = std::exchange(waiters_, {});
  for (Waiter* waiter : waiters) waiter->cancel();
}

void Session::Impl::reset() {
  state_ = RuntimeState();
  facts = Facts();
  in_progress_ = false;
  event_ = InvocationEvent();
  payload_.reset();
  user_agent_.clear();
  features_.clear();
  if (server_) server_->drop_connections();
  cancel_polls();
  changed();
}

void Session::Impl::begin(InvocationEvent event) {
  if (in_progress_) throw std::logic_error("Session::begin: an invocation is in progress");
  facts.reply.reset();
  facts.handed_out_at.reset();
  facts.replied_at.reset();
  facts.finished_at.reset();
  payload_ = std::make_shared<const std::string>(std::move(event.payload));
  event_ = std::move(event);
  in_progress_ = true;
  state_.begin_invocation(event_.request_id, event_.invocation_id);
  if (state_.name() == RuntimeStateName::Ready && !waiters_.empty()) {
    // The newest: a runtime that gave up an older one and polls again is listening here.
    Waiter* waiter = waiters_.back();
    hand_out();
    waiter->give(event_response());
    changed();
  }
}

void Session::Impl::abandon() {
  if (!in_progress_) return;
  state_.abandon_invocation();
  end_invocation();
  changed();
}

void Session::Impl::hand_out() {
  state_.event_handed_out();
  facts.handed_out_at = Clock::now();
}

void Session::Impl::end_invocation() {
  in_progress_ = false;
  facts.finished_at = Clock::now();
  payload_.reset();
}

std::string Session::Impl::runtime_release() const {
  std::string release = user_agent_.empty() ? "Unknown" : user_agent_;
  if (!features_.empty()) {
    release += " (";
    for (const std::string& feature : features_) {
      if (release.back() != '(') release += ' ';
      release += feature;
    }
    release += ')';
  }
  release.resize(std::min(release.size(), max_release_length));
  return release;
}

// --- What the runtime calls ---

asio::awaitable<Response> Session::Impl::handle(std::weak_ptr<Impl> weak, Request request) {
  std::shared_ptr<Impl> self = weak.lock();
  if (!self) co_return Response(503);
  const Match match = match_route(request.method, request.path);
  std::string failure;
  try {
    if (match.endpoint == Endpoint::next) {
      self->note_release(request);
      self->note_start(request);
      co_return co_await next(self);
    }
    co_return self->dispatch(match, request);
  } catch (const boost::system::system_error& error) {
    // A cancelled wait is no failure: its client has gone or the session is closing.
    if (error.code() == asio::error::operation_aborted) throw;
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (self->report_) self->report_("runtime api: " + request.path + ": " + failure);
  co_return refused(500, "InternalServerError", "Internal Server Error");
}

Response Session::Impl::dispatch(const Match& match, Request& request) {
  if (match.endpoint == Endpoint::method_not_allowed) return Response(405);
  if (!is_served(match.endpoint)) return Response(404);
  switch (match.endpoint) {
    case Endpoint::ping:
      return Response(200, "text/plain; charset=utf-8", "pong");
    case Endpoint::response:
      return response(match.id, request);
    case Endpoint::error:
      return error(match.id, request);
    case Endpoint::init_error:
      note_release(request);
      return init_error(request);
    default:
      return Response(404);
  }
}

asio::awaitable<Response> Session::Impl::next(std::shared_ptr<Impl> self) {
  const Action action = self->state_.on_next();
  if (action.kind == Action::Kind::refuse) co_return refused(action.refusal);
  if (action.kind == Action::Kind::give_event) co_return self->event_response();

  if (!self->facts.first_next_at) self->facts.first_next_at = Clock::now();
  if (self->in_progress_ && !self->state_.invocation_current()) self->end_invocation();
  if (self->in_progress_) {
    self->hand_out();
    Response event = self->event_response();
    self->changed();
    co_return event;
  }
  const auto waiter = std::make_shared<Waiter>(self);
  self->changed();
  co_await waiter->wait();
  co_return waiter->take_event();
}

Response Session::Impl::event_response() const {
  Response response(200);
  response.add("Content-Type", event_.content_type.empty() ? json_type : event_.content_type);
  add_unless_empty(response, "Lambda-Runtime-Aws-Request-Id", event_.request_id);
  if (event_.deadline != std::chrono::system_clock::time_point{}) {
    response.add("Lambda-Runtime-Deadline-Ms", milliseconds_since_epoch(event_.deadline));
  }
  add_unless_empty(response, "Lambda-Runtime-Invoked-Function-Arn", event_.invoked_function_arn);
  add_unless_empty(response, "Lambda-Runtime-Trace-Id", event_.trace_id);
  add_unless_empty(response, "Lambda-Runtime-Client-Context", event_.client_context);
  add_unless_empty(response, "Lambda-Runtime-Cognito-Identity", event_.cognito_identity);
  add_unless_empty(response, "Lambda-Runtime-Aws-Tenant-Id", event_.tenant_id);
  add_unless_empty(response, "Lambda-Runtime-Invocation-Id", event_.invocation_id);
  response.shared_body = payload_;
  return response;
}

/// Ends the upload, whatever became of it: after a refused body too the runtime just calls /next.
Response Session::Impl::reply_with(InvocationReply reply, Response answer) {
  if (!state_.body_ended()) return answer;
  facts.reply = std::move(reply);
  facts.replied_at = Clock::now();
  payload_.reset();
  changed();
  return answer;
}

std::optional<Response> Session::Impl::refuse_body(BodyState body_state,
                                                   InvocationReply::Kind kind) {
  if (body_state == BodyState::complete) return std::nullopt;
  InvocationReply reply;
  reply.kind = InvocationReply::Kind::error;
  reply.content_type = json_type;
  if (body_state == BodyState::too_large) {
    reply.defect = InvocationReply::Defect::too_large;
    reply.error_type = "Function.ResponseSizeTooLarge";
    reply.body = error_payload(too_large_for_invoker, reply.error_type);
    return reply_with(std::move(reply),
                      refused(413, "RequestEntityTooLarge", too_large_for_runtime));
  }
  reply.defect = InvocationReply::Defect::truncated;
  reply.error_type = "Runtime.TruncatedResponse";
  // AWS's text for the invoker is not public; ours says what happened.
  reply.body = error_payload(kind == InvocationReply::Kind::response
                                 ? "Runtime closed the connection before its response was complete."
                                 : "Runtime closed the connection before its error was complete.",
                             reply.error_type);
  return reply_with(std::move(reply),
                    refused(400, "TruncatedHTTPRequest", "HTTP request detected as truncated"));
}

Response Session::Impl::response(std::string_view id, Request& request) {
  const Action action = state_.on_response(id, request.headers.get("Lambda-Runtime-Invocation-Id"));
  if (action.kind == Action::Kind::refuse) return refused(action.refusal);

  InvocationReply reply;
  const std::string_view mode = request.headers.get("Lambda-Runtime-Function-Response-Mode");
  if (!mode.empty() && mode != "streaming") {
    reply.kind = InvocationReply::Kind::error;
    reply.defect = InvocationReply::Defect::invalid_response_mode;
    reply.error_type = "Runtime.InvalidResponseModeHeader";
    return reply_with(std::move(reply), refused(400, "InvalidFunctionResponseMode",
                                                "Invalid function response mode"));
  }
  if (auto refusal = refuse_body(request.body_state, InvocationReply::Kind::response)) {
    return std::move(*refusal);
  }
  reply.streaming = !mode.empty();
  reply.body = std::move(request.body);
  reply.content_type = request.headers.get("Content-Type");
  if (reply.content_type.empty()) {
    reply.content_type = reply.streaming ? binary_type : json_type;
  }
  reply.trailer_error_type = request.trailers.get("Lambda-Runtime-Function-Error-Type");
  reply.trailer_error_body = request.trailers.get("Lambda-Runtime-Function-Error-Body");
  return reply_with(std::move(reply), accepted());
}

Response Session::Impl::error(std::string_view id, Request& request) {
  const Action action = state_.on_error(id, request.headers.get("Lambda-Runtime-Invocation-Id"));
  if (action.kind == Action::Kind::refuse) return refused(action.refusal);
  if (auto refusal = refuse_body(request.body_state, InvocationReply::Kind::error)) {
    return std::move(*refusal);
  }
  InvocationReply reply;
  reply.kind = InvocationReply::Kind::error;
  reply.error_type =
      sanitised_error_type(request.headers.get("Lambda-Runtime-Function-Error-Type"));
  const std::string_view content_type = request.headers.get("Content-Type");
  if (content_type == error_cause_content_type) {
    ErrorWithCause parts = split_error_cause(request.body);
    reply.body = std::move(parts.body);
    reply.content_type = std::move(parts.content_type);
    reply.xray_cause = std::move(parts.cause);
  } else {
    reply.body = std::move(request.body);
    reply.content_type = content_type.empty() ? json_type : content_type;
    const std::string_view cause = request.headers.get("Lambda-Runtime-Function-XRay-Error-Cause");
    if (!cause.empty()) reply.xray_cause = xray_cause(cause).value_or("");
  }
  return reply_with(std::move(reply), accepted());
}

Response Session::Impl::init_error(Request& request) {
  const Action action = state_.on_init_error();
  if (action.kind == Action::Kind::refuse) return refused(action.refusal);
  InitError init_error;
  init_error.error_type =
      sanitised_error_type(request.headers.get("Lambda-Runtime-Function-Error-Type"));
  init_error.content_type = is_json(request.body) ? json_type : binary_type;
  init_error.body = std::move(request.body);
  const BodyState body_state = request.body_state;
  facts.init_error = std::move(init_error);
  changed();
  if (body_state == BodyState::too_large) {
    return refused(413, "RequestEntityTooLarge", too_large_for_runtime);
  }
  if (body_state == BodyState::truncated) {
    return refused(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");
  }
  return accepted();
}

void Session::Impl::note_release(const Request& request) {
  if (user_agent_.empty()) {
    const std::string_view agent = request.headers.get("User-Agent");
    user_agent_ = agent.substr(0, agent.find(' '));
  }
  std::string_view features = request.headers.get("Lambda-Runtime-Features");
  while (!features.empty() && features_.size() < max_release_length) {
    const auto end = std::min(features.find_first_of(" ,"), features.size());
    const std::string_view feature = features.substr(0, end);
    features.remove_prefix(std::min(end + 1, features.size()));
    if (!feature.empty() && std::ranges::find(features_, feature) == features_.end()) {
      features_.emplace_back(feature.substr(0, max_release_length));
    }
  }
}

void Session::Impl::note_start(const Request& request) {
  if (facts.first_next_at) return;
  const std::string_view text = request.headers.get("Lamina-Runtime-Started");
  std::int64_t nanoseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), nanoseconds);
  if (error != std::errc() || end != text.data() + text.size()) return;
  const TimePoint at{std::chrono::nanoseconds(nanoseconds)};
  if (nanoseconds > 0 && at <= Clock::now()) facts.runtime_started_at = at;
}

// --- Session ---

Session::Session(asio::any_io_executor executor, std::function<void()> on_change,
                 std::function<void(std::string)> report)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(on_change), std::move(report))) {}

Session::~Session() {
  close();
}

base::Result<void> Session::listen(base::UniqueFd listening_socket) {
  return impl_->listen(std::move(listening_socket));
}
void Session::close() {
  impl_->close();
}
void Session::reset() {
  impl_->reset();
}
bool Session::init_done() const {
  return impl_->facts.first_next_at.has_value();
}
std::optional<Session::TimePoint> Session::first_next_at() const {
  return impl_->facts.first_next_at;
}
std::optional<Session::TimePoint> Session::runtime_started_at() const {
  return impl_->facts.runtime_started_at;
}
const std::optional<InitError>& Session::init_error() const {
  return impl_->facts.init_error;
}
bool Session::runtime_waiting() const {
  return impl_->runtime_waiting();
}
void Session::begin(InvocationEvent event) {
  impl_->begin(std::move(event));
}
bool Session::in_progress() const {
  return impl_->in_progress();
}
const std::optional<InvocationReply>& Session::reply() const {
  return impl_->facts.reply;
}
InvocationReply Session::take_reply() {
  if (!impl_->facts.reply) throw std::logic_error("Session::take_reply: there is no reply");
  return std::move(*impl_->facts.reply);
}
bool Session::finished() const {
  return !impl_->in_progress();
}
void Session::abandon() {
  impl_->abandon();
}
std::optional<Session::TimePoint> Session::handed_out_at() const {
  return impl_->facts.handed_out_at;
}
std::optional<Session::TimePoint> Session::replied_at() const {
  return impl_->facts.replied_at;
}
std::optional<Session::TimePoint> Session::finished_at() const {
  return impl_->facts.finished_at;
}
std::string Session::runtime_release() const {
  return impl_->runtime_release();
}

}  // namespace runtime_api
