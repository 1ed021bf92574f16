#include "layers/zip_reader.hpp"

#include "tests/support/ok.hpp"
#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using layers::MemorySource;
using layers::TreeEntry;
using test_support::ZipBuilder;
using test_support::ZipEntrySpec;

using test_support::ok;

namespace {

base::Result<layers::ZipContents> contents_of(const std::string& zip) {
  const MemorySource source(zip.data(), zip.size());
  return layers::read_zip_contents(source);
}

/// By the way that members of any size can go; what it gave is added to `content`.
base::Result<void> read_in_pieces(layers::ZipMemberReader& reader, const layers::ZipMember& member,
                                  std::string& content) {
  return reader.read_in_pieces(
      member, [&content](std::span<const unsigned char> piece) -> base::Result<void> {
        content.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return {};
      });
}

/// The first error of reading everything, or empty. Whole, in pieces, and together with its
/// neighbours, all is the same.
std::string error_of(const std::string& zip) {
  const MemorySource source(zip.data(), zip.size());
  auto contents = layers::read_zip_contents(source);
  if (!contents) return contents.error().message;
  layers::ZipMemberReader reader(source, contents->data_end);
  layers::ZipMemberReader together(source, contents->data_end);
  std::vector<layers::ZipMember*> neighbours;
  for (auto& member : contents->members) neighbours.push_back(&member);
  together.fetch(neighbours);
  for (const auto& member : contents->members) {
    std::string pieces;
    const auto in_pieces = read_in_pieces(reader, member, pieces);
    const auto content = reader.read(member);
    CHECK(ok(content) == ok(in_pieces));
    const auto fetched = together.read(member);
    CHECK(ok(fetched) == ok(content));
    if (!content) return content.error().message;
    CHECK(pieces ==
          std::string_view(reinterpret_cast<const char*>(content->data()), content->size()));
    CHECK(std::ranges::equal(*fetched, *content));
  }
  return {};
}

std::string content_of_first(const std::string& zip) {
  const MemorySource source(zip.data(), zip.size());
  const auto contents = layers::read_zip_contents(source);
  REQUIRE(ok(contents));
  REQUIRE(!contents->members.empty());
  layers::ZipMemberReader reader(source, contents->data_end);
  const auto content = reader.read(contents->members.front());
  REQUIRE_MESSAGE(ok(content), content.error().message);
  return {reinterpret_cast<const char*>(content->data()), content->size()};
}

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

ZipEntrySpec spec(std::string name, std::string content) {
  ZipEntrySpec entry;
  entry.name = std::move(name);
  entry.content = std::move(content);
  return entry;
}

}  // namespace

