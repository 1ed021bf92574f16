#include "diagnosis/python_version.hpp"

#include "diagnosis/version_text.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <tuple>
#include <utility>

namespace diagnosis {
namespace {

using version_text::is_blank;
using version_text::is_digit;
using version_text::is_number;
using version_text::take;
using version_text::take_while;
using version_text::trimmed;

bool is_separator(char c) {
  return c == '.' || c == '-' || c == '_';
}

void take_separator(std::string_view& text) {
  if (!text.empty() && is_separator(text.front())) text.remove_prefix(1);
}

std::string_view take_digits(std::string_view& text) {
  return take_while(text, is_digit);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// "rc1", "-rc.1", "rc": any of the words, and 0 for a missing number. Takes nothing when the
/// number is too big, and so the version does not parse.
std::optional<std::uint64_t> take_suffix(std::string_view& text,
                                         std::initializer_list<std::string_view> words) {
  std::string_view rest = text;
  take_separator(rest);
  const bool named = std::any_of(words.begin(), words.end(),
                                 [&rest](std::string_view word) { return take(rest, word); });
  if (!named) return std::nullopt;
  take_separator(rest);
  const std::string_view digits = take_digits(rest);
  const auto value = digits.empty() ? std::uint64_t{0} : version_text::number(digits);
  if (value) text = rest;
  return value;
}

std::optional<std::pair<std::string, std::uint64_t>> take_pre(std::string_view& text) {
  if (const auto number = take_suffix(text, {"alpha", "a"})) return std::pair("a", *number);
  if (const auto number = take_suffix(text, {"beta", "b"})) return std::pair("b", *number);
  if (const auto number = take_suffix(text, {"rc", "c", "preview", "pre"}))
    return std::pair("rc", *number);
  return std::nullopt;
}

std::optional<std::uint64_t> take_post(std::string_view& text) {
  std::string_view rest = text;
  if (!take(rest, "-") || rest.empty() || !is_digit(rest.front()))
    return take_suffix(text, {"post", "rev", "r"});
  const auto number = version_text::number(take_digits(rest));
  if (number) text = rest;
  return number;
}

std::strong_ordering compare_local(const std::string& a, const std::string& b) {
  const bool is_a_number = is_number(a);
  const bool is_b_number = is_number(b);
  if (is_a_number != is_b_number)
    return is_a_number ? std::strong_ordering::greater : std::strong_ordering::less;
  return is_a_number ? version_text::compare_numbers(a, b) : a <=> b;
}

std::uint64_t segment(const std::vector<std::uint64_t>& release, std::size_t index) {
  return index < release.size() ? release[index] : 0;
}

}  // namespace

std::optional<PythonVersion> PythonVersion::parse(std::string_view text) {
  if (text.size() > version_text::longest) return std::nullopt;
  const std::string lower = lower_case(trimmed(text));
  std::string_view rest = lower;
  PythonVersion version;
  take(rest, "v");
  if (const std::size_t end = rest.find('!'); end != std::string_view::npos) {
    const auto epoch = version_text::number(rest.substr(0, end));
    if (!epoch) return std::nullopt;
    version.epoch_ = *epoch;
    rest.remove_prefix(end + 1);
  }
  do {
    const auto number = version_text::number(take_digits(rest));
    if (!number) return std::nullopt;
    version.release_.push_back(*number);
  } while (rest.size() > 1 && is_digit(rest[1]) && take(rest, "."));
  version.pre_ = take_pre(rest);
  version.post_ = take_post(rest);
  version.dev_ = take_suffix(rest, {"dev"});
  if (take(rest, "+")) {
    do {
      std::string_view part = take_while(rest, version_text::is_alphanumeric);
      if (part.empty()) return std::nullopt;
      while (part.size() > 1 && part.front() == '0' && is_number(part)) part.remove_prefix(1);
      version.local_.emplace_back(part);
      if (rest.empty() || !is_separator(rest.front())) break;
      rest.remove_prefix(1);
    } while (true);
  }
  if (!rest.empty()) return std::nullopt;
  return version;
}

std::strong_ordering PythonVersion::operator<=>(const PythonVersion& other) const {
  if (const auto order = compare_base(other); order != 0) return order;
  // 1.0.dev1 comes before 1.0a1, but 1.0.post1.dev1 after 1.0.
  const auto pre = [](const PythonVersion& version) {
    if (version.pre_) return std::tuple(1, version.pre_->first, version.pre_->second);
    const bool only_dev = version.dev_ && !version.post_;
    return std::tuple(only_dev ? 0 : 2, std::string(), std::uint64_t{0});
  };
  if (const auto order = pre(*this) <=> pre(other); order != 0) return order;
  if (const auto order = post_ <=> other.post_; order != 0) return order;
  if (dev_.has_value() != other.dev_.has_value())
    return dev_ ? std::strong_ordering::less : std::strong_ordering::greater;
  if (const auto order = dev_ <=> other.dev_; order != 0) return order;
  return std::lexicographical_compare_three_way(local_.begin(), local_.end(), other.local_.begin(),
                                                other.local_.end(), compare_local);
}

bool PythonVersion::is_prerelease() const {
  return pre_ || dev_;
}

std::strong_ordering PythonVersion::compare_base(const PythonVersion& other) const {
  if (const auto order = epoch_ <=> other.epoch_; order != 0) return order;
  const std::size_t segments = std::max(release_.size(), other.release_.size());
  for (std::size_t i = 0; i < segments; ++i)
    if (const auto order = segment(release_, i) <=> segment(other.release_, i); order != 0)
      return order;
  return std::strong_ordering::equal;
}

bool PythonVersion::begins_with(const PythonVersion& prefix, std::size_t segments) const {
  if (epoch_ != prefix.epoch_) return false;
  for (std::size_t i = 0; i < segments; ++i)
    if (segment(release_, i) != prefix.release_[i]) return false;
  return true;
}

PythonVersion PythonVersion::without_local() const {
  PythonVersion version = *this;
  version.local_.clear();
  return version;
}

std::string PythonVersion::normalised() const {
  std::string text;
  if (epoch_ != 0) text = std::to_string(epoch_) + "!";
  for (std::size_t i = 0; i < release_.size(); ++i)
    text.append(i == 0 ? "" : ".").append(std::to_string(release_[i]));
  if (pre_) text.append(pre_->first).append(std::to_string(pre_->second));
  if (post_) text.append(".post").append(std::to_string(*post_));
  if (dev_) text.append(".dev").append(std::to_string(*dev_));
  for (std::size_t i = 0; i < local_.size(); ++i) text.append(i == 0 ? "+" : ".").append(local_[i]);
  return text;
}

std::optional<PythonSpecifiers::Clause> PythonSpecifiers::parse_clause(std::string_view text) {
  static constexpr std::pair<std::string_view, Comparison> comparisons[] = {
      {"===", Comparison::same_text}, {"~=", Comparison::compatible}, {"==", Comparison::equal},
      {"!=", Comparison::unequal},    {"<=", Comparison::at_most},    {">=", Comparison::at_least},
      {"<", Comparison::less},        {">", Comparison::greater},
  };
  const auto* const found =
      std::find_if(std::begin(comparisons), std::end(comparisons),
                   [&text](const auto& comparison) { return take(text, comparison.first); });
  if (found == std::end(comparisons)) return std::nullopt;
  Clause clause;
  clause.comparison = found->second;
  text = trimmed(text);
  if (text.empty() || std::any_of(text.begin(), text.end(), is_blank)) return std::nullopt;
  if (clause.comparison == Comparison::same_text) {
    clause.text = lower_case(text);
    return clause;
  }
  const bool equality =
      clause.comparison == Comparison::equal || clause.comparison == Comparison::unequal;
  if (equality && text.ends_with(".*")) {
    clause.prefix = true;
    text.remove_suffix(2);
  }
  const auto version = PythonVersion::parse(text);
  if (!version) return std::nullopt;
  if (clause.prefix && (version->is_prerelease() || version->post_)) return std::nullopt;
  if ((clause.prefix || !equality) && !version->local_.empty()) return std::nullopt;
  if (clause.comparison == Comparison::compatible && version->release_.size() < 2)
    return std::nullopt;
  clause.version = *version;
  return clause;
}

std::optional<PythonSpecifiers> PythonSpecifiers::parse(std::string_view text) {
  if (text.size() > version_text::longest) return std::nullopt;
  PythonSpecifiers specifiers;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    // Metadata has commas too many: ">=1.0,".
    if (trimmed(part).empty()) continue;
    auto clause = parse_clause(trimmed(part));
    if (!clause) return std::nullopt;
    specifiers.clauses_.push_back(*std::move(clause));
  }
  return specifiers;
}

PythonVersion PythonSpecifiers::Clause::before_prereleases() const {
  PythonVersion first = version;
  if (!first.is_prerelease()) first.dev_ = 0;
  return first;
}

bool PythonSpecifiers::Clause::is_post_release_of_version(const PythonVersion& candidate) const {
  if (version.post_ || version.dev_) return false;
  return candidate.post_ && candidate.pre_ == version.pre_ && candidate.compare_base(version) == 0;
}

bool PythonSpecifiers::Clause::contains(const PythonVersion& candidate) const {
  // A local version is the same release, built by somebody else.
  const auto equals = [this, &candidate] {
    if (prefix) return candidate.begins_with(version, version.release_.size());
    return (version.local_.empty() ? candidate.without_local() : candidate) == version;
  };
  switch (comparison) {
    case Comparison::same_text:
      return candidate.normalised() == text;
    case Comparison::equal:
      return equals();
    case Comparison::unequal:
      return !equals();
    case Comparison::compatible:
      return candidate.without_local() >= version &&
             candidate.begins_with(version, version.release_.size() - 1);
    case Comparison::at_most:
      return candidate.without_local() <= version;
    case Comparison::at_least:
      return candidate.without_local() >= version;
    case Comparison::less:
      return candidate < before_prereleases();
    case Comparison::greater:
      // ">2.0" means neither 2.0.post1 nor 2.0+ubuntu1.
      return candidate.without_local() > version && !is_post_release_of_version(candidate);
  }
  return false;
}

bool PythonSpecifiers::contains(const PythonVersion& version) const {
  return std::all_of(clauses_.begin(), clauses_.end(),
                     [&version](const Clause& clause) { return clause.contains(version); });
}

}  // namespace diagnosis
