#include "diagnosis/package.hpp"

#include "tests/support/ok.hpp"
#include "tests/support/package_builder.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

using namespace diagnosis;

using layers::LayerStore;
using test_support::message_of;
using test_support::ok;
using test_support::PackageBuilder;
using test_support::ScratchFolder;
using test_support::ZipBuilder;

namespace {

LayerStore open_store(const ScratchFolder& scratch) {
  auto store = LayerStore::open(scratch / "store");
  REQUIRE_MESSAGE(ok(store), message_of(store));
  return std::move(*store);
}

Package examined(LayerStore& store, const std::string& reference,
                 layers::PackageKind kind = layers::PackageKind::layer) {
  auto tree = store.prepare(reference, kind);
  REQUIRE_MESSAGE(ok(tree), message_of(tree));
  auto package = examine(store, std::move(*tree));
  REQUIRE_MESSAGE(ok(package), message_of(package));
  return std::move(*package);
}

std::string layer_zip() {
  return ZipBuilder()
      .directory("bin")
      .file("bin/tool", "#!/bin/sh\n", 0755)
      .deflated("python/six-1.16.0.dist-info/METADATA", "Name: six\nVersion: 1.16.0\n")
      .deflated("python/six.py", "__version__ = \"1.16.0\"\n")
      .build();
}

}  // namespace

TEST_CASE("entries are found by their whole path") {
  const Package package = PackageBuilder("a").file("a/b").file("a-b").file("a/b.c").build();
  REQUIRE(package.find("a/b") != nullptr);
  CHECK(package.find("a/b")->path == "a/b");
  CHECK(package.find("a") != nullptr);
  CHECK(package.find("a/") == nullptr);
  CHECK(package.find("") == nullptr);
  CHECK(package.find("zzz") == nullptr);
  CHECK(package.index_of("a/b.c") == 3);
  CHECK_FALSE(package.index_of("a/c"));
}

TEST_CASE("a second examination reads no file of the tree") {
  const ScratchFolder scratch;
  auto store = open_store(scratch);
  const std::string zip = scratch.write("a.zip", layer_zip());
  const Package first = examined(store, zip);
  CHECK(first.facts.scripts.size() == 1);
  REQUIRE(first.facts.distributions.size() == 1);
  CHECK(first.reference() == zip);

  for (const char* file : {"bin/tool", "python/six.py", "python/six-1.16.0.dist-info/METADATA"})
    std::filesystem::remove(first.tree.tree / file);
  auto again = open_store(scratch);
  const Package second = examined(again, zip);
  CHECK(second.tree.origin == layers::Origin::found_in_store);
  CHECK(second.facts.digests == first.facts.digests);
  CHECK(second.facts.scripts.size() == 1);
  REQUIRE(second.facts.distributions.size() == 1);
  CHECK(second.facts.distributions.begin()->second.version == "1.16.0");
}

TEST_CASE("damaged facts are found out again, and kept again") {
  const ScratchFolder scratch;
  auto store = open_store(scratch);
  const std::string zip = scratch.write("a.zip", layer_zip());
  const Package first = examined(store, zip);
  const std::string kept = store.facts(first.tree);
  REQUIRE_FALSE(kept.empty());
  for (const std::string& damaged :
       {std::string(), std::string("garbage"), kept.substr(0, kept.size() / 2), kept + "x"}) {
    store.keep_facts(first.tree, damaged);
    const Package second = examined(store, zip);
    CHECK(second.facts.digests == first.facts.digests);
    CHECK(second.facts.distributions.size() == 1);
    CHECK(store.facts(first.tree) == kept);
  }
}

TEST_CASE("a folder used in place is read each time") {
  const ScratchFolder scratch;
  auto store = open_store(scratch);
  scratch.write("layer/bin/tool", "#!/bin/sh\n", 0755);
  CHECK(examined(store, scratch / "layer").facts.scripts.begin()->second.interpreter_line ==
        "/bin/sh");
  scratch.write("layer/bin/tool", "#!/bin/ss\n", 0755);
  CHECK(examined(store, scratch / "layer").facts.scripts.begin()->second.interpreter_line ==
        "/bin/ss");
  CHECK(std::filesystem::is_empty(scratch / "store/manifests"));
}

TEST_CASE("facts are not kept while a file could not be read") {
  const ScratchFolder scratch;
  auto store = open_store(scratch);
  const std::string zip = scratch.write("a.zip", layer_zip());
  auto tree = store.prepare(zip, layers::PackageKind::layer);
  REQUIRE(ok(tree));
  std::filesystem::rename(tree->tree / "bin/tool", scratch / "tool");
  const auto incomplete = examine(store, *tree);
  REQUIRE(ok(incomplete));
  CHECK(incomplete->facts.scripts.empty());
  CHECK(store.facts(*tree).empty());
  std::filesystem::rename(scratch / "tool", tree->tree / "bin/tool");
  const auto complete = examine(store, *tree);
  REQUIRE(ok(complete));
  CHECK(complete->facts.scripts.size() == 1);
  CHECK_FALSE(store.facts(*tree).empty());
}
