#include "diagnosis/elf_file.hpp"

#include "base/unique_fd.hpp"
#include "tests/support/elf_builder.hpp"
#include "tests/support/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

using diagnosis::elf_architecture;
using diagnosis::ElfFile;
using diagnosis::read_elf;
using test_support::ElfBuilder;
using test_support::ScratchFolder;

namespace {

using Strings = std::vector<std::string>;

/// "library version", with a "?" for weak ones.
Strings shown(const std::vector<ElfFile::NeededVersion>& versions) {
  Strings text;
  for (const auto& needed : versions)
    text.push_back(needed.library + " " + needed.version + (needed.weak ? "?" : ""));
  return text;
}

std::optional<ElfFile> read_file(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return read_elf(file.get());
}

/// The bytes of what the host's compiler makes of `source`; nothing where there is none.
std::optional<std::string> compiled(const ScratchFolder& folder, const std::string& source,
                                    const std::string& options) {
  folder.write("source.c", source);
  const std::string command =
      "cd " + folder.path().string() + " && cc source.c -o out " + options + " >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0) return std::nullopt;
  return test_support::content_of(folder / "out");
}

std::optional<std::string> compiled_library(const ScratchFolder& folder,
                                            const std::string& more_options = "") {
  return compiled(folder, "#include <stdio.h>\nint f(void) { return puts(\"f\"); }\n",
                  "-shared -fPIC -Wl,-soname,libreal.so.7 -Wl,-rpath,'$ORIGIN/../lib' "
                  "-Wl,--enable-new-dtags " +
                      more_options);
}

bool mentions_libc(const ElfFile& file) {
  return std::any_of(file.needed_versions.begin(), file.needed_versions.end(), [](const auto& it) {
    return it.library == "libc.so.6" && it.version.starts_with("GLIBC_2.");
  });
}

std::string without_section_headers(std::string elf) {
  // e_shoff and, after e_phnum, e_shentsize, e_shnum and e_shstrndx of ELF64.
  std::fill_n(elf.begin() + 40, 8, '\0');
  std::fill_n(elf.begin() + 58, 6, '\0');
  return elf;
}

ElfBuilder full_builder() {
  return ElfBuilder()
      .soname("libx.so.1")
      .needs("libm.so.6")
      .needs("libc.so.6")
      .run_path("$ORIGIN/lib:/opt/lib")
      .needs_version("libm.so.6", "GLIBC_2.29")
      .needs_version("libc.so.6", "GLIBC_2.34")
      .needs_version_weakly("libc.so.6", "GLIBC_2.2.5")
      .defines_version("X_2")
      .defines_version("X_1");
}

}  // namespace

TEST_CASE("a library made by a compiler says what it is and needs") {
  const ScratchFolder folder;
  const auto bytes = compiled_library(folder);
  if (!bytes) {
    MESSAGE("skipped: the host has no C compiler.");
    return;
  }
  for (const auto& file : {read_file(folder / "out"), read_elf(*bytes)}) {
    REQUIRE(file);
    CHECK(file->kind == ElfFile::Kind::shared_object);
    CHECK(file->has_dynamic_section);
    CHECK(file->interpreter == "");
    CHECK(file->soname == "libreal.so.7");
    CHECK(file->needed == Strings{"libc.so.6"});
    CHECK(file->run_path == "$ORIGIN/../lib");
    CHECK_FALSE(file->run_path_is_rpath);
    CHECK(mentions_libc(*file));
    CHECK(file->defined_versions.empty());
  }
}

TEST_CASE("section headers are not needed") {
  const ScratchFolder folder;
  const auto bytes = compiled_library(folder, "-s");
  if (!bytes) {
    MESSAGE("skipped: the host has no C compiler.");
    return;
  }
  const auto file = read_elf(without_section_headers(*bytes));
  REQUIRE(file);
  CHECK(file->soname == "libreal.so.7");
  CHECK(file->needed == Strings{"libc.so.6"});
  CHECK(mentions_libc(*file));
}

