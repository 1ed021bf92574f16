#include "base/uuid.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <set>

TEST_CASE("request ids are random version-4 UUIDs") {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = base::random_uuid();
    CHECK(std::regex_match(id, form));
    CHECK(seen.insert(id).second);
  }
}

TEST_CASE("random hex has as many digits as asked") {
  CHECK(base::random_hex(0).empty());
  CHECK(base::random_hex(7).size() == 7);
}
