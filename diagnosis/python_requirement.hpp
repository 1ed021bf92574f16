#pragma once

#include "diagnosis/python_version.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace diagnosis {

/// Where environment markers are evaluated.
struct PythonEnvironment {
  /// "3.11", or "3.11.4"; without it, a marker that asks for the patch version sees a late one.
  std::string version;
  /// "x86_64" or "aarch64", as platform.machine() says it.
  std::string machine;
};

/// One Requires-Dist (Python Packaging User Guide, "Dependency specifiers"):
/// `urllib3 (<3,>=1.21.1) ; python_version < "4" and extra == "socks"`.
struct PythonRequirement {
  /// As written.
  std::string name;
  PythonSpecifiers specifiers;
  /// The specifiers as written, for messages: "<3,>=1.21.1".
  std::string specifiers_text;
  /// What comes after ";", unparsed.
  std::string marker;

  static std::optional<PythonRequirement> parse(std::string_view text);

  /// Whether the marker holds without any extra. A marker that cannot be parsed holds not.
  bool applies(const PythonEnvironment& environment) const;
};

}  // namespace diagnosis
