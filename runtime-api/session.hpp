// One execution environment's Runtime API (version path 2018-06-01): its listener, its runtime's
// state, the one invocation in progress. Knows nothing of processes, sandboxes, timeouts and
// functions: the owner decides when an invocation has taken too long or its runtime has died, and
// says so.
//
// Thread rule: one io thread; no locks. `on_change` is called on it, synchronously, after every
// change of the facts below, from within a request or from within a call of the owner. It must only
// wake somebody: the outcome lives in the facts, which the owner then reads. Ownership: the Session
// owns its server and connections; handlers that are still suspended when it is destroyed are
// unwound safely and touch neither it nor `on_change` again. Errors: what a runtime does wrong is
// answered on its connection and, where the invoker must hear of it, becomes the reply. listen()
// fails only on a descriptor that is no listening socket. Source: AWS Lambda developer guide "Using
// the Lambda runtime API"; AWS's open-source Lambda Runtime Interface Emulator for state names and
// error texts.
//
// Where later work goes: the Extensions API, Telemetry API and Logs API get their states beside
// RuntimeState and their handlers beside those in session.cpp (their paths are in routes.cpp
// already, one line each to open); whether an invocation is over then asks the extensions too, in
// finished(). Response streaming takes over where the response's body is stored, between
// RuntimeState's accept_body and body_ended(), which are two steps for that reason.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "runtime-api/invocation.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace runtime_api {

/// The limit on a buffered response, an error document and an init error, inclusive.
inline constexpr std::size_t max_response_bytes = 6 * 1024 * 1024 + 100;

class Session {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Session(boost::asio::any_io_executor executor, std::function<void()> on_change,
          std::function<void(std::string)> report = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes a socket that listens already; it may live in another network namespace.
  base::Result<void> listen(base::UniqueFd listening_socket);
  /// Ends all connections and the listener. Final.
  void close();
  /// The runtime was killed: its connections end, the state is Started, nothing is in progress and
  /// all facts below are as after construction. The listener stays.
  void reset();

  // --- Init ---

  /// The first /next has come since construction or reset().
  bool init_done() const;
  std::optional<TimePoint> first_next_at() const;
  /// When the runtime's own code began to run, as it says with its first /next in the header
  /// Lamina-Runtime-Started (CLOCK_MONOTONIC, ns). AWS's clients do not send it.
  std::optional<TimePoint> runtime_started_at() const;
  const std::optional<InitError>& init_error() const;
  /// A /next is pending on a live connection.
  bool runtime_waiting() const;

  // --- One invocation at a time ---

  /// Hands the event to the waiting /next, or to the next one that comes. Legal when nothing is in
  /// progress, or when finished() (which clears the last reply).
  void begin(InvocationEvent event);
  /// begin() was called and neither finished() nor abandon() has ended it.
  bool in_progress() const;
  /// The reply, once it has arrived in full or has been refused as too large or cut short. It stays
  /// readable until the next begin() or reset().
  const std::optional<InvocationReply>& reply() const;
  /// Moves the reply out (bodies reach 6 MiB); reply() is then an empty shell, state unchanged.
  InvocationReply take_reply();
  /// The runtime has called /next after its reply, or nothing was begun.
  bool finished() const;
  /// Timed out, or the runtime is gone: the id is no longer current, a late answer gets a 400.
  void abandon();

  /// Of the invocation begun last, on the steady clock.
  std::optional<TimePoint> handed_out_at() const;
  std::optional<TimePoint> replied_at() const;
  std::optional<TimePoint> finished_at() const;

  /// "aws-lambda-python/3.12 (feature feature)": first token of the runtime's User-Agent, and its
  /// Lambda-Runtime-Features; at most 128 characters. "Unknown" before the first request that names
  /// it.
  std::string runtime_release() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace runtime_api
