#include "layers/archive_error.hpp"

#include "layers/limits.hpp"

#include <cerrno>

namespace layers {

std::string shown_name(std::string_view name) {
  static constexpr std::size_t longest = 200;
  static constexpr char digits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char character : name.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f || byte == '"') {
      text.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    } else {
      text += character;
    }
  }
  if (name.size() > longest) text += "...";
  return text += '"';
}

base::Error broken_archive(std::string_view what, std::string_view remedy) {
  std::string text(what);
  text.append(": ").append(aws_text::not_an_archive);
  if (!remedy.empty()) text.append(" ").append(remedy);
  return {base::ErrorKind::corrupt_data, std::move(text)};
}

base::Error archive_too_big(std::string_view how_big) {
  std::string text(how_big);
  text.append(": ").append(aws_text::unzipped_too_big);
  text.append(". Leave out what the function does not need.");
  return {base::ErrorKind::limit_exceeded, std::move(text)};
}

base::Error cannot_write(int error_number, std::string_view path) {
  base::Error error = base::from_errno(error_number, "cannot write " + shown_name(path));
  // The caller asked for an archive; that a folder of ours vanished is not "not found" to it.
  error.kind = base::ErrorKind::io_error;
  if (error_number == ENOSPC || error_number == EDQUOT)
    error.message += ". Free some space, or set LAMINA_HOME to a folder on another disk.";
  return error;
}

}  // namespace layers
