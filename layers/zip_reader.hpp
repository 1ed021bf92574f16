#pragma once

#include "base/result.hpp"
#include "layers/byte_source.hpp"
#include "layers/inflate.hpp"
#include "layers/tree_listing.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace layers {

/// Reads the zip format (PKWARE's APPNOTE 6.3, with zip64) out of hostile bytes. Knows nothing of
/// files on disk. Every size is checked against the archive's before it is used, and the sum of the
/// declared sizes against AWS's limit before anything is unpacked.
struct ZipMember {
  TreeEntry entry;
  std::uint64_t header_offset = 0;
  std::uint64_t compressed_size = 0;
  std::uint16_t method = 0;
};

/// What the central directory says, made free of contradictions: one entry a path (the last one
/// wins), every parent a directory, nothing below a symbolic link.
struct ZipContents {
  /// Files and symbolic links (without their targets), in the order of the archive.
  std::vector<ZipMember> members;
  /// Parents first, with those that the archive does not name.
  TreeListing directories;
  /// End of the area where members can lie.
  std::uint64_t data_end = 0;
};

base::Result<ZipContents> read_zip_contents(const ByteSource& source);
base::Result<bool> has_zip_end_record(const ByteSource& source);

/// Unpacks members, one at a time, with buffers that are used again. One for each thread.
class ZipMemberReader {
 public:
  ZipMemberReader(const ByteSource& source, std::uint64_t data_end)
      : source_(source), data_end_(data_end) {}

  /// Reads what holds these neighbours in one go, where that is not much more than they are, so
  /// that read() finds them in memory. Only makes it faster: what cannot be read is read()'s error.
  void fetch(std::span<ZipMember* const> neighbours);
  /// The content, checked against the stored size and CRC-32; valid until the next call.
  base::Result<std::span<const unsigned char>> read(const ZipMember& member);

  /// The content in pieces of piece_size at most, in memory that does not grow with the member. The
  /// last piece is out before the CRC-32 is known: on an error, what `take` has made of them is
  /// void.
  using Take = std::function<base::Result<void>(std::span<const unsigned char>)>;
  base::Result<void> read_in_pieces(const ZipMember& member, const Take& take);
  /// What read_in_pieces() is faster for: below it, one buffer still fits into the cache.
  static constexpr std::uint64_t worth_pieces = 1u << 20;

 private:
  base::Result<void> check_sizes(const ZipMember& member) const;
  /// Where the data of a member begins, counted from its header; `bytes` are the first of it.
  base::Result<std::size_t> check_header(const ZipMember& member,
                                         std::span<const unsigned char> bytes) const;

  struct Buffer {
    std::unique_ptr<unsigned char[]> bytes;
    std::size_t size = 0;
    unsigned char* at_least(std::size_t wanted);
  };

  const ByteSource& source_;
  std::uint64_t data_end_;
  Inflater inflater_;
  std::unique_ptr<PieceInflater> piece_inflater_;
  Buffer fetched_;
  std::uint64_t fetched_from_ = 0;
  std::size_t fetched_size_ = 0;
  Buffer packed_;
  Buffer unpacked_;
};

}  // namespace layers
