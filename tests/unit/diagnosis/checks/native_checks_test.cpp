#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

struct Elf : ElfFile {
  explicit Elf(std::string architecture_of_it = "x86_64") {
    kind = Kind::shared_object;
    architecture = std::move(architecture_of_it);
  }
  Elf& needs(std::string library) {
    needed.push_back(std::move(library));
    return *this;
  }
  Elf& needs_version(std::string library, std::string version, bool weak = false) {
    needed_versions.push_back({std::move(library), std::move(version), weak});
    return *this;
  }
  Elf& named(std::string name, std::vector<std::string> versions = {}) {
    soname = std::move(name);
    defined_versions = std::move(versions);
    return *this;
  }
  Elf& rpath(std::string path) {
    run_path = std::move(path);
    run_path_is_rpath = true;
    return *this;
  }
  Elf& run_path_of(std::string path) {
    run_path = std::move(path);
    return *this;
  }
};

std::vector<Finding> found(std::string_view id, const std::string& path, const ElfFile& elf,
                           const char* runtime = "python3.12") {
  return FunctionBuilder(runtime).layer(PackageBuilder("a").elf(path, elf)).check(id);
}

}  // namespace

TEST_CASE("a file for another processor is an error where something loads it") {
  const auto findings = found("other-architecture", "lib/libx.so", Elf("arm64"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].message == "It is made for arm64; the function runs on x86_64.");
  CHECK(found("other-architecture", "lib/libx.so", Elf()).empty());
  CHECK(found("other-architecture", "data/libx.so", Elf("arm64")).empty());
  ElfFile object = Elf("arm64");
  object.kind = ElfFile::Kind::other;
  CHECK(found("other-architecture", "lib/x.o", object).empty());
  CHECK(FunctionBuilder("python3.12")
            .architecture("arm64")
            .layer(PackageBuilder("a").elf("lib/libx.so", Elf("arm64")))
            .check("other-architecture")
            .empty());
}

TEST_CASE("builds for several systems that their paths name choose at run time") {
  for (const char* path :
       {"nodejs/node_modules/x/prebuilds/linux-arm64/node.node",
        "nodejs/node_modules/@img/sharp-linuxmusl-arm64/sharp.node",
        "nodejs/node_modules/x/darwin/x.node", "nodejs/node_modules/x/linux-arm/x.node"})
    CHECK_MESSAGE(found("other-architecture", path, Elf("arm64"), "nodejs20.x").empty(), path);
  CHECK(found("other-architecture", "nodejs/node_modules/x/x.node", Elf("arm64"), "nodejs20.x")
            .size() == 1);
}

TEST_CASE("a Python extension for the other processor alone is of no use") {
  const std::string wrong = "python/x/_rust.cpython-312-aarch64-linux-gnu.so";
  const std::string right = "python/x/_rust.cpython-312-x86_64-linux-gnu.so";
  CHECK(found("other-architecture", wrong, Elf("arm64")).size() == 1);
  CHECK(FunctionBuilder("python3.12")
            .layer(PackageBuilder("a").elf(wrong, Elf("arm64")).elf(right, Elf()))
            .check("other-architecture")
            .empty());
}

TEST_CASE("files of one kind are one finding") {
  const auto findings = FunctionBuilder("python3.12")
                            .layer(PackageBuilder("a")
                                       .elf("lib/libx.so", Elf("arm64"))
                                       .elf("lib/liby.so", Elf("arm64"))
                                       .elf("lib/libz.so", Elf("i386")))
                            .check("other-architecture");
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].path == "lib/libx.so");
  CHECK(findings[0].more == std::vector<std::string>{"lib/liby.so"});
  CHECK(findings[1].path == "lib/libz.so");
}

TEST_CASE("a newer symbol version than the system's is an error, the worst of a library told") {
  const auto findings = found("newer-symbol-version", "lib/libx.so",
                              Elf()
                                  .needs_version("libc.so.6", "GLIBC_2.2.5")
                                  .needs_version("libc.so.6", "GLIBC_2.36")
                                  .needs_version("libc.so.6", "GLIBC_2.38"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].message ==
        "It needs GLIBC_2.38 of libc.so.6; Amazon Linux 2023, which python3.12 runs on, ends with "
        "GLIBC_2.34.");
  CHECK(found("newer-symbol-version", "lib/libx.so", Elf().needs_version("libc.so.6", "GLIBC_2.34"))
            .empty());
  CHECK(found("newer-symbol-version", "lib/libx.so", Elf().needs_version("libc.so.6", "GLIBC_2.34"),
              "python3.9")
            .size() == 1);
  CHECK(found("newer-symbol-version", "lib/libx.so",
              Elf().needs_version("libc.so.6", "GLIBC_2.38", true))
            .empty());
  CHECK(
      found("newer-symbol-version", "lib/libx.so", Elf().needs_version("liby.so", "Y_9")).empty());
  CHECK(found("newer-symbol-version", "lib/libx.so", Elf().needs_version("libc.so.6", "GLIBC_2.38"),
              "")
            .empty());
}

