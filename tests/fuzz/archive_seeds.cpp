// archive_seeds FOLDER: writes the seed corpora of the archive fuzzers, FOLDER/zip and FOLDER/tar.
#include "tests/support/tar_builder.hpp"
#include "tests/support/zip_builder.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace {

void write(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path zips = std::filesystem::path(argv[1]) / "zip";
  const std::filesystem::path tars = std::filesystem::path(argv[1]) / "tar";
  using test_support::TarBuilder;
  using test_support::ZipBuilder;
  const std::string text(300, 'x');

  write(zips / "stored", ZipBuilder().file("a", "hello").build());
  write(zips / "mixed", ZipBuilder()
                            .directory("d", 0711)
                            .deflated("d/a", text)
                            .symlink("l", "d/a")
                            .file("e/f/g", "x", 0755)
                            .build());
  write(zips / "comment",
        ZipBuilder().prepend("#!/bin/sh\n").deflated("a", text).comment("c").build());
  write(zips / "duplicate", ZipBuilder().file("a", "1").file("./a", "2").symlink("a", "b").build());
  ZipBuilder large;
  large.deflated("a", text).last().zip64 = true;
  write(zips / "zip64", large.zip64_end().build());
  write(zips / "escape", ZipBuilder().file("../a", "x").build());

  const std::string tar = TarBuilder()
                              .directory("d", 0500)
                              .file("d/a", text)
                              .symlink("l", "d")
                              .hard_link("h", "d/a")
                              .pax("path", "long/name")
                              .file("short", "x")
                              .file("d/a", "again")
                              .build();
  write(tars / "plain", tar);
  write(tars / "gzip", TarBuilder::gzip(tar));
  write(tars / "zstd", TarBuilder::zstd(tar));
  write(tars / "sparse", TarBuilder()
                             .pax("GNU.sparse.map", "0,1,100,1")
                             .pax("GNU.sparse.size", "200")
                             .file("s", "ab")
                             .build());
  write(tars / "escape", TarBuilder().symlink("l", "/tmp").file("l/x", "x").build());
  return 0;
}
