// Any bytes as a tar, tar.gz or tar.zst, unpacked into a folder. A folder beside it must stay
// empty.
#include "base/unique_fd.hpp"
#include "layers/archive_extractor.hpp"
#include "layers/file_tree.hpp"
#include "tests/support/scratch_folder.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const test_support::ScratchFolder scratch;
  static const auto root = base::open_read_only(scratch.path().string());
  const layers::MemorySource source(bytes, size);
  const auto format = layers::recognise_archive(source);
  if (!format || *format == layers::ArchiveFormat::none || *format == layers::ArchiveFormat::zip)
    return 0;
  if (!layers::make_folder(root->get(), "tree")) std::abort();
  {
    const auto tree = layers::open_folder(root->get(), "tree");
    if (!tree) std::abort();
    static_cast<void>(layers::extract_tar({.source = source,
                                           .tree_fd = tree->get(),
                                           .kind = layers::PackageKind::code,
                                           .reference = "fuzz"},
                                          *format));
  }
  if (!layers::remove_tree(root->get(), "tree")) std::abort();
  const auto left = layers::folder_names(root->get(), ".");
  if (!left || !left->empty()) std::abort();
  return 0;
}
