#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

enum class Severity {
  note,
  warning,  ///< works, or may work, otherwise than meant
  error,    ///< AWS refuses it, or the function cannot start
};
std::string_view to_string(Severity severity);

/// A rule has a stable identifier, which scripts and exceptions name.
struct Rule {
  std::string_view id;
  Severity severity = Severity::warning;
  /// A noun phrase: "folder of another version of the language".
  std::string_view title;
  /// One sentence each.
  std::string_view what_happens;
  std::string_view remedy;
  /// It tells what one package does to another, so `explain` shows it too.
  bool about_overrides = false;
};

/// Every rule, sorted by id.
std::span<const Rule> rules();
/// The rule with this id, which must be there.
const Rule& rule(std::string_view id);

struct Finding {
  std::string_view id;
  Severity severity = Severity::warning;
  /// The layer's reference as the user wrote it, "code", or empty for the function as a whole.
  std::string package;
  /// Below the package's root; empty when it is about all of it.
  std::string path;
  /// What was found, a sentence.
  std::string message;
  /// What happens on AWS, a sentence.
  std::string consequence;
  std::string remedy;
  /// More paths of the same kind.
  std::vector<std::string> more;
};

/// A finding of the rule with its own texts.
Finding finding_of(std::string_view id, std::string package, std::string path, std::string message);

}  // namespace diagnosis
