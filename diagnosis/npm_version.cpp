#include "diagnosis/npm_version.hpp"

#include "diagnosis/version_text.hpp"

#include <algorithm>
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

/// npm's own limits: what a double counts exactly, and the characters of one version.
constexpr std::uint64_t greatest_number = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t longest_version = 256;

/// "1", "1.x", "1.2.3-rc.1": what is left out or an "x" is nothing, and so is all behind it.
struct Partial {
  std::optional<std::uint64_t> major, minor, patch;
  std::vector<std::string> prerelease;
};

bool is_identifier(char c) {
  return version_text::is_alphanumeric(c) || c == '-';
}

bool has_leading_zero(std::string_view digits) {
  return digits.size() > 1 && digits.front() == '0';
}

/// False when there is neither a number nor an "x".
bool take_number(std::string_view& text, std::optional<std::uint64_t>& number) {
  if (take(text, "x") || take(text, "X") || take(text, "*")) return true;
  const std::string_view digits = take_while(text, is_digit);
  if (has_leading_zero(digits)) return false;
  number = version_text::number(digits, greatest_number);
  return number.has_value();
}

/// "rc.1" behind its "-" or "+".
std::optional<std::vector<std::string>> take_identifiers(std::string_view& text) {
  std::vector<std::string> identifiers;
  do {
    const std::string_view identifier = take_while(text, is_identifier);
    if (identifier.empty()) return std::nullopt;
    identifiers.emplace_back(identifier);
  } while (take(text, "."));
  return identifiers;
}

std::optional<Partial> parse_partial(std::string_view text) {
  take_while(text, [](char c) { return c == 'v' || c == '='; });
  Partial partial;
  if (!take_number(text, partial.major)) return std::nullopt;
  if (take(text, ".")) {
    if (!take_number(text, partial.minor)) return std::nullopt;
    if (take(text, ".")) {
      if (!take_number(text, partial.patch)) return std::nullopt;
      if (take(text, "-")) {
        auto prerelease = take_identifiers(text);
        if (!prerelease) return std::nullopt;
        for (const std::string& identifier : *prerelease)
          if (is_number(identifier) && has_leading_zero(identifier)) return std::nullopt;
        partial.prerelease = *std::move(prerelease);
      }
      if (take(text, "+") && !take_identifiers(text)) return std::nullopt;
    }
  }
  if (!text.empty()) return std::nullopt;
  if (!partial.major) partial.minor.reset();
  if (!partial.minor) partial.patch.reset();
  if (!partial.patch) partial.prerelease.clear();
  return partial;
}

/// The first version the partial one means.
NpmVersion first_of(const Partial& partial) {
  return {partial.major.value_or(0), partial.minor.value_or(0), partial.patch.value_or(0),
          partial.prerelease};
}

/// The first one behind all it means: 2.0.0 of "1". The partial one has a major number.
NpmVersion first_after(const Partial& partial) {
  if (!partial.minor) return {*partial.major + 1, 0, 0, {}};
  return {*partial.major, *partial.minor + 1, 0, {}};
}

/// The smallest of all with these three numbers, as an end that leaves them all out.
NpmVersion smallest(NpmVersion version) {
  version.prerelease = {"0"};
  return version;
}

NpmVersion end_of_caret(const Partial& partial) {
  if (*partial.major > 0 || !partial.minor) return {*partial.major + 1, 0, 0, {}};
  if (*partial.minor > 0 || !partial.patch) return {0, *partial.minor + 1, 0, {}};
  return {0, 0, *partial.patch + 1, {}};
}

std::strong_ordering compare_identifiers(const std::string& a, const std::string& b) {
  const bool is_a_number = is_number(a);
  const bool is_b_number = is_number(b);
  if (is_a_number != is_b_number)
    return is_a_number ? std::strong_ordering::less : std::strong_ordering::greater;
  return is_a_number ? version_text::compare_numbers(a, b) : a <=> b;
}

/// Takes what belongs together apart at blanks: blanks behind an operator do not count.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool joins = false;
  while (!(text = trimmed(text)).empty()) {
    const std::string_view word = take_while(text, [](char c) { return !is_blank(c); });
    if (joins) {
      words.back().append(word);
    } else {
      words.emplace_back(word);
    }
    joins = std::string_view("<>=~^").find(word.back()) != std::string_view::npos;
  }
  return words;
}

}  // namespace

std::optional<NpmVersion> NpmVersion::parse(std::string_view text) {
  if (text.size() > longest_version) return std::nullopt;
  text = trimmed(text);
  take_while(text, [](char c) { return c == 'v' || c == '=' || is_blank(c); });
  const auto partial = parse_partial(text);
  if (!partial || !partial->patch) return std::nullopt;
  return first_of(*partial);
}