TEST_CASE("stored and deflated members come out as they went in") {
  CHECK(content_of_first(ZipBuilder().file("a", "hello").build()) == "hello");
  const std::string large(300'000, 'x');
  CHECK(content_of_first(ZipBuilder().deflated("a", large).build()) == large);
  CHECK(content_of_first(ZipBuilder().file("a", "").build()).empty());
  CHECK(content_of_first(ZipBuilder().deflated("a", "").build()).empty());
}

TEST_CASE("what is larger than every buffer comes out in pieces as it went in") {
  std::string noise;
  for (unsigned i = 0; noise.size() < 1'500'000; i = i * 1664525 + 1013904223)
    noise += i % 3 == 0 ? std::to_string(i) : std::string(i % 40, 'a');
  ZipEntrySpec odd_name = spec("./d//deflated", noise);
  odd_name.deflated = true;
  const std::string zip = ZipBuilder()
                              .deflated("deflated", noise)
                              .file("stored", noise)
                              .deflated("zeros", std::string(4'000'000, '\0'))
                              .deflated("exact", noise.substr(0, 256 << 10))
                              .deflated("empty", "")
                              .add(odd_name)
                              .build();
  CHECK(error_of(zip).empty());
}

TEST_CASE("a stream that goes on after the stated size is stopped there") {
  ZipEntrySpec bomb = spec("bomb", std::string(8 << 20, 'x'));
  bomb.deflated = true;
  bomb.size = 1 << 20;
  const std::string zip = ZipBuilder().add(bomb).build();
  const MemorySource source(zip.data(), zip.size());
  const auto contents = layers::read_zip_contents(source);
  REQUIRE(ok(contents));
  layers::ZipMemberReader reader(source, contents->data_end);
  std::string content;
  const auto read = read_in_pieces(reader, contents->members.front(), content);
  REQUIRE(!read);
  CHECK(mentions(read.error().message, "is not as large as it states"));
  CHECK(content.size() <= 1 << 20);
}

TEST_CASE("zip64 sizes, offsets and end records are read") {
  auto entry = spec("a", "hello");
  entry.zip64 = true;
  CHECK(content_of_first(ZipBuilder().add(entry).build()) == "hello");
  CHECK(content_of_first(ZipBuilder().add(entry).zip64_end().build()) == "hello");
  CHECK(content_of_first(ZipBuilder().prepend("#!/bin/sh\n").add(entry).zip64_end().build()) ==
        "hello");
}

TEST_CASE("a comment and bytes in front do no harm") {
  CHECK(content_of_first(ZipBuilder().file("a", "x").comment(std::string(60'000, 'c')).build()) ==
        "x");
  CHECK(content_of_first(ZipBuilder().file("a", "x").prepend(std::string(5000, '#')).build()) ==
        "x");
  CHECK(content_of_first(ZipBuilder().file("a", "x").comment("PK\x05\x06 not it").build()) == "x");
}

TEST_CASE("many neighbours, with gaps and in any order, are read in one go as one by one") {
  ZipBuilder neighbours;
  for (int i = 0; i < 200; ++i)
    neighbours.file("f" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 7, 'a'));
  CHECK(error_of(neighbours.build()).empty());
  ZipBuilder far_apart;
  far_apart.file("first", "1").file("big", std::string(3u << 20, 'b')).file("last", "2");
  CHECK(error_of(far_apart.build()).empty());
}

TEST_CASE("an empty zip is an empty tree") {
  const auto contents = contents_of(ZipBuilder().build());
  REQUIRE(ok(contents));
  CHECK(contents->members.empty());
  CHECK(contents->directories.empty());
}

TEST_CASE("unix modes are kept, without setuid, setgid and sticky bits") {
  const auto contents = contents_of(
      ZipBuilder().file("run", "", 04755).file("secret", "", 0600).directory("d", 01777).build());
  REQUIRE(ok(contents));
  CHECK(contents->members[0].entry.mode == 0755);
  CHECK(contents->members[1].entry.mode == 0600);
  CHECK(contents->directories[0].mode == 0777);
}

TEST_CASE("a zip without unix modes gives 0644 and 0755") {
  auto dos = spec("a", "x");
  dos.made_by = 0;
  auto no_mode = spec("b", "x");
  no_mode.unix_mode = 0;
  auto folder = spec("d/", "");
  folder.made_by = 0;
  folder.unix_mode = 0040700;
  const auto contents = contents_of(ZipBuilder().add(dos).add(no_mode).add(folder).build());
  REQUIRE(ok(contents));
  CHECK(contents->members[0].entry.mode == 0644);
  CHECK(contents->members[1].entry.mode == 0644);
  CHECK(contents->directories[0].mode == 0755);
}

TEST_CASE("DOS times are taken as UTC; impossible ones as 1980") {
  const auto contents = contents_of(ZipBuilder().file("a", "x").build());
  REQUIRE(ok(contents));
  CHECK(contents->members[0].entry.mtime == 1592224210);
  auto odd = spec("a", "x");
  odd.dos_date = 0;
  odd.dos_time = 0;
  CHECK(contents_of(ZipBuilder().add(odd).build())->members[0].entry.mtime == 315532800);
}

TEST_CASE("the last entry of a name wins") {
  const auto contents = contents_of(ZipBuilder()
                                        .file("a", "first")
                                        .file("./a", "second", 0600)
                                        .directory("b")
                                        .symlink("b", "a")
                                        .build());
  REQUIRE(ok(contents));
  REQUIRE(contents->members.size() == 2);
  CHECK(contents->members[0].entry.size == 6);
  CHECK(contents->members[0].entry.mode == 0600);
  CHECK(contents->members[1].entry.type == TreeEntry::Type::symlink);
  CHECK(contents->directories.empty());
}

TEST_CASE("folders without an entry are 0755 and implicit") {
  const auto contents = contents_of(ZipBuilder().file("a/b/c", "x").directory("a", 0700).build());
  REQUIRE(ok(contents));
  REQUIRE(contents->directories.size() == 2);
  CHECK(contents->directories[0].path == "a");
  CHECK(!contents->directories[0].implicit);
  CHECK(contents->directories[0].mode == 0700);
  CHECK(contents->directories[1].path == "a/b");
  CHECK(contents->directories[1].implicit);
  CHECK(contents->directories[1].mode == 0755);
}

TEST_CASE("nothing may lie below a symbolic link or a file") {
  CHECK(mentions(error_of(ZipBuilder().symlink("a", "/etc").file("a/passwd", "x").build()),
                 "\"a/passwd\" leaves the archive through the symbolic link \"a\""));
  CHECK(mentions(error_of(ZipBuilder().file("a/b/c", "x").symlink("a", "..").build()),
                 "through the symbolic link"));
  CHECK(mentions(error_of(ZipBuilder().file("a", "x").file("a/b", "x").build()),
                 "\"a\" is both a file and a folder"));
  // A directory that takes the link's place later is fine.
  CHECK(error_of(ZipBuilder().symlink("a", "b").directory("a").file("a/b", "x").build()).empty());
}

TEST_CASE("symbolic links may dangle and point anywhere") {
  CHECK(content_of_first(ZipBuilder().symlink("a", "/nowhere/../at/all").build()) ==
        "/nowhere/../at/all");
}

TEST_CASE("lies and damage are errors that name the entry") {
  const auto with = [](auto change) {
    auto entry = spec("python/x.py", std::string(1000, 'x'));
    entry.deflated = true;
    change(entry);
    return error_of(ZipBuilder().add(entry).build());
  };
  const auto names_it = [](const std::string& error, std::string_view reason) {
    return mentions(error, "\"python/x.py\"") && mentions(error, reason) &&
           mentions(error,
                    "Could not unzip uploaded file. Please check your file, then try to "
                    "upload again.");
  };
  CHECK(with([](ZipEntrySpec&) {}).empty());
  CHECK(names_it(with([](auto& e) { e.crc = 1; }), "wrong CRC-32"));
  CHECK(names_it(with([](auto& e) { e.flags = 1; }), "encrypted"));
  CHECK(names_it(with([](auto& e) { e.method = 12; }), "method 12"));
  CHECK(names_it(with([](auto& e) { e.size = 999; }), "not as large as it states"));
  CHECK(names_it(with([](auto& e) { e.size = 1001; }), "not as large as it states"));
  CHECK(names_it(with([](auto& e) { e.size = 100'000'000; }), "not as large as it states"));
  CHECK(names_it(with([](auto& e) { e.packed = "\xff\xff\xff\xff"; }), "broken deflate data"));
  CHECK(names_it(with([](auto& e) { e.compressed_size = 3; }), "broken deflate data"));
  CHECK(names_it(with([](auto& e) { e.compressed_size = 5000; }), "past the end"));
  CHECK(names_it(with([](auto& e) { e.offset = 4000; }), "past the end"));
  CHECK(names_it(with([](auto& e) { e.offset = 1; }), "broken local header"));
  CHECK(names_it(with([](auto& e) { e.local_signature = 0; }), "broken local header"));
  CHECK(names_it(with([](auto& e) { e.local_name = "python/y.py"; }), "another name"));
  CHECK(names_it(with([](auto& e) {
                   e.deflated = false;
                   e.size = 10;
                 }),
                 "two different sizes"));
  CHECK(names_it(with([](auto& e) { e.unix_mode = 0020666; }), "device, socket or fifo"));
  CHECK(names_it(with([](auto& e) { e.unix_mode = 0010666; }), "device, socket or fifo"));
}

TEST_CASE("a zip cut short anywhere is an error, never a crash") {
  const std::string zip =
      ZipBuilder().deflated("a/b", std::string(500, 'x')).symlink("l", "b").zip64_end().build();
  for (std::size_t size = 0; size < zip.size(); ++size) {
    CAPTURE(size);
    CHECK(!error_of(zip.substr(0, size)).empty());
  }
}

TEST_CASE("any single flipped byte is read as something or refused") {
  const std::string zip =
      ZipBuilder().deflated("a/b", std::string(200, 'x')).directory("d").build();
  for (std::size_t at = 0; at < zip.size(); ++at) {
    for (const int change : {1, 0x80, 0xff}) {
      std::string damaged = zip;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      static_cast<void>(error_of(damaged));
    }
  }
}

TEST_CASE("what is stated to unpack past the limit is refused before anything is unpacked") {
  ZipBuilder zip;
  for (int i = 0; i < 3; ++i) {
    auto entry = spec("f" + std::to_string(i), "x");
    entry.size = 100'000'000;
    zip.add(entry);
  }
  CHECK(mentions(error_of(zip.build()), "Unzipped size must be smaller than 262144000 bytes"));
  auto huge = spec("f", "x");
  huge.zip64 = true;
  huge.size = 0xffff'ffff'ffff'ffff;
  CHECK(mentions(error_of(ZipBuilder().add(huge).file("g", "x").build()),
                 "Unzipped size must be smaller than 262144000 bytes"));
}

TEST_CASE("a wrong number of entries is refused") {
  CHECK(mentions(error_of(ZipBuilder().file("a", "x").claim_entries(2).build()), "entries"));
}
