#include "diagnosis/python_requirement.hpp"

#include "diagnosis/version_text.hpp"

#include <algorithm>
#include <utility>

namespace diagnosis {
namespace {

using version_text::is_alphanumeric;
using version_text::is_blank;
using version_text::take;
using version_text::take_while;
using version_text::trimmed;

/// Far deeper than anybody writes, far less than the stack holds.
constexpr int deepest_parentheses = 64;

std::string_view take_name(std::string_view& text) {
  const auto name = take_while(
      text, [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
  const bool valid = !name.empty() && is_alphanumeric(name.front()) && is_alphanumeric(name.back());
  return valid ? name : std::string_view();
}

/// "[socks, use-chardet]", whose names nobody needs.
bool take_extras(std::string_view& text) {
  if (!take(text, "[")) return true;
  take_while(text, is_blank);
  if (take(text, "]")) return true;
  do {
    take_while(text, is_blank);
    if (take_name(text).empty()) return false;
    take_while(text, is_blank);
  } while (take(text, ","));
  return take(text, "]");
}

/// "3.11.4" of 3.11.4. Of "3.11" a patch version above all others: AWS keeps its images up to date,
/// and what asks for the patch version wants to know whether a mended bug is still there.
std::string full_version(const std::string& version) {
  return std::count(version.begin(), version.end(), '.') < 2 ? version + ".999" : version;
}

std::string short_version(const std::string& version) {
  const std::size_t first = version.find('.');
  return first == std::string::npos ? version : version.substr(0, version.find('.', first + 1));
}

std::optional<std::string> variable(std::string_view name, const PythonEnvironment& environment) {
  if (name == "python_version") return short_version(environment.version);
  if (name == "python_full_version" || name == "implementation_version")
    return full_version(environment.version);
  if (name == "os_name" || name == "os.name") return "posix";
  if (name == "sys_platform" || name == "sys.platform") return "linux";
  if (name == "platform_system") return "Linux";
  if (name == "platform_machine" || name == "platform.machine") return environment.machine;
  if (name == "implementation_name") return "cpython";
  if (name == "platform_python_implementation" || name == "platform.python_implementation" ||
      name == "python_implementation")
    return "CPython";
  // Of the kernel, which AWS may change any day.
  if (name == "platform_release" || name == "platform_version" || name == "platform.version")
    return "";
  if (name == "extra") return "";
  return std::nullopt;
}

/// Nothing when these cannot be compared so.
std::optional<bool> compare(const std::string& left, std::string_view comparison,
                            const std::string& right) {
  if (comparison == "in") return right.find(left) != std::string::npos;
  if (comparison == "not in") return right.find(left) == std::string::npos;
  // A comma would make a set of specifiers of it.
  const auto version = PythonVersion::parse(left);
  if (version && right.find(',') == std::string::npos) {
    const auto specifier = PythonSpecifiers::parse(std::string(comparison) + right);
    if (specifier) return specifier->contains(*version);
  }
  if (comparison == "==" || comparison == "===") return left == right;
  if (comparison == "!=") return left != right;
  if (comparison == "<=") return left <= right;
  if (comparison == ">=") return left >= right;
  if (comparison == "<") return left < right;
  if (comparison == ">") return left > right;
  return std::nullopt;
}

/// Evaluates while it reads; nothing stands for "cannot be parsed".
class Marker {
 public:
  Marker(std::string_view text, const PythonEnvironment& environment)
      : rest_(text), environment_(environment) {}

  std::optional<bool> evaluate() {
    const auto value = any(0);
    take_while(rest_, is_blank);
    return rest_.empty() ? value : std::nullopt;
  }

 private:
  std::optional<bool> any(int depth) {
    auto value = all(depth);
    while (value && take_word("or")) {
      const auto other = all(depth);
      if (!other) return std::nullopt;
      value = *value || *other;
    }
    return value;
  }

  std::optional<bool> all(int depth) {
    auto value = term(depth);
    while (value && take_word("and")) {
      const auto other = term(depth);
      if (!other) return std::nullopt;
      value = *value && *other;
    }
    return value;
  }

  std::optional<bool> term(int depth) {
    take_while(rest_, is_blank);
    if (take(rest_, "(")) {
      if (depth == deepest_parentheses) return std::nullopt;
      const auto value = any(depth + 1);
      take_while(rest_, is_blank);
      return take(rest_, ")") ? value : std::nullopt;
    }
    const auto left = take_operand();
    const std::string_view comparison = take_comparison();
    const auto right = take_operand();
    if (!left || comparison.empty() || !right) return std::nullopt;
    return compare(*left, comparison, *right);
  }

  static bool is_word(char c) { return is_alphanumeric(c) || c == '_'; }

  bool take_word(std::string_view word) {
    take_while(rest_, is_blank);
    std::string_view after = rest_;
    if (take_while(after, is_word) != word) return false;
    rest_ = after;
    return true;
  }

  std::string_view take_comparison() {
    take_while(rest_, is_blank);
    for (const std::string_view comparison : {"===", "==", "~=", "!=", "<=", ">=", "<", ">"})
      if (take(rest_, comparison)) return comparison;
    if (take_word("in")) return "in";
    if (take_word("not") && take_word("in")) return "not in";
    return {};
  }

  std::optional<std::string> take_operand() {
    take_while(rest_, is_blank);
    for (const char quote : {'"', '\''}) {
      if (!rest_.starts_with(quote)) continue;
      rest_.remove_prefix(1);
      const std::string_view literal = take_while(rest_, [quote](char c) { return c != quote; });
      if (rest_.empty()) return std::nullopt;
      rest_.remove_prefix(1);
      return std::string(literal);
    }
    const auto name = take_while(rest_, [](char c) { return is_word(c) || c == '.'; });
    return variable(name, environment_);
  }

  std::string_view rest_;
  const PythonEnvironment& environment_;
};

}  // namespace

std::optional<PythonRequirement> PythonRequirement::parse(std::string_view text) {
  if (text.size() > version_text::longest) return std::nullopt;
  std::string_view rest = trimmed(text);
  PythonRequirement requirement;
  requirement.name = take_name(rest);
  if (requirement.name.empty()) return std::nullopt;
  take_while(rest, is_blank);
  if (!take_extras(rest)) return std::nullopt;
  take_while(rest, is_blank);
  if (take(rest, "@")) {
    take_while(rest, is_blank);
    // A ";" right behind it belongs to the URL.
    if (take_while(rest, [](char c) { return !is_blank(c); }).empty()) return std::nullopt;
  } else {
    const bool parentheses = take(rest, "(");
    const char end = parentheses ? ')' : ';';
    requirement.specifiers_text =
        trimmed(take_while(rest, [end](char c) { return c != end && c != ';'; }));
    if (parentheses && !take(rest, ")")) return std::nullopt;
    if (requirement.specifiers_text.starts_with(',')) return std::nullopt;
    auto specifiers = PythonSpecifiers::parse(requirement.specifiers_text);
    if (!specifiers) return std::nullopt;
    requirement.specifiers = *std::move(specifiers);
  }
  take_while(rest, is_blank);
  if (rest.empty()) return requirement;
  if (!take(rest, ";")) return std::nullopt;
  requirement.marker = trimmed(rest);
  if (requirement.marker.empty()) return std::nullopt;
  return requirement;
}

bool PythonRequirement::applies(const PythonEnvironment& environment) const {
  if (marker.empty()) return true;
  if (marker.size() > version_text::longest) return false;
  return Marker(marker, environment).evaluate().value_or(false);
}

}  // namespace diagnosis
