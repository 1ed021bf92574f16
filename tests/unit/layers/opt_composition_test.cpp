#include "layers/opt_composition.hpp"

#include "tests/support/ok.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

using layers::LayerStore;
using layers::OptComposition;
using layers::OptMode;
using layers::PreparedTree;
using test_support::content_of;
using test_support::message_of;
using test_support::mode_of;
using test_support::ok;
using test_support::ScratchFolder;
using test_support::ZipBuilder;

namespace {

struct Fixture {
  Fixture() : store(*LayerStore::open(scratch / "store")) {}

  void layer(const std::string& name, const ZipBuilder& zip) {
    add(scratch.write(name + ".zip", zip.build()));
  }
  void add(const std::string& reference) {
    auto tree = store.prepare(reference, layers::PackageKind::layer);
    REQUIRE_MESSAGE(ok(tree), message_of(tree));
    stack.push_back(std::move(*tree));
  }
  OptComposition composed(OptMode mode) {
    auto opt = layers::compose_opt(stack, store, mode);
    REQUIRE_MESSAGE(ok(opt), message_of(opt));
    return std::move(*opt);
  }

  ScratchFolder scratch;
  LayerStore store;
  std::vector<PreparedTree> stack;
};

}  // namespace

TEST_CASE("no layers are no lowers, one is itself, several are stacked in order") {
  Fixture f;
  CHECK(f.composed(OptMode::overlay).lowers.empty());
  CHECK(f.composed(OptMode::copy).lowers.empty());
  f.layer("a", ZipBuilder().file("a", "x"));
  CHECK(f.composed(OptMode::overlay).lowers == std::vector{f.stack[0].tree});
  CHECK(f.composed(OptMode::copy).lowers == std::vector{f.stack[0].tree});
  f.layer("b", ZipBuilder().file("b", "x"));
  const auto opt = f.composed(OptMode::overlay);
  CHECK(opt.lowers == std::vector{f.stack[0].tree, f.stack[1].tree});
  CHECK(!opt.has_mode_cover);
}

TEST_CASE("an implicit folder takes the mode of the folder it covers") {
  Fixture f;
  f.layer("a", ZipBuilder().directory("python", 0711).file("python/a", "x"));
  f.layer("b", ZipBuilder().file("python/b", "x"));
  for (int round = 0; round < 2; ++round) {  // made, then remembered
    const auto opt = f.composed(OptMode::overlay);
    REQUIRE(opt.lowers.size() == 3);
    CHECK(opt.has_mode_cover);
    CHECK(mode_of(opt.lowers[2] / "python") == 0711);
    CHECK(mode_of(opt.lowers[2]) == 0755);
    CHECK(fs::is_empty(opt.lowers[2] / "python"));
  }
  CHECK(mode_of(f.composed(OptMode::copy).lowers[0] / "python") == 0711);
}

TEST_CASE("a cover is made only when a mode really differs") {
  Fixture f;
  f.layer("a", ZipBuilder().directory("other", 0711).directory("python"));
  f.layer("b", ZipBuilder().file("python/b", "x"));
  for (int round = 0; round < 2; ++round) CHECK(f.composed(OptMode::overlay).lowers.size() == 2);
}

TEST_CASE("a private folder in place still gives a public /opt") {
  Fixture f;
  f.scratch.write("layer/a", "x");
  ::chmod((f.scratch / "layer").c_str(), 0700);
  f.add(f.scratch / "layer");
  const auto opt = f.composed(OptMode::overlay);
  REQUIRE(opt.lowers.size() == 2);
  CHECK(mode_of(opt.lowers[1]) == 0755);
  CHECK(mode_of(f.composed(OptMode::copy).lowers[0]) == 0755);
}

TEST_CASE("the merged tree has the upper files, links to the store, and is kept") {
  Fixture f;
  f.layer("a",
          ZipBuilder().file("d/x", "low").file("d/y", "low").directory("gone").file("gone/z", "z"));
  f.layer("b", ZipBuilder().file("d/x", "top", 0755).symlink("gone", "d"));
  const auto opt = f.composed(OptMode::copy);
  REQUIRE(opt.lowers.size() == 1);
  CHECK(content_of(opt.lowers[0] / "d/x") == "top");
  CHECK(mode_of(opt.lowers[0] / "d/x") == 0755);
  CHECK(content_of(opt.lowers[0] / "d/y") == "low");
  CHECK(fs::read_symlink(opt.lowers[0] / "gone") == "d");
  CHECK(fs::hard_link_count(f.stack[0].tree / "d/y") == 2);
  CHECK(f.composed(OptMode::copy).lowers == opt.lowers);
  const std::vector<PreparedTree> reversed{f.stack[1], f.stack[0]};
  const auto other = layers::compose_opt(reversed, f.store, OptMode::copy);
  REQUIRE(ok(other));
  CHECK(content_of(other->lowers[0] / "d/x") == "low");
}

TEST_CASE("an edited folder is merged anew and never linked") {
  Fixture f;
  const std::string file = f.scratch.write("layer/a", "1");
  f.add(f.scratch / "layer");
  f.layer("b", ZipBuilder().file("b", "x"));
  for (char digit = '1'; digit <= '5'; ++digit) {
    f.scratch.write("layer/a", std::string(1, digit));
    CHECK(content_of(f.composed(OptMode::copy).lowers[0] / "a") == std::string(1, digit));
  }
  CHECK(fs::hard_link_count(file) == 1);
  ::usleep(30'000);
  const auto settled = f.composed(OptMode::copy);
  CHECK(f.composed(OptMode::copy).lowers == settled.lowers);
}

TEST_CASE("merged trees are collected when they are not used any more") {
  Fixture f;
  f.layer("a", ZipBuilder().directory("d", 0511).file("d/a", "x"));
  f.layer("b", ZipBuilder().file("b", "x"));
  const auto opt = f.composed(OptMode::copy);
  const auto kept = f.store.collect_garbage(std::chrono::hours(1));
  REQUIRE_MESSAGE(ok(kept), message_of(kept));
  CHECK(fs::exists(opt.lowers[0]));
  const auto report = f.store.collect_garbage(std::chrono::seconds(-10));
  REQUIRE_MESSAGE(ok(report), message_of(report));
  CHECK(report->trees == 3);
  CHECK(!fs::exists(opt.lowers[0]));
  CHECK(fs::is_empty(f.scratch / "store/manifests"));
}