std::strong_ordering NpmVersion::operator<=>(const NpmVersion& other) const {
  const auto order =
      std::tie(major, minor, patch) <=> std::tie(other.major, other.minor, other.patch);
  if (order != 0) return order;
  if (prerelease.empty() != other.prerelease.empty())
    return prerelease.empty() ? std::strong_ordering::greater : std::strong_ordering::less;
  return std::lexicographical_compare_three_way(prerelease.begin(), prerelease.end(),
                                                other.prerelease.begin(), other.prerelease.end(),
                                                compare_identifiers);
}

void NpmRange::add_at_least(Comparators& comparators, NpmVersion version) {
  // npm drops it, which lets pre-releases of 0.0.0 in when something else names one.
  if (version == NpmVersion{}) return;
  comparators.push_back({Comparison::greater_or_equal, std::move(version)});
}

bool NpmRange::add_word(Comparators& comparators, std::string_view word) {
  const bool tilde = take(word, "~");
  const bool caret = !tilde && take(word, "^");
  // "~>1.2" is an old way to write "~1.2".
  if (tilde) take(word, ">");
  const bool ordered = !tilde && !caret;
  const bool less = ordered && take(word, "<");
  const bool greater = ordered && !less && take(word, ">");
  const bool or_equal = ordered && take(word, "=");
  const auto partial = parse_partial(word);
  if (!partial) return false;

  const auto add_below = [&comparators](NpmVersion version) {
    comparators.push_back({Comparison::less, smallest(std::move(version))});
  };
  const NpmVersion first = first_of(*partial);
  if (!partial->major) {
    // Nothing is greater or less than any version; all else is any.
    if ((less || greater) && !or_equal) add_below({});
    return true;
  }
  if (tilde || caret) {
    add_at_least(comparators, first);
    add_below(tilde ? first_after(*partial) : end_of_caret(*partial));
  } else if (partial->patch) {
    if (less)
      comparators.push_back({or_equal ? Comparison::less_or_equal : Comparison::less, first});
    else if (!greater)
      comparators.push_back({Comparison::equal, first});
    else if (or_equal)
      add_at_least(comparators, first);
    else
      comparators.push_back({Comparison::greater, first});
  } else if (less) {
    add_below(or_equal ? first_after(*partial) : first);
  } else if (greater) {
    add_at_least(comparators, or_equal ? first : first_after(*partial));
  } else {
    add_at_least(comparators, first);
    add_below(first_after(*partial));
  }
  return true;
}

bool NpmRange::add_hyphen(Comparators& comparators, std::string_view from, std::string_view to) {
  const auto lower = parse_partial(from);
  const auto upper = parse_partial(to);
  if (!lower || !upper) return false;
  add_at_least(comparators, first_of(*lower));
  if (upper->patch)
    comparators.push_back({Comparison::less_or_equal, first_of(*upper)});
  else if (upper->major)
    comparators.push_back({Comparison::less, smallest(first_after(*upper))});
  return true;
}

std::optional<NpmRange> NpmRange::parse(std::string_view text) {
  if (text.size() > version_text::longest) return std::nullopt;
  NpmRange range;
  while (true) {
    const std::size_t end = text.find("||");
    const std::vector<std::string> words = words_of(text.substr(0, end));
    Comparators& comparators = range.alternatives_.emplace_back();
    if (words.size() == 3 && words[1] == "-") {
      if (!add_hyphen(comparators, words[0], words[2])) return std::nullopt;
    } else {
      for (const std::string& word : words)
        if (!add_word(comparators, word)) return std::nullopt;
    }
    if (end == std::string_view::npos) return range;
    text.remove_prefix(end + 2);
  }
}

bool NpmRange::Comparator::contains(const NpmVersion& candidate) const {
  switch (comparison) {
    case Comparison::less:
      return candidate < version;
    case Comparison::less_or_equal:
      return candidate <= version;
    case Comparison::equal:
      return candidate == version;
    case Comparison::greater_or_equal:
      return candidate >= version;
    case Comparison::greater:
      return candidate > version;
  }
  return false;
}

bool NpmRange::contains(const NpmVersion& version) const {
  const auto names_prerelease = [&version](const Comparator& comparator) {
    const NpmVersion& named = comparator.version;
    return !named.prerelease.empty() && std::tie(named.major, named.minor, named.patch) ==
                                            std::tie(version.major, version.minor, version.patch);
  };
  return std::any_of(
      alternatives_.begin(), alternatives_.end(), [&](const Comparators& comparators) {
        if (!version.prerelease.empty() &&
            std::none_of(comparators.begin(), comparators.end(), names_prerelease))
          return false;
        return std::all_of(
            comparators.begin(), comparators.end(),
            [&version](const Comparator& comparator) { return comparator.contains(version); });
      });
}

}  // namespace diagnosis
