#include "layers/limits.hpp"

#include "tests/support/ok.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using test_support::ok;

namespace {

layers::PreparedTree layer(const std::string& reference, std::uint64_t bytes) {
  layers::PreparedTree tree;
  tree.reference = reference;
  tree.tree = "/trees/" + reference;
  tree.summary.unpacked_bytes = bytes;
  return tree;
}

}  // namespace

TEST_CASE("five layers are accepted, a sixth is refused in AWS's words") {
  CHECK(ok(layers::check_layer_count(5)));
  const auto sixth = layers::check_layer_count(6);
  REQUIRE(!sixth);
  CHECK(sixth.error().kind == base::ErrorKind::limit_exceeded);
  CHECK(layers::aws_sentence(sixth.error()) == "Cannot reference more than 5 layers.");
}

TEST_CASE("the same layer twice is refused, by content or by folder") {
  std::vector<layers::PreparedTree> set{layer("a.zip", 1), layer("b.zip", 1), layer("c.zip", 1)};
  CHECK(ok(layers::check_package_set(set, nullptr)));
  set[0].digest = set[2].digest = base::sha256("same");
  const auto twice = layers::check_package_set(set, nullptr);
  REQUIRE(!twice);
  CHECK(twice.error().kind == base::ErrorKind::invalid_argument);
  CHECK(layers::aws_sentence(twice.error()) ==
        "Two different versions of the same layer are not allowed to be referenced in the same "
        "function. a.zip and c.zip are versions of the same layer.");
  set[2].digest = base::sha256("other");
  CHECK(ok(layers::check_package_set(set, nullptr)));
  set[1].digest.reset();
  set.push_back(set[1]);
  CHECK(!layers::check_package_set(set, nullptr));
}

TEST_CASE("layers, and code with layers, have one limit together") {
  const std::vector<layers::PreparedTree> set{layer("a", 200'000'000), layer("b", 62'144'000)};
  CHECK(ok(layers::check_package_set(set, nullptr)));
  const auto code = layer("fn", 1);
  const auto over = layers::check_package_set(set, &code);
  REQUIRE(!over);
  CHECK(layers::aws_sentence(over.error()) ==
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
        "The actual size is 262144001 bytes.");
  const std::vector<layers::PreparedTree> large{layer("a", 200'000'000), layer("b", 62'144'001)};
  const auto layers_alone = layers::check_package_set(large, &code);
  REQUIRE(!layers_alone);
  CHECK(layers::aws_sentence(layers_alone.error()) ==
        "Layers consume more than the available size of 262144000 bytes");
}

TEST_CASE("modes that AWS refuses are refused in layers, not in code") {
  layers::TreeSummary summary;
  summary.unreadable_files = {.count = 3, .example = "python/x.py"};
  CHECK(ok(layers::check_package(summary, layers::PackageKind::code)));
  const auto files = layers::check_package(summary, layers::PackageKind::layer);
  REQUIRE(!files);
  CHECK(files.error().message.starts_with("python/x.py and 2 more lack o+r: Layer conversion"));
  CHECK(layers::aws_sentence(files.error()) ==
        "Layer conversion failed: Some files do not have read permissions");
  summary.unreadable_files = {};
  summary.unsearchable_directories = {.count = 1, .example = "python"};
  const auto folders = layers::check_package(summary, layers::PackageKind::layer);
  REQUIRE(!folders);
  CHECK(layers::aws_sentence(folders.error()) ==
        "Layer conversion failed: Some directories do not have execute permissions");
}

TEST_CASE("a package of exactly the limit is accepted, one byte more is not") {
  layers::TreeSummary summary;
  summary.unpacked_bytes = 262'144'000;
  CHECK(ok(layers::check_package(summary, layers::PackageKind::code)));
  ++summary.unpacked_bytes;
  CHECK(layers::aws_sentence(layers::check_package(summary, layers::PackageKind::code).error()) ==
        "Unzipped size must be smaller than 262144000 bytes");
}

TEST_CASE("a message without AWS's words has no AWS sentence") {
  CHECK(!layers::aws_sentence({base::ErrorKind::io_error, "disk full"}));
}
