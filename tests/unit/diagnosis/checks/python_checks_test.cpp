#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

std::vector<std::string> messages(FunctionBuilder& function, std::string_view id) {
  std::vector<std::string> texts;
  for (const Finding& finding : function.check(id)) texts.push_back(finding.message);
  return texts;
}

std::size_t count(std::string_view id, const PackageBuilder& layer,
                  const char* runtime = "python3.12") {
  return FunctionBuilder(runtime).layer(layer).check(id).size();
}

PackageBuilder layer(const std::string& reference = "a") {
  return PackageBuilder(reference);
}

BytecodeFact made_for(std::uint32_t mtime, std::uint32_t size) {
  return {BytecodeFact::Check::by_time, mtime, size};
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an extension module for another Python is told unless there is one for this") {
  const std::string wrong = "python/x/_c.cpython-311-x86_64-linux-gnu.so";
  const auto findings =
      FunctionBuilder("python3.12").layer(layer().file(wrong)).check("other-python-extension");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].message == "It is for cpython-311; python3.12 looks for cpython-312.");
  CHECK(count("other-python-extension", layer().file(wrong), "python3.11") == 0);
  for (const char* other : {"python/x/_c.cpython-312-x86_64-linux-gnu.so", "python/x/_c.abi3.so",
                            "python/x/_c.so", "python/x/_c.py"})
    CHECK(count("other-python-extension", layer().file(wrong).file(other)) == 0);
  CHECK(count("other-python-extension", layer().file("python/x/_c.abi3.so")) == 0);
  CHECK(count("other-python-extension", layer().file("data/_c.cpython-311-x.so")) == 0);
  CHECK(count("other-python-extension", layer().file("python/.cpython-.so")) == 1);
}

TEST_CASE("bytecode that Python cannot use is counted") {
  const std::string source = "python/x.py";
  const std::string pyc = "python/__pycache__/x.cpython-312.pyc";
  const auto useless = [&](const std::string& path, const BytecodeFact& head) {
    return count("useless-bytecode", layer().file(source, "12345", 0644, 100).bytecode(path, head));
  };
  CHECK(useless(pyc, made_for(100, 5)) == 0);
  CHECK(useless(pyc, made_for(101, 5)) == 1);
  CHECK(useless(pyc, made_for(100, 6)) == 1);
  CHECK(useless("python/__pycache__/x.cpython-311.pyc", made_for(100, 5)) == 1);
  CHECK(useless("python/__pycache__/y.cpython-312.pyc", made_for(100, 5)) == 1);
  CHECK(useless("python/__pycache__/x", made_for(100, 5)) == 1);
  CHECK(useless(pyc, {BytecodeFact::Check::by_hash, 0, 0}) == 0);
  CHECK(useless(pyc, {BytecodeFact::Check::never, 0, 0}) == 0);
  // Beside its source it needs none.
  CHECK(useless("python/x.pyc", made_for(1, 1)) == 0);
}

TEST_CASE("bytecode of another layer's source runs in its place when time and size agree") {
  const std::string pyc = "python/__pycache__/x.cpython-312.pyc";
  const auto stale = [&](const std::string& own, const std::string& now) {
    return FunctionBuilder("python3.12")
        .layer(layer("old").file("python/x.py", own, 0644, 100).bytecode(pyc, made_for(100, 5)))
        .layer(layer("new").file("python/x.py", now, 0644, 100))
        .check("stale-bytecode");
  };
  const auto findings = stale("old..", "new..");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "old");
  CHECK(findings[0].path == pyc);
  CHECK(stale("same.", "same.").empty());
  CHECK(stale("old..", "longer").empty());
}

TEST_CASE("a top-level module of the standard library's name is told") {
  CHECK(count("shadows-standard-library", layer().file("python/enum.py")) == 1);
  CHECK(count("shadows-standard-library", layer().file("python/typing/__init__.py")) == 1);
  CHECK(count("shadows-standard-library", layer().file("python/typing/x.py")) == 0);
  CHECK(count("shadows-standard-library", layer().file("python/x/enum.py")) == 0);
  CHECK(count("shadows-standard-library", layer().file("python/enum.txt")) == 0);
  CHECK(count("shadows-standard-library", layer().file("python/enumeration.py")) == 0);
}

