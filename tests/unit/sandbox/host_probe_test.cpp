#include "sandbox/host_probe.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using sandbox::first_subordinate_id;

TEST_CASE("a subordinate range is found by name or by number") {
  const std::string text = "alice:100000:65536\n1000:165536:65536\n";
  CHECK(first_subordinate_id(text, "alice", 5) == 100000);
  CHECK(first_subordinate_id(text, "bob", 1000) == 165536);
}

TEST_CASE("no range, an empty one or a broken line gives none") {
  CHECK_FALSE(first_subordinate_id("", "alice", 1));
  CHECK_FALSE(first_subordinate_id("alice:100000:0\n", "alice", 1));
  CHECK_FALSE(first_subordinate_id("alice\nalice:x:y\nalice:\n", "alice", 1));
}

TEST_CASE("the system part of the root is read-only, without shared memory and without homes") {
  const auto steps = sandbox::system_steps();
  const auto has = [&](const std::string& target) {
    return std::any_of(steps.begin(), steps.end(),
                       [&](const auto& step) { return step.target == target; });
  };
  CHECK(has("/usr"));
  CHECK(has("/proc"));
  CHECK(has("/dev/null"));
  CHECK_FALSE(has("/dev/shm"));
  CHECK_FALSE(has("/home"));
  CHECK_FALSE(has("/root"));
  for (const auto& step : steps)
    if (step.kind == sandbox::StepKind::bind) CHECK((step.read_only || step.devices));
}
