#include "runtime-api/runtime_state.hpp"

#include <utility>

namespace runtime_api {
namespace {

using Name = RuntimeStateName;
using Call = RuntimeCall;
using Kind = Action::Kind;

struct Transition {
  Name from;
  Call call;
  Name to;
  Kind kind;
};

// All that is allowed; everything else is refused.
constexpr Transition transitions[] = {
    {Name::Started, Call::next, Name::Ready, Kind::wait},
    {Name::Started, Call::init_error, Name::InitError, Kind::accept},
    {Name::Started, Call::restore_next, Name::RestoreReady, Kind::wait},
    {Name::Ready, Call::next, Name::Ready, Kind::wait},
    // A runtime that lost the answer asks again and gets the same event.
    {Name::Running, Call::next, Name::Running, Kind::give_event},
    {Name::Running, Call::response, Name::InvocationResponse, Kind::accept_body},
    {Name::Running, Call::error, Name::InvocationErrorResponse, Kind::accept_body},
    {Name::RuntimeResponseSentState, Call::next, Name::Ready, Kind::wait},
    {Name::Restoring, Call::next, Name::Ready, Kind::wait},
    {Name::Restoring, Call::init_error, Name::RuntimeRestoreErrorState, Kind::accept},
    {Name::Restoring, Call::restore_error, Name::RuntimeRestoreErrorState, Kind::accept},
};

/// The state that the 403 text says could not be reached.
Name target_of(Call call) {
  switch (call) {
    case Call::next:
    case Call::restore_next:
      return Name::Ready;
    case Call::response:
      return Name::InvocationResponse;
    case Call::error:
      return Name::InvocationErrorResponse;
    case Call::init_error:
      return Name::InitError;
    case Call::restore_error:
      return Name::RuntimeRestoreErrorState;
  }
  return Name::Ready;
}

Action refuse(int status, std::string type, std::string message) {
  return Action{Kind::refuse, Refusal{status, std::move(type), std::move(message)}};
}

Action refuse_transition(Name from, Call call) {
  return refuse(403, "InvalidStateTransition",
                "State transition from " + std::string(to_string(from)) + " to " +
                    std::string(to_string(target_of(call))) +
                    " failed for runtime. Error: State transition is not allowed");
}

}  // namespace

std::string_view to_string(RuntimeStateName name) {
  switch (name) {
    case Name::Started:
      return "Started";
    case Name::InitError:
      return "InitError";
    case Name::Ready:
      return "Ready";
    case Name::Running:
      return "Running";
    case Name::InvocationResponse:
      return "InvocationResponse";
    case Name::InvocationErrorResponse:
      return "InvocationErrorResponse";
    case Name::RuntimeResponseSentState:
      return "RuntimeResponseSentState";
    case Name::RestoreReady:
      return "RestoreReady";
    case Name::Restoring:
      return "Restoring";
    case Name::RuntimeRestoreErrorState:
      return "RuntimeRestoreErrorState";
  }
  return "Unknown";
}

Action RuntimeState::apply(RuntimeCall call) {
  for (const Transition& row : transitions) {
    if (row.from != name_ || row.call != call) continue;
    name_ = row.to;
    return Action{row.kind, {}};
  }
  return refuse_transition(name_, call);
}

Action RuntimeState::on_next() {
  Action action = apply(Call::next);
  // The next /next closes the invocation: its id is spent. An event that was begun meanwhile, after
  // an invocation was abandoned, stays current.
  if (action.kind == Kind::wait && answered_) abandon_invocation();
  return action;
}

Action RuntimeState::invocation_call(RuntimeCall call, std::string_view request_id,
                                     std::string_view attempt) {
  if (request_id_.empty() || request_id != request_id_) {
    return refuse(400, "InvalidRequestID", "Invalid request ID");
  }
  if (!attempt.empty() && !attempt_.empty() && attempt != attempt_) {
    return refuse(400, "InvalidInvocationId", "Invalid invocation ID");
  }
  Action action = apply(call);
  if (action.kind == Kind::accept_body) uploading_is_current_ = true;
  return action;
}

Action RuntimeState::on_response(std::string_view request_id, std::string_view attempt) {
  return invocation_call(Call::response, request_id, attempt);
}

Action RuntimeState::on_error(std::string_view request_id, std::string_view attempt) {
  return invocation_call(Call::error, request_id, attempt);
}

Action RuntimeState::on_init_error() {
  return apply(Call::init_error);
}
Action RuntimeState::on_restore_next() {
  return apply(Call::restore_next);
}
Action RuntimeState::on_restore_error() {
  return apply(Call::restore_error);
}

void RuntimeState::begin_invocation(std::string request_id, std::string attempt) {
  request_id_ = std::move(request_id);
  attempt_ = std::move(attempt);
  uploading_is_current_ = false;
  answered_ = false;
}

void RuntimeState::event_handed_out() {
  if (name_ == Name::Ready) name_ = Name::Running;
}

bool RuntimeState::body_ended() {
  if (name_ != Name::InvocationResponse && name_ != Name::InvocationErrorResponse) return false;
  name_ = Name::RuntimeResponseSentState;
  answered_ = std::exchange(uploading_is_current_, false);
  return answered_;
}

void RuntimeState::abandon_invocation() {
  // A runtime that was working on it has nothing left to answer; what it may do next is ask.
  if (name_ == Name::Running) name_ = Name::RuntimeResponseSentState;
  request_id_.clear();
  attempt_.clear();
  uploading_is_current_ = false;
  answered_ = false;
}

void RuntimeState::restored() {
  if (name_ == Name::RestoreReady) name_ = Name::Restoring;
}

}  // namespace runtime_api
