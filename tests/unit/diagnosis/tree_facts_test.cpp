#include "diagnosis/tree_facts.hpp"

#include "tests/support/sealed_facts.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>

using namespace diagnosis;

using test_support::sealed_again;

namespace {

base::Digest digest_of(std::string_view text) {
  return base::sha256(text);
}

/// Something of every kind, for a listing of five entries.
TreeFacts facts_of_everything() {
  TreeFacts facts;
  facts.digests = {base::Digest(), digest_of("a"), digest_of("b"), digest_of("c"), base::Digest()};
  ElfFile& elf = facts.elf_files[1];
  elf.kind = ElfFile::Kind::shared_object;
  elf.architecture = "arm64";
  elf.has_dynamic_section = true;
  elf.interpreter = "/lib/ld.so";
  elf.soname = "libx.so.1";
  elf.needed = {"libc.so.6", "libm.so.6"};
  elf.run_path = "$ORIGIN/../lib";
  elf.run_path_is_rpath = true;
  elf.needed_versions = {{"libc.so.6", "GLIBC_2.28", false}, {"libc.so.6", "GLIBC_2.99", true}};
  elf.defined_versions = {"X_1"};
  facts.elf_files[4];
  facts.scripts[0] = {"/bin/sh -e", true};
  facts.bytecode[2] = {BytecodeFact::Check::by_hash, 0, 0};
  facts.bytecode[3] = {BytecodeFact::Check::by_time, UINT32_MAX, 17};
  facts.distributions[4] = {.name = "six",
                            .version = "1.16.0",
                            .requires_dist = {"idna (<4)"},
                            .requires_python = ">=2.7",
                            .files = {"six.py", "six-1.16.0.dist-info/METADATA"},
                            .top_level = {"six"},
                            .entry_points = "[console_scripts]\n"};
  facts.package_json[2] = "{\"name\":\"x\"}";
  facts.path_files[3] = {"import x", "../y"};
  facts.legacy_namespaces = {0, 4};
  facts.metadata_users = {1};
  facts.six_versions[1] = "1.10.0";
  facts.gems[2] = {"rack", "3.0.8"};
  facts.jars[3] = {"guava", "32.1.2"};
  // Whatever bytes a layer brings.
  facts.scripts[4] = {std::string("\xff\0\n\"", 4), false};
  return facts;
}

}  // namespace

TEST_CASE("facts survive being kept, whatever bytes are in them") {
  const TreeFacts facts = facts_of_everything();
  const std::string bytes = to_bytes(facts);
  const auto again = facts_from_bytes(bytes, 5);
  REQUIRE(again);
  CHECK(again->digests == facts.digests);
  REQUIRE(again->elf_files.size() == 2);
  const ElfFile& elf = again->elf_files.at(1);
  CHECK(elf.kind == ElfFile::Kind::shared_object);
  CHECK(elf.architecture == "arm64");
  CHECK(elf.has_dynamic_section);
  CHECK(elf.interpreter == "/lib/ld.so");
  CHECK(elf.soname == "libx.so.1");
  CHECK(elf.needed == facts.elf_files.at(1).needed);
  CHECK(elf.run_path == "$ORIGIN/../lib");
  CHECK(elf.run_path_is_rpath);
  CHECK(elf.needed_versions == facts.elf_files.at(1).needed_versions);
  CHECK(elf.defined_versions == facts.elf_files.at(1).defined_versions);
  CHECK(again->scripts.at(0).interpreter_line == "/bin/sh -e");
  CHECK(again->scripts.at(0).carriage_return);
  CHECK(again->scripts.at(4).interpreter_line == std::string("\xff\0\n\"", 4));
  CHECK(again->bytecode.at(2).check == BytecodeFact::Check::by_hash);
  CHECK(again->bytecode.at(3).source_mtime == UINT32_MAX);
  CHECK(again->bytecode.at(3).source_size == 17);
  const PythonDistribution& six = again->distributions.at(4);
  CHECK(six.name == "six");
  CHECK(six.version == "1.16.0");
  CHECK(six.requires_dist == std::vector<std::string>{"idna (<4)"});
  CHECK(six.requires_python == ">=2.7");
  CHECK(six.files.size() == 2);
  CHECK(six.top_level == std::vector<std::string>{"six"});
  CHECK(six.entry_points == "[console_scripts]\n");
  CHECK(again->package_json.at(2) == "{\"name\":\"x\"}");
  CHECK(again->path_files.at(3) == std::vector<std::string>{"import x", "../y"});
  CHECK(again->legacy_namespaces == std::vector<TreeFacts::Index>{0, 4});
  CHECK(again->metadata_users == std::vector<TreeFacts::Index>{1});
  CHECK(again->six_versions.at(1) == "1.10.0");
  CHECK(again->gems.at(2).version == "3.0.8");
  CHECK(again->jars.at(3).name == "guava");
  // No field was left out.
  CHECK(to_bytes(*again) == bytes);
}

