#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

/// The findings of one rule for one layer in a python3.12 function.
std::vector<Finding> found(std::string_view id, const PackageBuilder& layer) {
  return FunctionBuilder("python3.12").layer(layer).check(id);
}

const std::string big(std::size_t{1} << 20, 'x');

}  // namespace

TEST_CASE("an extension that nobody may run is an error, a program in PATH a warning") {
  const auto extension =
      found("not-executable", PackageBuilder("a").file("extensions/x", "x", 0744));
  REQUIRE(extension.size() == 1);
  CHECK(extension[0].severity == Severity::error);
  CHECK(extension[0].message == "It is an extension with mode 0744.");
  const auto tool =
      found("not-executable", PackageBuilder("a").script("bin/tool", "/bin/sh", false, 0644));
  REQUIRE(tool.size() == 1);
  CHECK(tool[0].severity == Severity::warning);
  CHECK(found("not-executable", PackageBuilder("a").script("bin/tool", "/bin/sh")).empty());
  CHECK(found("not-executable", PackageBuilder("a").file("bin/README", "x", 0644)).empty());
  CHECK(found("not-executable", PackageBuilder("a").script("bin/sub/tool", "/bin/sh", false, 0644))
            .empty());
  CHECK(found("not-executable", PackageBuilder("a").file("lib/x.so", "x", 0644)).empty());
}

TEST_CASE("a bootstrap counts for custom runtimes, a wrapper where the variable names it") {
  const PackageBuilder layer =
      PackageBuilder("a").file("bootstrap", "x", 0644).file("wrap", "x", 0644);
  CHECK(FunctionBuilder("provided.al2023").layer(layer).check("not-executable").size() == 1);
  CHECK(FunctionBuilder("python3.12").layer(layer).check("not-executable").empty());
  CHECK(FunctionBuilder("provided.al2023")
            .code(PackageBuilder("code").file("bootstrap", "x", 0644))
            .check("not-executable")
            .size() == 1);
  CHECK(FunctionBuilder("python3.12")
            .layer(layer)
            .variable("AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrap")
            .check("not-executable")
            .size() == 1);
}

TEST_CASE("a layer's program that a later layer replaces does not matter") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").file("bin/tool", "x", 0644))
      .layer(PackageBuilder("b").file("bin/tool", "y", 0755));
  CHECK(function.check("not-executable").empty());
}

TEST_CASE("a script with Windows line ends is told, where something starts it") {
  CHECK(found("carriage-return", PackageBuilder("a").script("bin/x", "/bin/sh", true)).size() == 1);
  CHECK(found("carriage-return", PackageBuilder("a").script("extensions/x", "/bin/sh", true))[0]
            .severity == Severity::error);
  CHECK(found("carriage-return", PackageBuilder("a").script("bin/x", "/bin/sh")).empty());
  CHECK(found("carriage-return", PackageBuilder("a").script("python/x", "/bin/sh", true)).empty());
}

TEST_CASE("interpreters are those of the image, of the runtime and of the packages") {
  const auto missing = [](const std::string& line) {
    return !found("missing-script-interpreter",
                  PackageBuilder("a").script("bin/x", line).file("bin/tool", "x", 0755))
                .empty();
  };
  for (const char* line :
       {"/bin/sh", "/bin/bash -e", " /usr/bin/env bash", "/usr/bin/env python3",
        "/usr/bin/env python3.12", "/var/lang/bin/python3", "/opt/bin/tool -x", "/usr/bin/env tool",
        "/usr/bin/env -S tool x", "/usr/bin/env -i tool", "/usr/bin/env", "/bin/env A=b tool"})
    CHECK_FALSE_MESSAGE(missing(line), line);
  for (const char* line : {"/usr/bin/python3", "/usr/bin/perl", "/usr/bin/env node", "",
                           "/usr/bin/env python3.11", "/opt/bin/other", "/opt/", "/var/task/x",
                           "/var/lang/bin/node", "python3", "/usr/local/bin/python3.12"})
    CHECK_MESSAGE(missing(line), line);
}

