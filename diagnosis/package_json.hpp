#pragma once

#include "diagnosis/file_view.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// As much of JSON as "exports" and "imports" need. Members keep the order of the file, which
/// decides among conditions.
struct JsonValue {
  enum class Kind { null, string, array, object, other };

  Kind kind = Kind::null;
  std::string text;
  /// Of an array, or of an object's members.
  std::vector<JsonValue> items;
  /// The names of an object's members; one for each item, none twice.
  std::vector<std::string> keys;

  static JsonValue of(Kind kind);
  const JsonValue* member(std::string_view key) const;
};

/// What a package.json says to whoever looks for the package. Knows nothing of the search.
struct PackageJson {
  enum class State { absent, read, broken };

  State state = State::absent;
  /// Why it is broken: a clause.
  std::string problem;
  /// Only where they are strings, as for Node.js.
  std::optional<std::string> name;
  std::optional<std::string> main;
  std::string version;
  /// Null values are as good as none.
  std::optional<JsonValue> exports;
  std::optional<JsonValue> imports;
};

/// Of the package in `folder`. Hostile content is normal: too large, too deep, no JSON at all.
PackageJson read_package_json(const FileView& view, const std::string& folder);

}  // namespace diagnosis
