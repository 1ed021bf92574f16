#include "runtime-api/runtime_state.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using runtime_api::Action;
using runtime_api::RuntimeCall;
using runtime_api::RuntimeState;
using runtime_api::RuntimeStateName;
using Kind = runtime_api::Action::Kind;
using Name = runtime_api::RuntimeStateName;
using Call = runtime_api::RuntimeCall;

namespace {

constexpr std::string_view current = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// A machine in that state, with `current` as the id of the invocation in progress throughout, so
/// that a refusal comes from the state and not from the id.
RuntimeState machine_in(Name name) {
  RuntimeState state;
  const auto run = [&] {
    state.on_next();
    state.begin_invocation(std::string(current));
    state.event_handed_out();
  };
  switch (name) {
    case Name::Started:
      break;
    case Name::InitError:
      state.on_init_error();
      break;
    case Name::Ready:
      state.on_next();
      break;
    case Name::Running:
      run();
      break;
    case Name::InvocationResponse:
      run();
      state.on_response(current);
      break;
    case Name::InvocationErrorResponse:
      run();
      state.on_error(current);
      break;
    case Name::RuntimeResponseSentState:
      run();
      state.on_response(current);
      state.body_ended();
      break;
    case Name::RestoreReady:
      state.on_restore_next();
      break;
    case Name::Restoring:
      state.on_restore_next();
      state.restored();
      break;
    case Name::RuntimeRestoreErrorState:
      state.on_restore_next();
      state.restored();
      state.on_restore_error();
      break;
  }
  if (!state.invocation_current()) state.begin_invocation(std::string(current));
  REQUIRE(state.name() == name);
  return state;
}

Action call(RuntimeState& state, Call which, std::string_view id) {
  switch (which) {
    case Call::next:
      return state.on_next();
    case Call::response:
      return state.on_response(id);
    case Call::error:
      return state.on_error(id);
    case Call::init_error:
      return state.on_init_error();
    case Call::restore_next:
      return state.on_restore_next();
    case Call::restore_error:
      return state.on_restore_error();
  }
  return {};
}

constexpr Call calls[] = {Call::next,       Call::response,     Call::error,
                          Call::init_error, Call::restore_next, Call::restore_error};

std::string refusal_text(std::string_view from, std::string_view to) {
  return "State transition from " + std::string(from) + " to " + std::string(to) +
         " failed for runtime. Error: State transition is not allowed";
}

}  // namespace

TEST_CASE("every call in every state") {
  // One word a cell: where it leads, or - for a 403. Written out a second time on purpose.
  struct Row {
    Name from;
    std::string_view next, response, error, init_error, restore_next, restore_error;
  };
  const Row rows[] = {
      {Name::Started, "Ready", "-", "-", "InitError", "RestoreReady", "-"},
      {Name::InitError, "-", "-", "-", "-", "-", "-"},
      {Name::Ready, "Ready", "-", "-", "-", "-", "-"},
      {Name::Running, "Running", "InvocationResponse", "InvocationErrorResponse", "-", "-", "-"},
      {Name::InvocationResponse, "-", "-", "-", "-", "-", "-"},
      {Name::InvocationErrorResponse, "-", "-", "-", "-", "-", "-"},
      {Name::RuntimeResponseSentState, "Ready", "-", "-", "-", "-", "-"},
      {Name::RestoreReady, "-", "-", "-", "-", "-", "-"},
      {Name::Restoring, "Ready", "-", "-", "RuntimeRestoreErrorState", "-",
       "RuntimeRestoreErrorState"},
      {Name::RuntimeRestoreErrorState, "-", "-", "-", "-", "-", "-"},
  };
  const std::string_view targets[] = {
      "Ready", "InvocationResponse",      "InvocationErrorResponse", "InitError",
      "Ready", "RuntimeRestoreErrorState"};
  for (const Row& row : rows) {
    const std::string_view cells[] = {row.next,       row.response,     row.error,
                                      row.init_error, row.restore_next, row.restore_error};
    for (std::size_t i = 0; i < std::size(calls); ++i) {
      CAPTURE(to_string(row.from));
      CAPTURE(i);
      RuntimeState state = machine_in(row.from);
      const Action action = call(state, calls[i], current);
      if (cells[i] == "-") {
        CHECK(action.kind == Kind::refuse);
        CHECK(action.refusal.status == 403);
        CHECK(action.refusal.type == "InvalidStateTransition");
        CHECK(action.refusal.message == refusal_text(to_string(row.from), targets[i]));
        CHECK(state.name() == row.from);
      } else {
        CHECK(action.kind != Kind::refuse);
        CHECK(to_string(state.name()) == cells[i]);
      }
    }
  }
}

