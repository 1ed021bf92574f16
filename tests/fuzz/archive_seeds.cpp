// archive_seeds FOLDER: writes the seed corpora that are no texts, FOLDER/zip, FOLDER/tar and
// FOLDER/package.
#include "diagnosis/tree_facts.hpp"
#include "tests/support/elf_builder.hpp"
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

  // The first byte as package_facts_fuzz has it.
  const std::filesystem::path packages = std::filesystem::path(argv[1]) / "package";
  write(packages / "elf", '\x02' + test_support::ElfBuilder()
                                       .soname("libx.so.1")
                                       .needs("libc.so.6")
                                       .needs_version("libc.so.6", "GLIBC_2.28")
                                       .defines_version("X_1")
                                       .run_path("$ORIGIN")
                                       .build());
  write(
      packages / "jar",
      '\x03' + ZipBuilder()
                   .deflated("META-INF/MANIFEST.MF", "A: 1\r\nImplementation-Version: 2\r\n .3\r\n")
                   .deflated("META-INF/maven/g/x/pom.properties", "version=1\nartifactId=x\n")
                   .build());
  diagnosis::TreeFacts facts;
  facts.digests.resize(4);
  facts.elf_files[0].needed_versions = {{"libc.so.6", "GLIBC_2.28", false}};
  facts.scripts[1] = {"/bin/sh", true};
  facts.bytecode[2] = {};
  facts.distributions[3].files = {"x.py"};
  facts.package_json[0] = "{}";
  facts.path_files[1] = {"import x"};
  facts.legacy_namespaces = {1, 2};
  facts.jars[3] = {"x", "1"};
  write(packages / "facts", '\x06' + diagnosis::to_bytes(facts));
  return 0;
}