TEST_CASE("code that others cannot read is one finding; layers' modes are AWS's own business") {
  FunctionBuilder function("python3.12");
  function.code(PackageBuilder("code").file("a", "x", 0600).directory("d", 0700).file("e"));
  const auto findings = function.check("unreadable-code");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "code");
  CHECK(findings[0].path == "a");
  CHECK(findings[0].more == std::vector<std::string>{"d"});
  CHECK(found("unreadable-code", PackageBuilder("a").file("a", "x", 0600)).empty());
}

TEST_CASE("links are followed through the merged /opt and the code") {
  const auto dangles = [](const std::string& target) {
    FunctionBuilder function("python3.12");
    function
        .layer(PackageBuilder("a").link("lib/x", target).file("lib/sub/y").link("lib/dir", "sub"))
        .layer(PackageBuilder("b").file("lib/other").link("lib/loop", "loop"))
        .code(PackageBuilder("code").file("app.py"));
    auto findings = function.check("dangling-link");
    std::erase_if(findings, [](const Finding& finding) { return finding.package != "a"; });
    return !findings.empty();
  };
  for (const char* target :
       {"sub/y", "other", "../lib/other", "/opt/lib/other", "dir/y", "/var/task/app.py", "/usr/lib",
        "/nowhere", "../../etc/passwd", ".", "..", "../..", "/", "dir"})
    CHECK_FALSE_MESSAGE(dangles(target), target);
  for (const char* target : {"gone", "sub/gone", "/opt/gone", "/var/task/gone", "x", "loop",
                             "dir/z", "other/x", "loop/x"})
    CHECK_MESSAGE(dangles(target), target);
}

TEST_CASE("tens of thousands of links through hundreds of folders end soon") {
  PackageBuilder layer("a");
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "d/";
  layer.directory(deep + "e");
  for (int i = 0; i < 20'000; ++i)
    layer.link("l" + std::to_string(i), i == 0 ? "gone" : deep + "gone");
  const auto findings = found("dangling-link", layer);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].path == "l0");
}

TEST_CASE("without code nobody knows what is in /var/task") {
  CHECK(found("dangling-link", PackageBuilder("a").link("lib/x", "/var/task/app.py")).empty());
}

TEST_CASE("copies of a library under its names are told, other copies are not") {
  const auto findings = found("dereferenced-links", PackageBuilder("a")
                                                        .file("lib/libx.so", "same")
                                                        .file("lib/libx.so.1", "same")
                                                        .file("lib/libx.so.1.2", "same"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].message ==
        "3 identical files under names of one library; 8 bytes for nothing.");
  CHECK(findings[0].more.size() == 2);
  for (const PackageBuilder& fine :
       {PackageBuilder("a").file("lib/libx.so", "one").file("lib/libx.so.1", "other"),
        PackageBuilder("a").file("lib/libx.so", "same").file("lib/liby.so", "same"),
        PackageBuilder("a").file("lib/libx.so", "same").file("lib/sub/libx.so.1", "same"),
        PackageBuilder("a").file("lib/libx.so", "").file("lib/libx.so.1", ""),
        PackageBuilder("a").unread("lib/libx.so", 5).unread("lib/libx.so.1", 5),
        PackageBuilder("a").link("lib/libx.so", "libx.so.1").file("lib/libx.so.1", "same"),
        PackageBuilder("a").file("a.source.txt", "same").file("a.sort.txt", "same")})
    CHECK(found("dereferenced-links", fine).empty());
}

TEST_CASE("names of two libraries with one content are two findings") {
  CHECK(found("dereferenced-links", PackageBuilder("a")
                                        .file("lib/libx.so", "same")
                                        .file("lib/libx.so.1", "same")
                                        .file("lib/liby.so", "same")
                                        .file("lib/liby.so.1", "same"))
            .size() == 2);
}

TEST_CASE("a big file in two packages is told once, for the later one") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").file("python/x", big).file("python/copy", big))
      .layer(PackageBuilder("b").file("data/x", big).file("small"))
      .layer(PackageBuilder("c").file("small"));
  const auto findings = function.check("same-content-twice");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "b");
  CHECK(findings[0].severity == Severity::note);
  CHECK(findings[0].message == "1 files, 1048576 bytes, are in layer \"a\" as well.");
}

TEST_CASE("big files that could not be read are not the same") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").unread("x", big.size()))
      .layer(PackageBuilder("b").unread("y", big.size()));
  CHECK(function.check("same-content-twice").empty());
}
