// The runtime's side of the Runtime API as a state machine: what each call means in each state.
// No sockets, no JSON, no time: calls come in as functions, what to do goes out as an Action.
// Thread rule: plain value, one thread. Errors: a call that is not allowed is an Action of kind
// refuse. Source: AWS Lambda developer guide "Using the Lambda runtime API"; state names and texts
// as in AWS's open-source Lambda Runtime Interface Emulator.
#pragma once

#include <string>
#include <string_view>

namespace runtime_api {

/// Named as in the texts that clients see.
enum class RuntimeStateName {
  Started,
  InitError,
  Ready,
  Running,
  InvocationResponse,
  InvocationErrorResponse,
  RuntimeResponseSentState,
  RestoreReady,
  Restoring,
  RuntimeRestoreErrorState,
};
std::string_view to_string(RuntimeStateName name);

enum class RuntimeCall { next, response, error, init_error, restore_next, restore_error };

struct Refusal {
  int status = 0;
  std::string type;
  std::string message;
};

struct Action {
  enum class Kind {
    wait,         // the caller blocks until there is something for it
    give_event,   // answer at once with the event in progress
    accept_body,  // take the body, then say body_ended()
    accept,       // take the body and answer 202, nothing follows
    refuse,
  };
  Kind kind = Kind::refuse;
  Refusal refusal;  // kind refuse only
};

class RuntimeState {
 public:
  // --- Calls of the runtime ---

  Action on_next();
  /// `attempt` is the Lambda-Runtime-Invocation-Id that the runtime echoed, empty if it did not.
  /// The id is checked before the state.
  Action on_response(std::string_view request_id, std::string_view attempt = {});
  Action on_error(std::string_view request_id, std::string_view attempt = {});
  Action on_init_error();
  Action on_restore_next();
  Action on_restore_error();

  // --- Acts of the platform ---

  /// From now on this id is the current one. `attempt` empty: echoes are not checked.
  void begin_invocation(std::string request_id, std::string attempt = {});
  /// Ready -> Running: a waiting /next was given the event.
  void event_handed_out();
  /// The body of an accepted response or error has ended, well or badly. True if it belongs to the
  /// invocation that is still current.
  bool body_ended();
  /// The current id is no longer current; the runtime may call /next again.
  void abandon_invocation();
  /// RestoreReady -> Restoring.
  void restored();

  RuntimeStateName name() const { return name_; }
  bool invocation_current() const { return !request_id_.empty(); }

 private:
  Action apply(RuntimeCall call);
  Action invocation_call(RuntimeCall call, std::string_view request_id, std::string_view attempt);

  RuntimeStateName name_ = RuntimeStateName::Started;
  std::string request_id_;  // empty: none is current
  std::string attempt_;
  bool uploading_is_current_ = false;  // the body on its way answers request_id_
  bool answered_ = false;              // request_id_ was answered in full
};

}  // namespace runtime_api
