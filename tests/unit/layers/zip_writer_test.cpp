#include "layers/zip_writer.hpp"

#include "layers/layer_store.hpp"
#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

using layers::TreeEntry;
using layers::ZipCompression;
using layers::ZipInput;

namespace {

struct Packed {
  test_support::ScratchFolder scratch;
  base::Result<void> result = base::Result<void>();
  std::string file;

  Packed(const std::vector<ZipInput>& inputs, ZipCompression compression) {
    file = scratch / "made.zip";
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
    result = layers::write_zip(fd, inputs, compression);
    ::close(fd);
  }
};

}  // namespace

TEST_CASE("what was packed unpacks to the same") {
  const test_support::ScratchFolder files;
  const std::string text(100'000, 'x');
  TreeEntry file{.path = "a/b.txt",
                 .mode = 0755,
                 .size = text.size(),
                 .mtime = 1'700'000'000,
                 .link_target = {}};
  TreeEntry link{
      .path = "a/link", .type = TreeEntry::Type::symlink, .mode = 0777, .link_target = "b.txt"};
  TreeEntry folder{
      .path = "empty", .type = TreeEntry::Type::directory, .mode = 0775, .link_target = {}};
  const std::vector<ZipInput> inputs{{file, files.write("b.txt", text)}, {link, {}}, {folder, {}}};
  for (const ZipCompression compression : {ZipCompression::none, ZipCompression::deflate}) {
    const Packed packed(inputs, compression);
    REQUIRE(packed.result.has_value());
    CHECK((std::filesystem::file_size(packed.file) < text.size()) ==
          (compression == ZipCompression::deflate));
    auto store = layers::LayerStore::open(packed.scratch.path() / "store");
    REQUIRE(store.has_value());
    const auto tree = store->prepare(packed.file, layers::PackageKind::layer, nullptr);
    if (!tree) FAIL(tree.error().message);
    const auto entries = store->entries(*tree);
    REQUIRE(entries.has_value());
    REQUIRE(entries->size() == 4);
    CHECK((*entries)[1].path == "a/b.txt");
    CHECK((*entries)[1].mode == 0755);
    CHECK((*entries)[1].size == text.size());
    CHECK((*entries)[1].mtime == 1'700'000'000);
    CHECK((*entries)[2].link_target == "b.txt");
    CHECK((*entries)[3].mode == 0775);
  }
}

TEST_CASE("a file that is gone or became shorter is an error that names it") {
  const test_support::ScratchFolder files;
  TreeEntry file{.path = "gone", .mode = 0644, .size = 10, .link_target = {}};
  const Packed gone({{file, files / "gone"}}, ZipCompression::none);
  REQUIRE_FALSE(gone.result.has_value());
  CHECK(gone.result.error().message.find("\"gone\"") != std::string::npos);
  const Packed shorter({{file, files.write("short", "abc")}}, ZipCompression::none);
  REQUIRE_FALSE(shorter.result.has_value());
  CHECK(shorter.result.error().message.find("became shorter") != std::string::npos);
}
