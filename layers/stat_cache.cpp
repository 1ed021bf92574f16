#include "layers/stat_cache.hpp"

#include <charconv>
#include <cstdint>

namespace layers {
namespace {

constexpr std::string_view format = "1";

std::string_view next(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return field;
}

template <typename Number>
bool parse(std::string_view field, Number& number) {
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, number);
  return error == std::errc() && stop == end;
}

}  // namespace

std::string to_text(const SeenArchive& seen) {
  std::string text(format);
  for (const std::uint64_t number : {seen.stamp.device, seen.stamp.inode, seen.stamp.size})
    text.append(" ").append(std::to_string(number));
  for (const std::int64_t number : {seen.stamp.modified_ns, seen.stamp.changed_ns})
    text.append(" ").append(std::to_string(number));
  return text.append(" ").append(seen.digest.hex()).append("\n").append(seen.path);
}

std::optional<SeenArchive> seen_from_text(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  SeenArchive seen;
  seen.path = text.substr(end + 1);
  if (next(line) != format || !parse(next(line), seen.stamp.device) ||
      !parse(next(line), seen.stamp.inode) || !parse(next(line), seen.stamp.size) ||
      !parse(next(line), seen.stamp.modified_ns) || !parse(next(line), seen.stamp.changed_ns))
    return std::nullopt;
  const auto digest = base::Digest::from_hex(next(line));
  if (!digest || !line.empty()) return std::nullopt;
  seen.digest = *digest;
  return seen;
}

std::string short_key(std::string_view text) {
  constexpr std::size_t digits = 32;
  return base::sha256(text).hex().substr(0, digits);
}

}  // namespace layers