TEST_CASE("six before 1.16 is too old from Python 3.12 on") {
  CHECK(count("old-six", layer().six("python/six.py", "1.15.0")) == 1);
  CHECK(count("old-six", layer().six("python/x/vendored/six.py", "1.10.0")) == 1);
  CHECK(count("old-six", layer().six("python/six.py", "1.16.0")) == 0);
  CHECK(count("old-six", layer().six("python/six.py", "1.15.0"), "python3.11") == 0);
  CHECK(count("old-six", layer().six("python/six.py", "no version")) == 0);
  CHECK(count("old-six", layer().six("data/six.py", "1.15.0")) == 0);
}

TEST_CASE("a regular package hides portions of a namespace in another place") {
  const auto hidden = [](const PackageBuilder& one, const PackageBuilder& code) {
    FunctionBuilder function("python3.12");
    function.layer(one).code(code);
    return function.check("hidden-namespace").size();
  };
  const PackageBuilder code("code");
  CHECK(hidden(layer().file("python/google/cloud/x.py"),
               PackageBuilder(code).file("google/__init__.py")) == 1);
  CHECK(hidden(layer().file("python/google/cloud/x.py"),
               PackageBuilder(code).file("google/y.py")) == 0);
  CHECK(hidden(layer().file("python/google/cloud/x.py"),
               PackageBuilder(code).legacy_namespace("google/__init__.py")) == 0);
  CHECK(hidden(layer().file("python/google/x.txt"),
               PackageBuilder(code).file("google/__init__.py")) == 0);
  CHECK(hidden(layer().file("python/google.py"), PackageBuilder(code).file("google/__init__.py")) ==
        0);
}

TEST_CASE("metadata of two versions in one folder is told, of the same version not") {
  FunctionBuilder two("python3.12");
  two.layer(layer("a").python("six", "1.15", {"six.py"}))
      .layer(layer("b").python("six", "1.16", {"six.py"}));
  CHECK(messages(two, "two-versions-of-metadata") ==
        Lines{"six is in /opt/python as 1.16 of layer \"b\", 1.15 of layer \"a\"."});
  FunctionBuilder places("python3.12");
  places.layer(layer("a").python("six", "1.15", {"six.py"}))
      .code(PackageBuilder("code").python("six", "1.16", {"six.py"}, {}, "", ""));
  CHECK(messages(places, "two-versions-of-metadata").empty());
  CHECK(count("two-versions-of-metadata",
              layer().python("six", "1.15", {"six.py"}).python("six", "1.16", {"six.py"})) == 1);
}

TEST_CASE("a requirement that nothing brings, and one of the wrong version") {
  FunctionBuilder absent("python3.12");
  absent.layer(layer().python("requests", "2", {"requests.py"}, {"idna (<4)"}));
  CHECK(messages(absent, "unmet-requirement") ==
        Lines{"requests 2 of layer \"a\" requires idna <4, which nothing brings."});
  FunctionBuilder wrong("python3.12");
  wrong
      .layer(layer("a")
                 .python("requests", "2", {"requests.py"}, {"idna<4"})
                 .python("idna", "3", {"idna.py"}))
      .layer(layer("b").python("idna", "5", {"idna.py"}));
  const auto findings = wrong.check("unmet-requirement");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].package == "b");
  CHECK(findings[0].message ==
        "The function gets idna 5 of layer \"b\", which shadows 3 of layer \"a\"; requests 2 of "
        "layer \"a\" requires idna <4.");
}

TEST_CASE("requirements that are met, not meant or not readable are fine") {
  for (const std::string& requirement :
       {std::string("idna"), std::string("Idna>=3"), std::string("x; python_version < '3'"),
        std::string("y; extra == 'more'"), std::string("not a requirement!"), std::string(),
        std::string("boto3 >= 99"), std::string(5000, 'x')}) {
    FunctionBuilder function("python3.12");
    function.layer(layer()
                       .python("requests", "2", {"requests.py"}, {requirement})
                       .python("idna", "3", {"idna.py"}));
    CHECK_MESSAGE(messages(function, "unmet-requirement").empty(), requirement);
  }
}

