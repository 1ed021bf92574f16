// Any bytes as a zip: the directory is read and every member unpacked in memory.
#include "layers/limits.hpp"
#include "layers/zip_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

/// Read in one go or one by one, neighbours come out alike.
void check_neighbours(const layers::MemorySource& source, layers::ZipContents& contents) {
  constexpr std::size_t batch = 8;
  layers::ZipMemberReader alone(source, contents.data_end);
  layers::ZipMemberReader together(source, contents.data_end);
  for (std::size_t begin = 0; begin < contents.members.size(); begin += batch) {
    std::vector<layers::ZipMember*> neighbours;
    for (std::size_t i = begin; i < std::min(begin + batch, contents.members.size()); ++i)
      neighbours.push_back(&contents.members[i]);
    together.fetch(neighbours);
    for (const layers::ZipMember* member : neighbours) {
      const auto expected = alone.read(*member);
      const auto content = together.read(*member);
      if (bool(expected) != bool(content)) std::abort();
      if (content && !std::ranges::equal(*content, *expected)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const layers::MemorySource source(bytes, size);
  static_cast<void>(layers::recognise_archive(source));
  auto contents = layers::read_zip_contents(source);
  if (!contents) return 0;
  layers::ZipMemberReader reader(source, contents->data_end);
  std::uint64_t total = 0;
  for (const auto& member : contents->members) {
    total += member.entry.size;
    const auto content = reader.read(member);
    if (content && content->size() != member.entry.size) std::abort();
    std::uint64_t in_pieces = 0;
    const auto read = reader.read_in_pieces(
        member, [&in_pieces](std::span<const unsigned char> piece) -> base::Result<void> {
          in_pieces += piece.size();
          return {};
        });
    // More than is stated is never handed out, also not by a stream that goes on.
    if (in_pieces > member.entry.size) std::abort();
    if (read && in_pieces != member.entry.size) std::abort();
    if (member.entry.path.empty() || member.entry.path.front() == '/') std::abort();
    if ((member.entry.mode & ~0777U) != 0) std::abort();
  }
  if (total > layers::max_unpacked_bytes) std::abort();
  check_neighbours(source, *contents);
  return 0;
}
