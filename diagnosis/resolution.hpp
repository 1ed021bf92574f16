#pragma once

#include <string>
#include <vector>

namespace diagnosis {

/// One place where a name was found.
struct Candidate {
  /// Inside: "/opt/python/requests/__init__.py".
  std::string path;
  /// "package", "module", "extension module", "bytecode", "namespace package", "built-in module",
  /// "program", "shared library", "file", "directory".
  std::string kind;
  /// As its package's metadata says; empty when there is none.
  std::string version;
  /// The folder of the search path in which it was found.
  std::string place;
  /// Why it is the one, or why it is not: a clause such as "later in the search path".
  std::string reason;
};

/// What a name leads to, and what it would have led to. A value.
struct Resolution {
  /// As asked for.
  std::string name;
  /// The first candidate is what the runtime takes. False when it takes none, although there may be
  /// candidates that something keeps it from (no permission to run, another architecture).
  bool found = false;
  /// In the order of the search.
  std::vector<Candidate> candidates;
  /// Every folder looked at, in order.
  std::vector<std::string> searched;
  /// Sentences about what the search met on its way.
  std::vector<std::string> notes;
};

}  // namespace diagnosis