TEST_CASE("what an allowed call is answered with") {
  const auto kind = [](Name from, Call which) {
    RuntimeState state = machine_in(from);
    return call(state, which, current).kind;
  };
  CHECK(kind(Name::Started, Call::next) == Kind::wait);
  CHECK(kind(Name::Started, Call::restore_next) == Kind::wait);
  CHECK(kind(Name::Started, Call::init_error) == Kind::accept);
  CHECK(kind(Name::Ready, Call::next) == Kind::wait);
  CHECK(kind(Name::Running, Call::next) == Kind::give_event);
  CHECK(kind(Name::Running, Call::response) == Kind::accept_body);
  CHECK(kind(Name::Running, Call::error) == Kind::accept_body);
  CHECK(kind(Name::RuntimeResponseSentState, Call::next) == Kind::wait);
  CHECK(kind(Name::Restoring, Call::next) == Kind::wait);
  CHECK(kind(Name::Restoring, Call::restore_error) == Kind::accept);
}

TEST_CASE("the id is checked before the state") {
  for (const Name name :
       {Name::Started, Name::InitError, Name::Ready, Name::Running, Name::InvocationResponse,
        Name::InvocationErrorResponse, Name::RuntimeResponseSentState, Name::RestoreReady,
        Name::Restoring, Name::RuntimeRestoreErrorState}) {
    for (const Call which : {Call::response, Call::error}) {
      CAPTURE(to_string(name));
      RuntimeState state = machine_in(name);
      const Action action = call(state, which, "another-id");
      CHECK(action.kind == Kind::refuse);
      CHECK(action.refusal.status == 400);
      CHECK(action.refusal.type == "InvalidRequestID");
      CHECK(action.refusal.message == "Invalid request ID");
      CHECK(state.name() == name);
    }
  }
}

TEST_CASE("an empty id is never current") {
  RuntimeState state;
  CHECK(state.on_response("").refusal.status == 400);
}

TEST_CASE("an invocation from beginning to end") {
  RuntimeState state;
  state.on_next();
  state.begin_invocation("one");
  state.event_handed_out();
  CHECK(state.name() == Name::Running);
  CHECK(state.on_response("one").kind == Kind::accept_body);
  CHECK(state.body_ended());
  SUBCASE("answered, the id still current: a second answer meets the state") {
    CHECK(state.on_response("one").refusal.message ==
          refusal_text("RuntimeResponseSentState", "InvocationResponse"));
  }
  SUBCASE("closed by /next: a second answer meets the id") {
    CHECK(state.on_next().kind == Kind::wait);
    CHECK(!state.invocation_current());
    CHECK(state.on_response("one").refusal.status == 400);
  }
}

TEST_CASE("an abandoned invocation") {
  RuntimeState state;
  state.on_next();
  state.begin_invocation("one");
  SUBCASE("before it was handed out leaves the runtime waiting") {
    state.abandon_invocation();
    CHECK(state.name() == Name::Ready);
  }
  SUBCASE("while the runtime works: a late answer is refused, /next is welcome") {
    state.event_handed_out();
    state.abandon_invocation();
    CHECK(state.on_response("one").refusal.type == "InvalidRequestID");
    CHECK(state.on_next().kind == Kind::wait);
  }
  SUBCASE("an event begun before the runtime comes back stays current") {
    state.event_handed_out();
    state.abandon_invocation();
    state.begin_invocation("two");
    CHECK(state.on_next().kind == Kind::wait);
    CHECK(state.invocation_current());
    state.event_handed_out();
    CHECK(state.on_response("two").kind == Kind::accept_body);
  }
  SUBCASE("while the body arrives: its end belongs to nobody") {
    state.event_handed_out();
    state.on_response("one");
    state.abandon_invocation();
    state.begin_invocation("two");
    CHECK(!state.body_ended());
    CHECK(state.on_next().kind == Kind::wait);
    CHECK(state.invocation_current());
  }
}

TEST_CASE("the echo of the attempt") {
  RuntimeState state;
  state.on_next();
  state.begin_invocation("one", "attempt-1");
  state.event_handed_out();
  SUBCASE("absent is accepted") {
    CHECK(state.on_response("one").kind == Kind::accept_body);
  }
  SUBCASE("right is accepted") {
    CHECK(state.on_error("one", "attempt-1").kind == Kind::accept_body);
  }
  SUBCASE("wrong is refused") {
    const Action action = state.on_response("one", "attempt-0");
    CHECK(action.refusal.status == 400);
    CHECK(action.refusal.type == "InvalidInvocationId");
    CHECK(state.name() == Name::Running);
  }
}