TEST_CASE("programs of a compiler are programs, position-independent or static or neither") {
  const ScratchFolder folder;
  const std::string source = "int main(void) { return 0; }\n";
  if (!compiled(folder, source, "")) {
    MESSAGE("skipped: the host has no C compiler.");
    return;
  }
  for (const char* options : {"-pie -fPIE", "-no-pie", "-static", "-static-pie -fPIE"}) {
    CAPTURE(options);
    const auto bytes = compiled(folder, source, options);
    if (!bytes) continue;
    const auto file = read_elf(*bytes);
    REQUIRE(file);
    CHECK(file->kind == ElfFile::Kind::program);
    const bool is_static = std::string(options).starts_with("-static");
    CHECK(file->interpreter.empty() == is_static);
    CHECK(file->needed.empty() == is_static);
  }
}

TEST_CASE("what is linked with old tags has an RPATH") {
  const ScratchFolder folder;
  const auto bytes = compiled_library(folder, "-Wl,--disable-new-dtags");
  if (!bytes) {
    MESSAGE("skipped: the host has no C compiler.");
    return;
  }
  const auto file = read_elf(*bytes);
  REQUIRE(file);
  CHECK(file->run_path == "$ORIGIN/../lib");
  CHECK(file->run_path_is_rpath);
}

TEST_CASE("the machine in the header is the architecture") {
  const ScratchFolder folder;
  auto bytes = compiled_library(folder).value_or(full_builder().build());
  const auto as_machine = [&bytes](unsigned machine) {
    bytes[18] = static_cast<char>(machine & 0xff);
    bytes[19] = static_cast<char>(machine >> 8);
    const auto file = read_elf(bytes);
    CHECK(elf_architecture(bytes.substr(0, 64)) == (file ? file->architecture : "nothing"));
    return file ? file->architecture : "nothing";
  };
  CHECK(as_machine(EM_X86_64) == "x86_64");
  CHECK(as_machine(EM_AARCH64) == "arm64");
  CHECK(as_machine(EM_RISCV) == "riscv64");
  CHECK(as_machine(EM_PPC64) == "ppc64le");
  CHECK(as_machine(12345) == "12345");
}

TEST_CASE("files of other widths and byte orders are read alike") {
  for (const bool narrow : {false, true}) {
    for (const bool big_endian : {false, true}) {
      CAPTURE(narrow);
      CAPTURE(big_endian);
      ElfBuilder builder = full_builder();
      if (narrow) builder.narrow();
      if (big_endian) builder.big_endian();
      const auto file = read_elf(builder.build());
      REQUIRE(file);
      CHECK(file->kind == ElfFile::Kind::shared_object);
      CHECK(file->soname == "libx.so.1");
      CHECK(file->needed == Strings{"libm.so.6", "libc.so.6"});
      CHECK(file->run_path == "$ORIGIN/lib:/opt/lib");
      CHECK(shown(file->needed_versions) ==
            Strings{"libc.so.6 GLIBC_2.2.5?", "libc.so.6 GLIBC_2.34", "libm.so.6 GLIBC_2.29"});
      CHECK(file->defined_versions == Strings{"X_1", "X_2"});
    }
  }
  CHECK(read_elf(ElfBuilder().machine(EM_S390).big_endian().build())->architecture == "s390x");
  CHECK(read_elf(ElfBuilder().machine(EM_386).narrow().build())->architecture == "i386");
  CHECK(read_elf(ElfBuilder().narrow().build())->architecture == "x32");
}

TEST_CASE("an interpreter makes a program, unless others need it by a name") {
  const auto kind_of = [](const ElfBuilder& builder) { return read_elf(builder.build())->kind; };
  const std::string loader = "/lib64/ld-linux-x86-64.so.2";
  CHECK(kind_of(ElfBuilder().interpreter(loader)) == ElfFile::Kind::program);
  CHECK(kind_of(ElfBuilder().interpreter(loader).soname("libc.so.6")) ==
        ElfFile::Kind::shared_object);
  CHECK(kind_of(ElfBuilder().pie()) == ElfFile::Kind::program);
  CHECK(kind_of(ElfBuilder()) == ElfFile::Kind::shared_object);
  CHECK(kind_of(ElfBuilder().type(ET_EXEC)) == ElfFile::Kind::program);
  CHECK(kind_of(ElfBuilder().type(ET_REL)) == ElfFile::Kind::other);
  CHECK(read_elf(ElfBuilder().interpreter(loader).build())->interpreter == loader);
  CHECK(read_elf(ElfBuilder().interpreter(loader).soname("libc.so.6").build())->interpreter == "");
}