TEST_CASE("a tree without files has facts, too") {
  CHECK(facts_from_bytes(to_bytes(TreeFacts()), 0));
}

TEST_CASE("facts of another listing do not count") {
  const std::string bytes = to_bytes(facts_of_everything());
  CHECK_FALSE(facts_from_bytes(bytes, 4));
  CHECK_FALSE(facts_from_bytes(bytes, 6));
  CHECK_FALSE(facts_from_bytes(bytes, SIZE_MAX));
  CHECK_FALSE(facts_from_bytes("", 0));
  CHECK_FALSE(facts_from_bytes("lamina-facts 1\n", 0));
}

TEST_CASE("bytes that were cut off or changed anywhere do not count") {
  const std::string bytes = to_bytes(facts_of_everything());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(facts_from_bytes(std::string_view(bytes).substr(0, size), 5));
  CHECK_FALSE(facts_from_bytes(bytes + "x", 5));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    CHECK_FALSE(facts_from_bytes(damaged, 5));
  }
}

TEST_CASE("counts and indices are believed by nobody, not even under a right checksum") {
  const std::string bytes = to_bytes(facts_of_everything());
  for (std::size_t at = std::string_view("lamina-facts 2\n").size(); at + 12 < bytes.size(); ++at)
    for (const std::uint32_t number : {5U, 0x7fff'ffffU, UINT32_MAX}) {
      std::string damaged = bytes;
      std::memcpy(damaged.data() + at, &number, sizeof number);
      const auto facts = facts_from_bytes(sealed_again(damaged), 5);
      if (!facts) continue;
      CHECK(facts->digests.size() == 5);
      for (const auto& [index, elf] : facts->elf_files) CHECK(index < 5);
      for (const auto& [index, jar] : facts->jars) CHECK(index < 5);
      for (const auto index : facts->legacy_namespaces) CHECK(index < 5);
    }
}

TEST_CASE("indices out of range or out of order are damage") {
  const auto accepted = [](TreeFacts facts) {
    facts.digests.resize(2);
    return facts_from_bytes(to_bytes(facts), 2).has_value();
  };
  TreeFacts facts;
  facts.legacy_namespaces = {0, 1};
  facts.metadata_users = {0};
  facts.jars[1] = {};
  CHECK(accepted(facts));
  facts.jars[2] = {};
  CHECK_FALSE(accepted(facts));
  facts.jars.clear();
  facts.legacy_namespaces = {1, 0};
  CHECK_FALSE(accepted(facts));
  facts.legacy_namespaces = {1, 1};
  CHECK_FALSE(accepted(facts));
  facts.legacy_namespaces = {2};
  CHECK_FALSE(accepted(facts));
}

TEST_CASE("a kind that nobody knows is damage") {
  TreeFacts facts;
  facts.digests.resize(1);
  facts.bytecode[0].check = static_cast<BytecodeFact::Check>(3);
  CHECK_FALSE(facts_from_bytes(to_bytes(facts), 1));
  facts.bytecode.clear();
  facts.elf_files[0].kind = static_cast<ElfFile::Kind>(-1);
  CHECK_FALSE(facts_from_bytes(to_bytes(facts), 1));
}
