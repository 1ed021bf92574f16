#pragma once

#include "base/sha256.hpp"
#include "layers/file_stamp.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace layers {

/// The text of one remembered path: its stamp, its digest and the path itself, since the file is
/// found by a short key that two paths may share.
struct SeenArchive {
  std::string path;
  FileStamp stamp;
  base::Digest digest;
};

std::string to_text(const SeenArchive& seen);
std::optional<SeenArchive> seen_from_text(std::string_view text);

/// A file name of 32 digits for any text.
std::string short_key(std::string_view text);

}  // namespace layers
