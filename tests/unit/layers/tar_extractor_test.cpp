#include "layers/layer_store.hpp"
#include "layers/limits.hpp"
#include "tests/support/ok.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/tar_builder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace fs = std::filesystem;

using layers::LayerStore;
using layers::PackageKind;
using test_support::content_of;
using test_support::message_of;
using test_support::mode_of;
using test_support::ok;
using test_support::ScratchFolder;
using test_support::TarBuilder;

namespace {

/// A store of its own for each archive.
struct Unpacked {
  explicit Unpacked(const std::string& archive, PackageKind kind = PackageKind::layer) {
    auto store = LayerStore::open(scratch / "store");
    REQUIRE(ok(store));
    const auto prepared = store->prepare(scratch.write("layer", archive), kind);
    if (prepared) {
      tree = *prepared;
    } else {
      error = prepared.error().message;
      CHECK(fs::is_empty(scratch / "store/tmp"));
      CHECK(fs::is_empty(scratch / "store/trees"));
    }
  }
  std::string at(const std::string& path) const { return (tree.tree / path).string(); }

  ScratchFolder scratch;
  layers::PreparedTree tree;
  std::string error;
};

bool refused_for(const std::string& archive, std::string_view reason) {
  const Unpacked result(archive);
  CAPTURE(result.error);
  return result.error.find(reason) != std::string::npos;
}

}  // namespace

TEST_CASE("plain, gzip and zstd tars give the same tree") {
  const std::string tar = TarBuilder()
                              .directory("./")
                              .directory("./python", 0711)
                              .file("./python/x.py", std::string(200'000, 'x'), 04755)
                              .file("bin/tool", "#!")
                              .symlink("python/y.py", "x.py")
                              .hard_link("python/z.py", "python/x.py")
                              .build();
  for (const std::string& archive : {tar, TarBuilder::gzip(tar), TarBuilder::zstd(tar)}) {
    const Unpacked result(archive);
    REQUIRE(result.error.empty());
    CHECK(content_of(result.at("python/x.py")).size() == 200'000);
    CHECK(mode_of(result.at("python/x.py")) == 0755);
    CHECK(mode_of(result.at("python")) == 0711);
    CHECK(mode_of(result.at("bin")) == 0755);
    CHECK(fs::read_symlink(result.at("python/y.py")) == "x.py");
    CHECK(fs::equivalent(result.at("python/z.py"), result.at("python/x.py")));
    CHECK(result.tree.summary.files == 4);
    CHECK(result.tree.summary.implicit_directories == 1);
    CHECK(result.tree.summary.unpacked_bytes == 400'000 + 2 + 4);
    struct stat status{};
    REQUIRE(::stat(result.at("python/x.py").c_str(), &status) == 0);
    CHECK(status.st_mtim.tv_sec == 1592224210);
  }
}

TEST_CASE("names outside ASCII come through, raw and from pax headers") {
  const Unpacked result(TarBuilder()
                            .pax("path", "d/\xc3\xa9\xe4\xb8\xad")
                            .file("short", "pax")
                            .file("raw-\xff", "latin")
                            .pax("linkpath", "\xc3\xa9")
                            .symlink("link", "x")
                            .build());
  REQUIRE(result.error.empty());
  CHECK(content_of(result.at("d/\xc3\xa9\xe4\xb8\xad")) == "pax");
  CHECK(content_of(result.at("raw-\xff")) == "latin");
  CHECK(fs::read_symlink(result.at("link")).string() == "\xc3\xa9");
}

TEST_CASE("the last entry of a name wins") {
  const Unpacked result(TarBuilder()
                            .file("a", "a long first content")
                            .hard_link("kept", "a")
                            .file("a", "second", 0600)
                            .symlink("l", "a")
                            .directory("l")
                            .file("l/x", "x")
                            .directory("d", 0700)
                            .directory("d", 0711)
                            .build(),
                        PackageKind::code);
  REQUIRE(result.error.empty());
  CHECK(content_of(result.at("a")) == "second");
  CHECK(mode_of(result.at("a")) == 0600);
  CHECK(content_of(result.at("kept")) == "a long first content");
  CHECK(content_of(result.at("l/x")) == "x");
  CHECK(mode_of(result.at("d")) == 0711);
}

TEST_CASE("nothing leaves the tree") {
  CHECK(refused_for(TarBuilder().file("../x", "x").build(), "leaves the archive"));
  CHECK(refused_for(TarBuilder().file("/etc/x", "x").build(), "absolute name"));
  CHECK(refused_for(TarBuilder().symlink("l", "/tmp").file("l/x", "x").build(),
                    "through the symbolic link \"l\""));
  CHECK(refused_for(TarBuilder().hard_link("h", "../../etc/passwd").build(), "leaves the archive"));
  CHECK(refused_for(TarBuilder().hard_link("h", "/etc/passwd").build(), "absolute name"));
  CHECK(refused_for(TarBuilder().hard_link("h", "nowhere").build(), "is a hard link to"));
  CHECK(refused_for(TarBuilder().directory("d").hard_link("h", "d").build(), "is a hard link to"));
  // A hard link to a symbolic link is that link once more, not a way to its target.
  const Unpacked link(TarBuilder().symlink("l", "/etc/passwd").hard_link("h", "l").build());
  REQUIRE(link.error.empty());
  CHECK(fs::read_symlink(link.at("h")) == "/etc/passwd");
}

TEST_CASE("devices and fifos are refused, contradictions too") {
  for (const char type : {'3', '4', '6'})
    CHECK(refused_for(TarBuilder().add(type, "dev").build(), "is a device, socket or fifo"));
  CHECK(refused_for(TarBuilder().file("a", "x").file("a/b", "x").build(),
                    "both a file and a folder"));
  CHECK(
      refused_for(TarBuilder().directory("a").file("a", "x").build(), "both a file and a folder"));
}

TEST_CASE("a tar cut short is refused, packed or not") {
  const std::string tar =
      TarBuilder().file("a", std::string(5000, 'x')).file("b", std::string(5000, 'y')).build();
  for (const std::size_t size :
       {tar.size() - 1024, tar.size() - 3000, std::size_t{512}, std::size_t{700}}) {
    CAPTURE(size);
    CHECK(refused_for(tar.substr(0, size), "Could not unzip uploaded file."));
  }
  for (const std::string& packed : {TarBuilder::gzip(tar), TarBuilder::zstd(tar)})
    for (const std::size_t left : {1u, 9u, 20u, 50u})
      CHECK(refused_for(packed.substr(0, packed.size() - left), "Could not unzip uploaded file."));
  CHECK(refused_for(TarBuilder::gzip("no tar in here"), "Could not unzip uploaded file."));
}

TEST_CASE("a bomb is stopped by what it states, before it is written") {
  CHECK(refused_for(TarBuilder::gzip(TarBuilder().header('0', "bomb", 7'000'000'000).without_end()),
                    "Unzipped size must be smaller than 262144000 bytes"));
  TarBuilder many;
  many.file("a", std::string(1'000'000, 'x'));
  for (int i = 0; i < 300; ++i) many.hard_link("h" + std::to_string(i), "a");
  CHECK(refused_for(many.build(), "Unzipped size must be smaller than 262144000 bytes"));
}

TEST_CASE("a layer whose modes AWS refuses is refused, as code it is taken") {
  const std::string tar = TarBuilder().file("a", "x", 0640).build();
  CHECK(refused_for(tar, "Some files do not have read permissions"));
  CHECK(Unpacked(tar, PackageKind::code).error.empty());
}
