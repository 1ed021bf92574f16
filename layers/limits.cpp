#include "layers/limits.hpp"

#include <array>
#include <utility>

namespace layers {
namespace {

constexpr std::string_view same_layer_begin =
    "Two different versions of the same layer are not allowed to be referenced in the same "
    "function. ";
constexpr std::string_view same_layer_end = " are versions of the same layer.";
constexpr std::string_view combined_begin =
    "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The "
    "actual size is ";
constexpr std::string_view combined_end = " bytes.";

base::Error limit(std::string text) {
  return {base::ErrorKind::limit_exceeded, std::move(text)};
}

bool same_package(const PreparedTree& a, const PreparedTree& b) {
  if (a.digest && b.digest) return *a.digest == *b.digest;
  return a.tree == b.tree;
}

base::Error refused_modes(const Findings& findings, std::string_view what, std::string_view words,
                          std::string_view remedy) {
  std::string text = findings.example;
  if (findings.count > 1) text += " and " + std::to_string(findings.count - 1) + " more";
  text.append(findings.count > 1 ? " lack " : " lacks ").append(what);
  text.append(": ").append(words).append(". ").append(remedy);
  return {base::ErrorKind::invalid_argument, std::move(text)};
}

}  // namespace

std::string_view to_string(PackageKind kind) {
  return kind == PackageKind::code ? "code" : "layer";
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::folder_in_place:
      return "folder";
    case Origin::found_in_store:
      return "found";
    case Origin::extracted:
      return "extracted";
  }
  return "unknown";
}

std::string aws_text::same_layer_twice(std::string_view first, std::string_view second) {
  std::string text(same_layer_begin);
  return text.append(first).append(" and ").append(second).append(same_layer_end);
}

std::string aws_text::code_and_layers_too_big(std::uint64_t actual_bytes) {
  std::string text(combined_begin);
  return text.append(std::to_string(actual_bytes)).append(combined_end);
}

base::Result<void> check_layer_count(std::size_t count) {
  if (count <= max_layers) return {};
  return limit("layers: " + std::to_string(count) +
               " are given: " + std::string(aws_text::too_many_layers) + " Merge some of them.");
}

base::Result<void> check_package_set(std::span<const PreparedTree> layers,
                                     const PreparedTree* code) {
  TRY(check_layer_count(layers.size()));
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!same_package(layers[j], layers[i])) continue;
      return base::Error(
          base::ErrorKind::invalid_argument,
          "layers: " + aws_text::same_layer_twice(layers[j].reference, layers[i].reference) +
              " Name it once.");
    }
    total += layers[i].summary.unpacked_bytes;
  }
  if (total > max_unpacked_bytes)
    return limit("layers: " + std::to_string(total) +
                 " bytes together: " + std::string(aws_text::layers_too_big) +
                 ". Leave out what the function does not need.");
  if (code == nullptr) return {};
  total += code->summary.unpacked_bytes;
  if (total > max_unpacked_bytes)
    return limit("layers: " + aws_text::code_and_layers_too_big(total) +
                 " Leave out what the function does not need.");
  return {};
}

base::Result<void> check_package(const TreeSummary& summary, PackageKind kind) {
  if (summary.unpacked_bytes > max_unpacked_bytes)
    return limit("unpacks to " + std::to_string(summary.unpacked_bytes) +
                 " bytes: " + std::string(aws_text::unzipped_too_big) +
                 ". Leave out what the function does not need.");
  // AWS looks at the modes of layers only; a function finds out when it imports the file.
  if (kind != PackageKind::layer) return {};
  if (summary.unreadable_files.count > 0)
    return refused_modes(summary.unreadable_files, "o+r", aws_text::unreadable_files,
                         "Run \"chmod -R a+rX\" on what goes into it and make it again.");
  if (summary.unsearchable_directories.count > 0)
    return refused_modes(summary.unsearchable_directories, "o+x",
                         aws_text::unsearchable_directories,
                         "Run \"chmod -R a+rX\" on what goes into it and make it again.");
  return {};
}

std::optional<std::string> aws_sentence(const base::Error& error) {
  const std::string_view message = error.message;
  const std::array fixed = {aws_text::too_many_layers,          aws_text::unzipped_too_big,
                            aws_text::layers_too_big,           aws_text::unreadable_files,
                            aws_text::unsearchable_directories, aws_text::not_an_archive};
  for (const std::string_view sentence : fixed)
    if (message.find(sentence) != std::string_view::npos) return std::string(sentence);
  for (const auto& [begin, end] :
       {std::pair(same_layer_begin, same_layer_end), std::pair(combined_begin, combined_end)}) {
    const std::size_t from = message.find(begin);
    if (from == std::string_view::npos) continue;
    const std::size_t to = message.find(end, from + begin.size());
    if (to != std::string_view::npos)
      return std::string(message.substr(from, to + end.size() - from));
  }
  return std::nullopt;
}

}  // namespace layers
