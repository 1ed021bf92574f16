// Any bytes as a zip: the directory is read and every member unpacked in memory.
#include "layers/limits.hpp"
#include "layers/zip_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const layers::MemorySource source(bytes, size);
  static_cast<void>(layers::recognise_archive(source));
  const auto contents = layers::read_zip_contents(source);
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
  return 0;
}
