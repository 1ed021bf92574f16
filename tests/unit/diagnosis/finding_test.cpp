#include "diagnosis/finding.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

using namespace diagnosis;

TEST_CASE("rules are sorted, and no two have one id") {
  std::set<std::string_view> ids;
  std::string_view last;
  for (const Rule& rule : rules()) {
    CHECK(last < rule.id);
    last = rule.id;
    CHECK(ids.insert(rule.id).second);
  }
  CHECK(ids.size() > 30);
}

TEST_CASE("every rule says all that it has to say") {
  for (const Rule& rule : rules()) {
    const std::string id(rule.id);
    CAPTURE(id);
    CHECK(std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }));
    CHECK_FALSE(rule.title.empty());
    CHECK_FALSE(rule.title.ends_with('.'));
    CHECK(rule.what_happens.ends_with('.'));
    CHECK(rule.remedy.ends_with('.'));
    for (const std::string_view text : {rule.title, rule.what_happens, rule.remedy}) {
      CHECK(text.find("  ") == std::string_view::npos);
      CHECK(text.find('\n') == std::string_view::npos);
      CHECK(text.size() > 5);
    }
  }
}

TEST_CASE("a finding has its rule's texts") {
  const Finding finding = finding_of("old-six", "a.zip", "python/six.py", "It is six 1.10.");
  CHECK(finding.id == "old-six");
  CHECK(finding.severity == rule("old-six").severity);
  CHECK(finding.package == "a.zip");
  CHECK(finding.path == "python/six.py");
  CHECK(finding.message == "It is six 1.10.");
  CHECK(finding.consequence == rule("old-six").what_happens);
  CHECK(finding.remedy == rule("old-six").remedy);
  CHECK(finding.more.empty());
  CHECK(finding.id.data() == rule("old-six").id.data());
}

TEST_CASE("a rule that is not there is a bug") {
  for (const char* id : {"", "a", "old-si", "old-six2", "zzz"})
    CHECK_THROWS_AS(static_cast<void>(rule(id)), std::logic_error);
}

TEST_CASE("severities are ordered and have names") {
  CHECK(Severity::note < Severity::warning);
  CHECK(Severity::warning < Severity::error);
  CHECK(to_string(Severity::note) == "note");
  CHECK(to_string(Severity::warning) == "warning");
  CHECK(to_string(Severity::error) == "error");
}
