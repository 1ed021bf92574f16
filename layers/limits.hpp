#pragma once

#include "base/result.hpp"
#include "layers/prepared_tree.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace layers {

/// AWS's limits on packages and AWS's sentences for what is past them. Knows nothing of archives or
/// of the store. Sizes in bytes. Source: the Lambda developer guide ("Lambda quotas") and the
/// answers of CreateFunction, PublishLayerVersion and UpdateFunctionConfiguration.
inline constexpr std::size_t max_layers = 5;
/// Function code and layers together, unpacked.
inline constexpr std::uint64_t max_unpacked_bytes = 262'144'000;
/// Entries and directories of one package. AWS names no limit; this one bounds hostile archives.
inline constexpr std::uint64_t max_tree_entries = 500'000;

namespace aws_text {
inline constexpr std::string_view too_many_layers = "Cannot reference more than 5 layers.";
inline constexpr std::string_view unzipped_too_big =
    "Unzipped size must be smaller than 262144000 bytes";
inline constexpr std::string_view layers_too_big =
    "Layers consume more than the available size of 262144000 bytes";
inline constexpr std::string_view unreadable_files =
    "Layer conversion failed: Some files do not have read permissions";
inline constexpr std::string_view unsearchable_directories =
    "Layer conversion failed: Some directories do not have execute permissions";
inline constexpr std::string_view not_an_archive =
    "Could not unzip uploaded file. Please check your file, then try to upload again.";
/// "Two different versions of the same layer ... <first> and <second> are versions of ..."
std::string same_layer_twice(std::string_view first, std::string_view second);
/// "Function code combined with layers exceeds ... The actual size is <N> bytes."
std::string code_and_layers_too_big(std::uint64_t actual_bytes);
}  // namespace aws_text

/// Before anything is prepared: a sixth layer costs no extraction.
base::Result<void> check_layer_count(std::size_t count);
/// After all are prepared: the same layer twice (by content, or the same folder), layers too big
/// together, then layers and code (null when there is none yet) too big together.
base::Result<void> check_package_set(std::span<const PreparedTree> layers,
                                     const PreparedTree* code);
/// One package: its size, and for a layer the modes that AWS refuses. LayerStore::prepare() has
/// done this; the message has no `layer "...":` in front.
base::Result<void> check_package(const TreeSummary& summary, PackageKind kind);

/// The part of a message that is AWS's, for an answer that must be AWS's word for word.
std::optional<std::string> aws_sentence(const base::Error& error);

}  // namespace layers
