#pragma once

#include "base/result.hpp"
#include "layers/prepared_tree.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace layers {

/// What is kept beside each tree so that preparing it again costs one small file, whatever its
/// size.
struct Manifest {
  std::string first_reference;
  std::uint64_t archive_bytes = 0;
  TreeSummary summary;
};

std::string to_json(const Manifest& manifest);
/// Nothing when it is of another version or damaged: the tree is then made again.
std::optional<Manifest> manifest_from_json(std::string_view text);

}  // namespace layers
