// read_facts() over trees on disk.
#include "diagnosis/package.hpp"
#include "layers/tree_listing.hpp"
#include "tests/support/elf_builder.hpp"
#include "tests/support/ok.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

using namespace diagnosis;

using test_support::ElfBuilder;
using test_support::ok;
using test_support::ScratchFolder;
using test_support::ZipBuilder;

using Lines = std::vector<std::string>;

namespace {

Package read(const ScratchFolder& scratch) {
  Package package;
  auto listing = layers::list_folder(scratch.path().string());
  REQUIRE(ok(listing));
  package.listing = std::move(listing->entries);
  package.facts = read_facts(scratch.path(), package.listing);
  CHECK(package.facts.digests.size() == package.listing.size());
  return package;
}

/// The fact of one path; null when it has none.
template <typename Fact>
const Fact* fact(const Package& package, const std::map<TreeFacts::Index, Fact>& facts,
                 const std::string& path) {
  const auto index = package.index_of(path);
  REQUIRE(index);
  const auto found = facts.find(*index);
  return found == facts.end() ? nullptr : &found->second;
}

bool holds(const Package& package, const std::vector<TreeFacts::Index>& indices,
           const std::string& path) {
  return std::find(indices.begin(), indices.end(), package.index_of(path)) != indices.end();
}

std::string le32(std::uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

/// A .pyc as PEP 552 has it.
std::string pyc(std::uint32_t flags, std::uint32_t mtime, std::uint32_t size) {
  return std::string("\xa7\x0d\r\n", 4) + le32(flags) + le32(mtime) + le32(size) + "code";
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("every file has the digest of its content, nothing else has one") {
  const ScratchFolder scratch;
  scratch.write("a", "content");
  scratch.write("empty", "");
  scratch.write("d/big", std::string(700'000, 'x'));
  std::filesystem::create_symlink("a", scratch / "link");
  const Package package = read(scratch);
  CHECK(package.facts.digests[*package.index_of("a")] == base::sha256("content"));
  CHECK(package.facts.digests[*package.index_of("empty")] == base::sha256(""));
  CHECK(package.facts.digests[*package.index_of("d/big")] ==
        base::sha256(std::string(700'000, 'x')));
  CHECK(package.facts.digests[*package.index_of("d")] == base::Digest());
  CHECK(package.facts.digests[*package.index_of("link")] == base::Digest());
}

TEST_CASE("more files than a thread takes at once are all read") {
  const ScratchFolder scratch;
  for (int i = 0; i < 500; ++i)
    scratch.write("d" + std::to_string(i % 7) + "/" + std::to_string(i) + ".py",
                  "import " + std::to_string(i) + "\nentry_points()\n");
  const Package package = read(scratch);
  std::size_t files = 0;
  for (std::size_t i = 0; i < package.listing.size(); ++i)
    if (package.listing[i].type == layers::TreeEntry::Type::file) {
      ++files;
      CHECK(package.facts.digests[i] != base::Digest());
    }
  CHECK(files == 500);
  CHECK(package.facts.metadata_users.size() == 500);
  CHECK(std::is_sorted(package.facts.metadata_users.begin(), package.facts.metadata_users.end()));
}

TEST_CASE("scripts name their interpreter, and a carriage return is not a part of it") {
  const ScratchFolder scratch;
  scratch.write("unix", "#!/bin/sh -e\nexit\n");
  scratch.write("windows", "#!/bin/bash\r\nexit\r\n");
  scratch.write("one-line", "#!/usr/bin/env node");
  scratch.write("no-script", "# !/bin/sh\n");
  scratch.write("bare", "#!");
  scratch.write("long", "#!" + std::string(5000, 'x'));
  const Package package = read(scratch);
  const auto& scripts = package.facts.scripts;
  REQUIRE(fact(package, scripts, "unix") != nullptr);
  CHECK(fact(package, scripts, "unix")->interpreter_line == "/bin/sh -e");
  CHECK_FALSE(fact(package, scripts, "unix")->carriage_return);
  CHECK(fact(package, scripts, "windows")->interpreter_line == "/bin/bash");
  CHECK(fact(package, scripts, "windows")->carriage_return);
  CHECK(fact(package, scripts, "one-line")->interpreter_line == "/usr/bin/env node");
  CHECK(fact(package, scripts, "no-script") == nullptr);
  CHECK(fact(package, scripts, "bare")->interpreter_line.empty());
  CHECK(fact(package, scripts, "long")->interpreter_line.size() == 255);
}

TEST_CASE("the head of bytecode tells how it is checked against its source") {
  const ScratchFolder scratch;
  scratch.write("time.pyc", pyc(0, 1592224210, 17));
  scratch.write("hash.pyc", pyc(3, 1, 2));
  scratch.write("never.pyc", pyc(1, 1, 2));
  scratch.write("short.pyc", pyc(0, 0, 0).substr(0, 15));
  scratch.write("other.pyc", "no bytecode at all");
  const Package package = read(scratch);
  const auto& bytecode = package.facts.bytecode;
  REQUIRE(fact(package, bytecode, "time.pyc") != nullptr);
  CHECK(fact(package, bytecode, "time.pyc")->check == BytecodeFact::Check::by_time);
  CHECK(fact(package, bytecode, "time.pyc")->source_mtime == 1592224210);
  CHECK(fact(package, bytecode, "time.pyc")->source_size == 17);
  CHECK(fact(package, bytecode, "hash.pyc")->check == BytecodeFact::Check::by_hash);
  CHECK(fact(package, bytecode, "never.pyc")->check == BytecodeFact::Check::never);
  CHECK(fact(package, bytecode, "short.pyc") == nullptr);
  CHECK(fact(package, bytecode, "other.pyc") == nullptr);
}

TEST_CASE("of a package.json what decides about packages is kept") {
  const ScratchFolder scratch;
  scratch.write("a/package.json",
                R"({"name": "a", "version": "1.0.0", "dependencies": {"b": "^1"},
                    "scripts": {"test": "x"}, "description": "long"})");
  scratch.write("broken/package.json", "{\"name\": ");
  scratch.write("array/package.json", "[]");
  scratch.write("empty/package.json", "");
  scratch.write("bytes/package.json", "{\"name\": \"\xff\"}");
  const Package package = read(scratch);
  const auto& texts = package.facts.package_json;
  REQUIRE(fact(package, texts, "a/package.json") != nullptr);
  CHECK(*fact(package, texts, "a/package.json") ==
        R"({"dependencies":{"b":"^1"},"name":"a","version":"1.0.0"})");
  CHECK(fact(package, texts, "broken/package.json") == nullptr);
  CHECK(fact(package, texts, "array/package.json") == nullptr);
  CHECK(fact(package, texts, "empty/package.json") == nullptr);
  CHECK(fact(package, texts, "bytes/package.json") == nullptr);
}

TEST_CASE("a package.json of any depth is no danger") {
  const ScratchFolder scratch;
  const std::size_t depth = 150'000;
  scratch.write("lists/package.json", "{\"name\": \"x\", \"dependencies\": " +
                                          repeated("[", depth) + repeated("]", depth) + "}");
  scratch.write("objects/package.json",
                "{\"name\": \"y\", \"dependencies\": " + repeated("{\"a\":", depth) + "1" +
                    repeated("}", depth) + "}");
  scratch.write("open/package.json", repeated("[", 1'000'000));
  scratch.write("large/package.json",
                "{\"name\": \"z\", \"dependencies\": \"" + std::string(2 << 20, 'x') + "\"}");
  const Package package = read(scratch);
  const auto& texts = package.facts.package_json;
  REQUIRE(fact(package, texts, "lists/package.json") != nullptr);
  CHECK(fact(package, texts, "lists/package.json")->size() < 1000);
  REQUIRE(fact(package, texts, "objects/package.json") != nullptr);
  CHECK(fact(package, texts, "objects/package.json")->size() < 1000);
  CHECK(fact(package, texts, "open/package.json") == nullptr);
  CHECK(fact(package, texts, "large/package.json") == nullptr);
}

TEST_CASE("names and versions of any length are none") {
  const ScratchFolder scratch;
  const std::string long_text(100'000, 'x');
  scratch.write("package.json", "{\"name\": \"" + long_text + "\", \"version\": \"1\"}");
  scratch.write("six.py", "\n__version__ = \"" + long_text + "\"\n");
  scratch.write("specifications/a-1.gemspec", "s.name = \"" + long_text + "\"");
  scratch.write("x-1.dist-info/METADATA", "Name: " + long_text + "\nVersion: " + long_text + "\n");
  const Package package = read(scratch);
  CHECK(*fact(package, package.facts.package_json, "package.json") == R"({"version":"1"})");
  CHECK(package.facts.six_versions.empty());
  CHECK(fact(package, package.facts.gems, "specifications/a-1.gemspec")->name == "a");
  CHECK(fact(package, package.facts.distributions, "x-1.dist-info")->name == "x");
  CHECK(fact(package, package.facts.distributions, "x-1.dist-info")->version == "1");
}

TEST_CASE("of a .pth file the lines that do something are kept") {
  const ScratchFolder scratch;
  scratch.write("a.pth", "# comment\n\nimport x; x.y()\r\n../other \n");
  scratch.write("b.pth", "");
  const Package package = read(scratch);
  CHECK(*fact(package, package.facts.path_files, "a.pth") == Lines{"import x; x.y()", "../other"});
  CHECK(fact(package, package.facts.path_files, "b.pth")->empty());
}

TEST_CASE("Python sources tell of old namespaces, of metadata and of six") {
  const ScratchFolder scratch;
  scratch.write("a/__init__.py", "__path__ = __import__('pkgutil').extend_path(__path__, 1)\n");
  scratch.write("b/__init__.py", "import pkg_resources; pkg_resources.declare_namespace('b')\n");
  scratch.write("c/__init__.py", "from importlib import metadata\nmetadata.version('c')\n");
  scratch.write("c/extend.py", "extend_path()\n");
  scratch.write("six.py", "import sys\n\n__author__ = \"x\"\n__version__ = \"1.10.0\"\n");
  scratch.write("vendored/six.py", "# no version\n");
  const Package package = read(scratch);
  const TreeFacts& facts = package.facts;
  CHECK(holds(package, facts.legacy_namespaces, "a/__init__.py"));
  CHECK(holds(package, facts.legacy_namespaces, "b/__init__.py"));
  CHECK_FALSE(holds(package, facts.legacy_namespaces, "c/__init__.py"));
  CHECK_FALSE(holds(package, facts.legacy_namespaces, "c/extend.py"));
  CHECK(facts.metadata_users.size() == 1);
  CHECK(holds(package, facts.metadata_users, "c/__init__.py"));
  REQUIRE(fact(package, facts.six_versions, "six.py") != nullptr);
  CHECK(*fact(package, facts.six_versions, "six.py") == "1.10.0");
  CHECK(fact(package, facts.six_versions, "vendored/six.py") == nullptr);
}

TEST_CASE("gems and jars have names and versions") {
  const ScratchFolder scratch;
  scratch.write("ruby/gems/3.3.0/specifications/rack-3.0.8.gemspec",
                "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n"
                "  s.version = \"3.0.8\"\nend\n");
  scratch.write("ruby/gems/3.3.0/specifications/aws-sdk-1.0.gemspec", "# nothing\n");
  scratch.write("ruby/gems/3.3.0/gems/x/x.gemspec", "s.name = \"x\"");
  scratch.write("java/lib/guava-32.1.2.jar", ZipBuilder().file("a.class", "x").build());
  scratch.write("java/lib/broken.jar", "no zip");
  const Package package = read(scratch);
  const auto* rack =
      fact(package, package.facts.gems, "ruby/gems/3.3.0/specifications/rack-3.0.8.gemspec");
  REQUIRE(rack != nullptr);
  CHECK(rack->name == "rack");
  CHECK(rack->version == "3.0.8");
  const auto* sdk =
      fact(package, package.facts.gems, "ruby/gems/3.3.0/specifications/aws-sdk-1.0.gemspec");
  REQUIRE(sdk != nullptr);
  CHECK(sdk->name == "aws-sdk");
  CHECK(sdk->version == "1.0");
  CHECK(package.facts.gems.size() == 2);
  REQUIRE(fact(package, package.facts.jars, "java/lib/guava-32.1.2.jar") != nullptr);
  CHECK(fact(package, package.facts.jars, "java/lib/guava-32.1.2.jar")->version == "32.1.2");
  CHECK(package.facts.jars.size() == 1);
}

TEST_CASE("ELF files are read whatever their names are, broken ones are not") {
  const ScratchFolder scratch;
  const std::string elf = ElfBuilder().soname("libx.so.1").needs("libc.so.6").build();
  scratch.write("lib/libx.so.1", elf);
  scratch.write("bin/tool", elf);
  scratch.write("bin/cut", elf.substr(0, 100));
  scratch.write("bin/head", elf.substr(0, 4));
  const Package package = read(scratch);
  REQUIRE(fact(package, package.facts.elf_files, "lib/libx.so.1") != nullptr);
  CHECK(fact(package, package.facts.elf_files, "lib/libx.so.1")->soname == "libx.so.1");
  CHECK(fact(package, package.facts.elf_files, "bin/tool")->needed == Lines{"libc.so.6"});
  CHECK(fact(package, package.facts.elf_files, "bin/cut") == nullptr);
  CHECK(fact(package, package.facts.elf_files, "bin/head") == nullptr);
}

TEST_CASE("of a RECORD those files are kept that are there, once each") {
  const ScratchFolder scratch;
  scratch.write("python/six.py", "x");
  scratch.write("python/six-1.16.0.dist-info/METADATA", "Name: six\nVersion: 1.16.0\n");
  scratch.write("python/six-1.16.0.dist-info/RECORD",
                "six.py,,\nsix.py,,\ngone.py,,\n../../bin/six,,\nsix-1.16.0.dist-info/RECORD,,\n");
  const Package package = read(scratch);
  const auto* six = fact(package, package.facts.distributions, "python/six-1.16.0.dist-info");
  REQUIRE(six != nullptr);
  CHECK(six->name == "six");
  CHECK(six->files == Lines{"six-1.16.0.dist-info/RECORD", "six.py"});
  CHECK(six->top_level == Lines{"gone", "six"});
}

TEST_CASE("metadata in a file, without a version and in a link") {
  const ScratchFolder scratch;
  scratch.write("a-1.0-py3.11.egg-info", "Name: a\nVersion: 1.0\n");
  scratch.write("b.dist-info/METADATA", "");
  std::filesystem::create_directory_symlink("b.dist-info", scratch / "c-1.dist-info");
  const Package package = read(scratch);
  REQUIRE(fact(package, package.facts.distributions, "a-1.0-py3.11.egg-info") != nullptr);
  CHECK(fact(package, package.facts.distributions, "b.dist-info")->name == "b");
  CHECK(fact(package, package.facts.distributions, "c-1.dist-info") == nullptr);
}

TEST_CASE("one big RECORD under many names does not multiply") {
  const ScratchFolder scratch;
  const std::string hash(500, 'x');
  std::string record;
  for (int i = 0; i < 5000; ++i) record += "p" + std::to_string(i) + ".py,sha256=" + hash + ",1\n";
  scratch.write("RECORD", record);
  for (int i = 0; i < 300; ++i) {
    const std::string name = "x" + std::to_string(i) + "-1.dist-info";
    std::filesystem::create_directory(scratch / name);
    std::filesystem::create_symlink("../RECORD", scratch / (name + "/RECORD"));
  }
  const Package package = read(scratch);
  std::size_t rows = 0;
  for (const auto& [index, distribution] : package.facts.distributions)
    rows += distribution.files.size();
  CHECK(rows <= 600);
}

TEST_CASE("lists of any number of files deep below are not all looked for") {
  const ScratchFolder scratch;
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "d/";
  std::string sources;
  for (int i = 0; i < 50'000; ++i) sources += "x" + std::to_string(i) + ".py\n";
  for (int i = 0; i < 5; ++i) {
    const std::string metadata = deep + "x" + std::to_string(i) + ".egg-info/";
    scratch.write(metadata + "PKG-INFO", "Name: x\nVersion: 1\n");
    scratch.write(metadata + "SOURCES.txt", sources);
  }
  CHECK(read(scratch).facts.distributions.size() <= 5);
}

TEST_CASE("what is gone or cannot be read has no facts") {
  const ScratchFolder scratch;
  scratch.write("a.py", "entry_points()");
  scratch.write("b", "#!/bin/sh\n");
  auto listing = layers::list_folder(scratch.path().string());
  REQUIRE(ok(listing));
  std::filesystem::remove(scratch / "a.py");
  std::filesystem::remove(scratch / "b");
  std::filesystem::create_symlink("/etc/passwd", scratch / "b");
  const TreeFacts facts = read_facts(scratch.path(), listing->entries);
  CHECK(facts.digests == std::vector<base::Digest>(2));
  CHECK(facts.metadata_users.empty());
  CHECK(facts.scripts.empty());
  const TreeFacts nothing = read_facts(scratch / "missing", listing->entries);
  CHECK(nothing.digests == std::vector<base::Digest>(2));
}
