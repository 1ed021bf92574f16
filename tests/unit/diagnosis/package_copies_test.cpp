#include "diagnosis/package_copies.hpp"

#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

/// "name: version@owner files/visible, ..." for each group, the winner with a star.
std::vector<std::string> groups_of(const FunctionBuilder& function) {
  const OptView opt(function.layers());
  std::vector<std::string> lines;
  for (const PackageGroup& group : package_groups(opt, function.code(), function.subject().runtime,
                                                  function.subject().bundled)) {
    std::string line = std::string(to_string(group.ecosystem)) + " " + group.name + ":";
    for (const PackageCopy& copy : group.copies) {
      line += " " + copy.version + "@";
      line += copy.owner.kind == Owner::Kind::code      ? "code"
              : copy.owner.kind == Owner::Kind::runtime ? "runtime"
                                                        : std::to_string(copy.owner.layer);
      line += " " + std::to_string(copy.files.size()) + "/" + std::to_string(copy.visible.size());
      if (&copy == group.winner()) line += "*";
    }
    if (const auto mixed = group.mixed_in(); !mixed.empty())
      line += " mixed " + std::to_string(mixed.size());
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("code comes before layers, later layers before earlier ones, the runtime last") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").python("six", "1.1", {"six.py"}))
      .layer(PackageBuilder("b").python("six", "1.2", {"six.py"}))
      .code(PackageBuilder("code").python("six", "1.3", {"six.py"}, {}, "", ""))
      .bundled("six", "1.4");
  CHECK(groups_of(function) ==
        Lines{"python six: 1.3@code 1/1* 1.2@1 1/1 1.1@0 1/0 1.4@runtime 0/0"});
}

TEST_CASE("the folder of the version comes before the common one, whatever layer it is in") {
  FunctionBuilder function("python3.12");
  function
      .layer(PackageBuilder("a").python("six", "1.1", {"six.py"}, {}, "",
                                        "python/lib/python3.12/site-packages"))
      .layer(PackageBuilder("b")
                 .python("six", "1.2", {"six.py"})
                 .python("six", "0.1", {"six.py"}, {}, "", "python/lib/python3.11/site-packages"));
  CHECK(groups_of(function) == Lines{"python six: 1.1@0 1/1* 1.2@1 1/1"});
}

TEST_CASE("files that only the older version has make a mixture") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").python("requests", "1", {"requests/a.py", "requests/old.py"}))
      .layer(PackageBuilder("b").python("Requests", "2", {"requests/a.py"}));
  CHECK(groups_of(function) == Lines{"python Requests: 2@1 1/1* 1@0 2/1 mixed 1"});
  FunctionBuilder same("python3.12");
  same.layer(PackageBuilder("a").python("requests", "1", {"requests/a.py", "requests/old.py"}))
      .layer(PackageBuilder("b").python("requests", "1", {"requests/a.py"}));
  CHECK(groups_of(same) == Lines{"python requests: 1@1 1/1* 1@0 2/1"});
}

TEST_CASE("metadata and bytecode are no files of a package") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").python(
      "six", "1", {"six.py", "__pycache__/six.cpython-312.pyc", "six-1.dist-info/RECORD"}));
  CHECK(groups_of(function) == Lines{"python six: 1@0 1/1*"});
}

TEST_CASE("without a record the top-level modules are the package") {
  PackageBuilder layer("a");
  layer.file("python/yaml/__init__.py").file("python/yaml/__pycache__/x.pyc").file("python/y.py");
  layer.python("PyYAML", "6", {});
  Package package = layer.build();
  package.facts.distributions.begin()->second.top_level = {"yaml", "y", "missing"};
  const std::vector<Package> stack{package};
  const OptView opt(stack);
  const auto groups = package_groups(opt, nullptr, RuntimeProfile::of("python3.12"), {});
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].copies[0].files.size() == 2);
  CHECK(groups[0].copies[0].metadata == "/opt/python/PyYAML-6.dist-info");
  CHECK(groups[0].copies[0].place == "/opt/python");
}