TEST_CASE("a module without its metadata was pruned, not left out") {
  FunctionBuilder function("python3.12");
  function.layer(layer()
                     .python("requests", "2", {"requests.py"}, {"charset-normalizer"})
                     .file("python/charset_normalizer/__init__.py"));
  CHECK(messages(function, "unmet-requirement").empty());
  CHECK(messages(function, "pruned-metadata") ==
        Lines{"requests 2 of layer \"a\" requires charset-normalizer, which is there without its "
              "metadata."});
}

TEST_CASE("a layer that asks for metadata and has none at all is told") {
  const PackageBuilder pruned =
      layer().metadata_user("python/x/__init__.py").file("python/y/__init__.py");
  CHECK(count("pruned-metadata", pruned) == 1);
  CHECK(count("pruned-metadata",
              layer().file("python/x/__init__.py").file("python/y/__init__.py")) == 0);
  CHECK(count("pruned-metadata", layer().metadata_user("python/x/__init__.py")) == 0);
  CHECK(count("pruned-metadata", PackageBuilder(pruned).python("z", "1", {"z.py"})) == 0);
}

TEST_CASE("a package for other versions of Python is told, whatever the patch release") {
  const auto excluded = [](const std::string& wanted) {
    return count("requires-python", layer().python("x", "1", {"x.py"}, {}, wanted));
  };
  CHECK(excluded("<3.12") == 1);
  CHECK(excluded(">=3.13") == 1);
  CHECK(excluded("") == 0);
  CHECK(excluded(">=3.8") == 0);
  CHECK(excluded(">=3.12.4") == 0);
  CHECK(excluded("nonsense") == 0);
}

TEST_CASE("what shadows the runtime's packages must suit the runtime's botocore") {
  FunctionBuilder function("python3.9");
  function.layer(layer().python("urllib3", "2.2.1", {"urllib3.py"})).bundled("botocore", "1.34");
  CHECK(messages(function, "unmet-requirement") ==
        Lines{"The function gets urllib3 2.2.1 of layer \"a\", which shadows the runtime's; the "
              "botocore of python3.9 requires >=1.25.4,<1.27."});
  FunctionBuilder newer("python3.12");
  newer.layer(layer().python("urllib3", "2.2.1", {"urllib3.py"}));
  CHECK(messages(newer, "unmet-requirement").empty());
  FunctionBuilder own("python3.9");
  own.layer(layer().python("urllib3", "2.2.1", {"urllib3.py"}).python("botocore", "1", {"b.py"}));
  CHECK(messages(own, "unmet-requirement").empty());
}

TEST_CASE("the AWS SDK comes whole or not at all") {
  FunctionBuilder split("python3.12");
  split.layer(layer().python("boto3", "1.34", {"boto3/__init__.py"})).bundled("botocore", "1.33");
  CHECK(messages(split, "split-sdk") ==
        Lines{"boto3 1.34 comes from /opt/python, but botocore and s3transfer come from the "
              "runtime."});
  FunctionBuilder whole("python3.12");
  whole
      .layer(layer()
                 .python("boto3", "1.34", {"boto3/__init__.py"})
                 .python("botocore", "1.34", {"botocore/__init__.py"})
                 .python("s3transfer", "1", {"s3transfer/__init__.py"}))
      .bundled("botocore", "1.33");
  CHECK(messages(whole, "split-sdk").empty());
}

TEST_CASE("other languages do not look at Python packages") {
  FunctionBuilder function("nodejs20.x");
  function.layer(layer().python("x", "1", {"x.py"}, {"y"}, "<3"));
  CHECK(messages(function, "unmet-requirement").empty());
  CHECK(messages(function, "requires-python").empty());
}

TEST_CASE("tens of thousands of unmet requirements end soon, and most are only counted") {
  std::vector<std::string> requirements;
  for (int i = 0; i < 40'000; ++i) requirements.push_back("p" + std::to_string(i));
  PackageBuilder hostile("a");
  for (int i = 0; i < 10; ++i)
    hostile.python("x" + std::to_string(i), "1", {"x" + std::to_string(i) + ".py"}, requirements);
  FunctionBuilder function("python3.12");
  function.layer(hostile);
  const auto texts = messages(function, "unmet-requirement");
  REQUIRE(texts.size() == 1001);
  CHECK(texts.front().ends_with(" more of this kind are not listed."));
}