TEST_CASE("RUNPATH counts where there is RPATH, too") {
  const auto both = read_elf(ElfBuilder().rpath("/old").run_path("/new").build());
  REQUIRE(both);
  CHECK(both->run_path == "/new");
  CHECK_FALSE(both->run_path_is_rpath);
  const auto old = read_elf(ElfBuilder().rpath("/old").build());
  REQUIRE(old);
  CHECK(old->run_path == "/old");
  CHECK(old->run_path_is_rpath);
}

TEST_CASE("other files are nothing") {
  CHECK_FALSE(read_elf(""));
  CHECK_FALSE(
      read_elf("\x7f"
               "ELF"));
  CHECK_FALSE(read_elf("/* GNU ld script */ INPUT(libncurses.so.6)"));
  CHECK_FALSE(read_elf("!<arch>\n"));
  CHECK_FALSE(read_elf(-1));
  CHECK(elf_architecture("") == "");
  CHECK(elf_architecture("#!/bin/sh\nexec something-longer-than-a-header\n") == "");
  CHECK(elf_architecture(std::string("\x7f"
                                     "ELF\x09\x09",
                                     6) +
                         std::string(58, '\0')) == "");
}

TEST_CASE("tables that lead out of the file are broken") {
  CHECK_FALSE(read_elf(ElfBuilder().tag(DT_NEEDED, 1 << 20).build()));
  CHECK_FALSE(read_elf(ElfBuilder().tag(DT_SONAME, ~0ull).build()));
  CHECK_FALSE(read_elf(ElfBuilder().tag(DT_VERNEED, 16).tag(DT_VERNEEDNUM, 1).build()));
  CHECK_FALSE(read_elf(ElfBuilder().tag(DT_VERDEF, ~0ull).tag(DT_VERDEFNUM, 1).build()));
  const std::string whole = full_builder().build();
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{64}})
    CHECK_FALSE(read_elf(whole.substr(0, size)));
}

TEST_CASE("more than any honest file has is refused") {
  ElfBuilder needs_much;
  for (int i = 0; i < 1001; ++i) needs_much.needs("l");
  CHECK_FALSE(read_elf(needs_much.build()));
  ElfBuilder has_versions;
  for (int i = 0; i < 20'001; ++i) has_versions.defines_version("V");
  CHECK_FALSE(read_elf(has_versions.build()));
  CHECK(read_elf(ElfBuilder().needs(std::string(4096, 'x')).build()));
  CHECK_FALSE(read_elf(ElfBuilder().needs(std::string(4097, 'x')).build()));
}

TEST_CASE("no change of a few bytes and no cut does harm") {
  const ScratchFolder folder;
  Strings originals{full_builder().build(), full_builder().narrow().big_endian().build()};
  if (const auto library = compiled_library(folder)) originals.push_back(*library);
  std::mt19937 random(20240229);
  for (const std::string& original : originals) {
    // Headers and tables lie at the beginning; the end is code and debug information.
    const std::size_t interesting = std::min<std::size_t>(original.size(), 4096);
    for (int round = 0; round < 3000; ++round) {
      std::string bytes = original;
      for (unsigned flips = 1 + random() % 8; flips > 0; --flips) {
        const std::size_t place = random() % (random() % 4 == 0   ? bytes.size()
                                              : random() % 2 == 0 ? 64
                                                                  : interesting);
        bytes[place] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
      }
      if (random() % 4 == 0) bytes.resize(random() % bytes.size());
      const auto file = read_elf(bytes);
      if (file) CHECK(file->needed.size() <= 1000);
      elf_architecture(bytes);
      if (round % 10 != 0) continue;
      // By another way inside libelf.
      const auto again = read_file(folder.write("broken", bytes));
      CHECK(again.has_value() == file.has_value());
    }
  }
}