TEST_CASE("a library that comes along counts only where DT_RPATH finds it before the system's") {
  const auto complains = [](const Elf& user, const std::string& place) {
    return !FunctionBuilder("provided.al2023")
                .layer(PackageBuilder("a")
                           .elf("bin/tool", user)
                           .elf(place + "/libstdc++.so.6",
                                Elf().named("libstdc++.so.6", {"GLIBCXX_3.4.40"})))
                .check("newer-symbol-version")
                .empty();
  };
  const Elf user = Elf().needs_version("libstdc++.so.6", "GLIBCXX_3.4.40");
  CHECK(complains(user, "lib"));
  CHECK_FALSE(complains(Elf(user).rpath("$ORIGIN/../lib"), "lib"));
  CHECK_FALSE(complains(Elf(user).rpath("/nowhere:${ORIGIN}/../lib/own"), "lib/own"));
  CHECK_FALSE(complains(Elf(user).rpath("/opt/lib"), "lib"));
  CHECK(complains(Elf(user).rpath("$ORIGIN"), "lib"));
  // LD_LIBRARY_PATH, which begins with /lib64, comes before RUNPATH.
  CHECK(complains(Elf(user).run_path_of("$ORIGIN/../lib"), "lib"));
  CHECK(
      complains(Elf().needs_version("libstdc++.so.6", "GLIBCXX_3.4.41").rpath("/opt/lib"), "lib"));
}

TEST_CASE("a library in /opt/lib against the system's of the same name is told as such") {
  const auto findings =
      FunctionBuilder("provided.al2023")
          .layer(PackageBuilder("a").elf("bin/tool",
                                         Elf().needs_version("libstdc++.so.6", "GLIBCXX_3.4.40")))
          .layer(PackageBuilder("b").elf("lib/libstdc++.so.6",
                                         Elf().named("libstdc++.so.6", {"GLIBCXX_3.4.40"})))
          .check("system-library-wins");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "b");
  CHECK(findings[0].message.find("/opt/bin/tool needs") != std::string::npos);
}

TEST_CASE("a library that neither the system nor a package has is missing") {
  const auto findings =
      found("missing-library", "lib/libx.so", Elf().needs("libnowhere.so.1").needs("libc.so.6"));
  REQUIRE(findings.size() == 1);
  CHECK(
      findings[0].message ==
      "It needs libnowhere.so.1, which is neither in the packages nor known to be in Amazon Linux "
      "2023.");
  const PackageBuilder user = PackageBuilder("a").elf("lib/libx.so", Elf().needs("liby.so.1"));
  CHECK(FunctionBuilder("python3.12")
            .layer(user)
            .layer(PackageBuilder("b").elf("python/y.libs/liby.so.1.2", Elf().named("liby.so.1")))
            .check("missing-library")
            .empty());
  CHECK(FunctionBuilder("python3.12")
            .layer(user)
            .layer(PackageBuilder("b").link("lib/liby.so.1", "liby.so.1.2"))
            .check("missing-library")
            .empty());
  CHECK(FunctionBuilder("")
            .layer(PackageBuilder("a").elf("lib/libx.so", Elf().needs("libnowhere.so.1")))
            .check("missing-library")
            .empty());
}

TEST_CASE("many libraries that need many others end soon, with a bounded number of findings") {
  PackageBuilder layer("a");
  for (int i = 0; i < 300; ++i) {
    Elf elf;
    elf.named("libc.so.6", {"GLIBC_2.99"}).rpath("$ORIGIN:/opt/lib:$ORIGIN/../lib");
    for (int j = 0; j < 200; ++j) {
      elf.needs("lib" + std::to_string(i) + "-" + std::to_string(j) + ".so");
      elf.needs_version("lib" + std::to_string(j) + ".so", "GLIBC_3." + std::to_string(j));
    }
    layer.elf("lib/lib" + std::to_string(i) + ".so", elf);
  }
  const auto findings = FunctionBuilder("python3.12").layer(layer).check("missing-library");
  REQUIRE(findings.size() == 1001);
  CHECK(findings.front().message.ends_with(" more of this kind are not listed."));
}
