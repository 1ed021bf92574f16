#include "diagnosis/runtime_profile.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace diagnosis;

using Folders = std::vector<std::string>;
using Language = RuntimeProfile::Language;

namespace {

RuntimeProfile profile(const char* identifier) {
  const auto profile = RuntimeProfile::of(identifier);
  REQUIRE(profile);
  CHECK(profile->identifier == identifier);
  return *profile;
}

}  // namespace

TEST_CASE("Lambda's identifiers tell language and version") {
  CHECK(profile("python3.11").language == Language::python);
  CHECK(profile("python3.11").version == "3.11");
  CHECK(profile("nodejs20.x").version == "20");
  CHECK(profile("java8.al2").version == "8");
  CHECK(profile("java21").language == Language::java);
  CHECK(profile("ruby3.3").language == Language::ruby);
  CHECK(profile("dotnet8").language == Language::dotnet);
  CHECK(profile("go1.x").language == Language::go);
  CHECK(profile("provided").language == Language::custom);
  CHECK(profile("provided.al2023").language == Language::custom);
  CHECK(profile("provided.al2023").version.empty());
}

TEST_CASE("what is no identifier is none") {
  for (const char* text : {"", "python", "python3.x.y", "pythonx", "node20", "nodejs", "nodejs.x",
                           "providedal2", "python 3.11", "java8.al2.x.al2", "cobol1"})
    CHECK_FALSE_MESSAGE(RuntimeProfile::of(text), text);
}

TEST_CASE("the folder of the version comes before the common one") {
  CHECK(profile("python3.12").import_folders() ==
        Folders{"python/lib/python3.12/site-packages", "python"});
  CHECK(profile("nodejs18.x").import_folders() ==
        Folders{"nodejs/node18/node_modules", "nodejs/node_modules"});
  CHECK(profile("java17").import_folders() == Folders{"java/lib"});
  CHECK(profile("ruby3.3").import_folders() == Folders{"ruby/gems/3.3.0", "ruby/lib"});
  CHECK(profile("provided.al2").import_folders().empty());
  CHECK(profile("dotnet8").import_folders().empty());
}

TEST_CASE("programs, libraries and extensions are found by every runtime") {
  for (const char* identifier : {"python3.12", "nodejs20.x", "provided.al2023", "go1.x"})
    for (const char* path : {"bin/tool", "lib/libx.so.1", "lib", "extensions/agent"})
      CHECK(profile(identifier).reaches(path));
  CHECK_FALSE(profile("python3.12").reaches("binary/tool"));
  CHECK_FALSE(profile("python3.12").reaches("lib64/libx.so.1"));
}

TEST_CASE("each language reaches its own folders") {
  CHECK(profile("python3.12").reaches("python/six.py"));
  CHECK(profile("python3.12").reaches("python/lib/python3.12/site-packages/six.py"));
  CHECK_FALSE(profile("python3.12").reaches("python/lib/python3.11/site-packages/six.py"));
  CHECK_FALSE(profile("python3.12").reaches("six.py"));
  CHECK_FALSE(profile("python3.12").reaches("nodejs/node_modules/x/index.js"));
  CHECK(profile("python3.12").reaches("python/nodejs/node18/x"));
  CHECK(profile("nodejs20.x").reaches("nodejs/node_modules/x/index.js"));
  CHECK(profile("nodejs20.x").reaches("nodejs/node20/node_modules/x/index.js"));
  CHECK_FALSE(profile("nodejs20.x").reaches("nodejs/node18/node_modules/x/index.js"));
  CHECK_FALSE(profile("nodejs20.x").reaches("nodejs/index.js"));
  CHECK(profile("ruby3.3").reaches("ruby/gems/3.3.0/gems/rack/lib/rack.rb"));
  CHECK_FALSE(profile("ruby3.3").reaches("ruby/gems/3.2.0/gems/rack/lib/rack.rb"));
  CHECK(profile("ruby3.3").reaches("ruby/lib/x.rb"));
}

TEST_CASE("Java takes jars of one folder, not of those below it") {
  CHECK(profile("java21").reaches("java/lib/guava.jar"));
  CHECK_FALSE(profile("java21").reaches("java/lib/more/guava.jar"));
  CHECK_FALSE(profile("java21").reaches("java/lib/notes.txt"));
  CHECK_FALSE(profile("java21").reaches("java/guava.jar"));
}

TEST_CASE("only a custom runtime looks for a bootstrap") {
  CHECK(profile("provided.al2023").reaches("bootstrap"));
  CHECK_FALSE(profile("provided.al2023").reaches("bootstrap/x"));
  CHECK_FALSE(profile("python3.12").reaches("bootstrap"));
}

TEST_CASE("folders of single versions are told from packages") {
  const auto python = version_folder("python/lib/python3.8/site-packages/x");
  REQUIRE(python);
  CHECK(python->language == Language::python);
  CHECK(python->version == "3.8");
  CHECK(python->folder == "python/lib/python3.8/site-packages");
  CHECK(version_folder("nodejs/node18/node_modules/x")->folder == "nodejs/node18/node_modules");
  CHECK(version_folder("ruby/gems/3.2.0/x")->version == "3.2.0");
  for (const char* path : {"python/lib/pythonx/x", "python/lib/python/x", "nodejs/node_modules/x",
                           "nodejs/node/x", "ruby/gems/latest", "lib/python3.8/x", ""})
    CHECK_FALSE_MESSAGE(version_folder(path), path);
}

TEST_CASE("what Lambda does not call a runtime is none") {
  for (const char* name : {"python312", "python2", "python3", "python3.", "python4.1", "nodejs20",
                           "nodejs20.1.x", "provided.foo", "java8.al3", "ruby3", "dotnet8.0", "x"})
    CHECK_MESSAGE(!diagnosis::RuntimeProfile::of(name).has_value(), name);
  for (const char* name : {"python3.14", "python2.7", "nodejs24.x", "provided", "provided.al2",
                           "java8.al2", "java25", "ruby3.4", "dotnet10", "go1.x"})
    CHECK_MESSAGE(diagnosis::RuntimeProfile::of(name).has_value(), name);
}