TEST_CASE("a package whose metadata alone is there wins nothing but its name") {
  FunctionBuilder function("python3.12");
  function.layer(PackageBuilder("a").python("meta", "1", {}));
  CHECK(groups_of(function) == Lines{"python meta: 1@0 0/0*"});
}

TEST_CASE("npm packages lie in node_modules, in scopes too, and not inside of others") {
  FunctionBuilder function("nodejs20.x");
  function
      .layer(PackageBuilder("a")
                 .package_json("nodejs/node_modules/x/package.json", R"({"version": "1.0.0"})")
                 .file("nodejs/node_modules/x/index.js")
                 .package_json("nodejs/node_modules/x/lib/package.json", R"({"type": "module"})")
                 .package_json("nodejs/node_modules/x/node_modules/y/package.json",
                               R"({"version": "3.0.0"})")
                 .package_json("nodejs/node_modules/@s/z/package.json", R"({"version": 5})")
                 .package_json("nodejs/node_modules/broken/package.json", "{")
                 .package_json("other/package.json", R"({"version": "1.0.0"})"))
      .code(PackageBuilder("code").package_json("node_modules/x/package.json",
                                                R"({"version": "2.0.0"})"));
  CHECK(groups_of(function) ==
        Lines{"nodejs @s/z: @0 1/1*", "nodejs x: 2.0.0@code 1/1* 1.0.0@0 3/3"});
}

TEST_CASE("gems and jars are taken from where their runtimes look") {
  FunctionBuilder ruby("ruby3.3");
  ruby.layer(PackageBuilder("a")
                 .gem("ruby/gems/3.3.0/specifications/rack-3.gemspec", "rack", "3")
                 .gem("ruby/gems/3.2.0/specifications/rack-2.gemspec", "rack", "2"));
  CHECK(groups_of(ruby) == Lines{"ruby rack: 3@0 1/1*"});
  FunctionBuilder java("java21");
  java.layer(PackageBuilder("a")
                 .jar("java/lib/guava-1.jar", "guava", "1")
                 .jar("guava.jar", "guava", "0"))
      .layer(PackageBuilder("b").jar("java/lib/guava-2.jar", "guava", "2"));
  CHECK(groups_of(java) == Lines{"java guava: 1@0 1/1* 2@1 1/1"});
}

TEST_CASE("libraries are told by their soname, in the folders of LD_LIBRARY_PATH") {
  ElfFile elf;
  elf.soname = "libx.so.1";
  FunctionBuilder function("provided.al2023");
  function.layer(PackageBuilder("a").elf("lib/libx.so.1", elf).elf("lib/sub/libx.so.1", elf))
      .layer(PackageBuilder("b").elf("lib/libx.so.1.2.3", elf).elf("lib/none.so", ElfFile()));
  CHECK(groups_of(function) == Lines{"library libx.so.1: libx.so.1.2.3@1 1/1* @0 1/1"});
}

TEST_CASE("without a runtime every language counts, but for folders of single versions") {
  FunctionBuilder function("");
  function.layer(
      PackageBuilder("a")
          .python("six", "1", {"six.py"})
          .package_json("nodejs/node_modules/x/package.json", R"({"version": "1.0.0"})")
          .package_json("nodejs/node18/node_modules/x/package.json", R"({"version": "2"})")
          .gem("ruby/gems/3.3.0/specifications/rack-3.gemspec", "rack", "3")
          .jar("java/lib/guava-1.jar", "guava", "1"));
  CHECK(groups_of(function) ==
        Lines{"python six: 1@0 1/1*", "nodejs x: 1.0.0@0 1/1*", "java guava: 1@0 1/1*"});
}

TEST_CASE("a group without copies has no winner") {
  CHECK(PackageGroup().winner() == nullptr);
  CHECK(PackageGroup().mixed_in().empty());
}
