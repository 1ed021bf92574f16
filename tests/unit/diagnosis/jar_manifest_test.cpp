#include "diagnosis/jar_manifest.hpp"

#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace diagnosis;

using test_support::ZipBuilder;

namespace {

/// "name version", or "-" for no zip.
std::string jar(const std::string& bytes, std::string_view file_name) {
  const auto read = read_jar(layers::MemorySource(bytes.data(), bytes.size()), file_name);
  return read ? read->name + " " + read->version : "-";
}

std::string pom(const std::string& artifact, const std::string& version) {
  return "#Created by Maven\nversion=" + version + "\ngroupId=org.example\nartifactId=" + artifact +
         "\n";
}

}  // namespace

TEST_CASE("attributes of the main section, with continued lines and any line end") {
  const std::string text =
      "Manifest-Version: 1.0\r\nImplementation-Version: 1.2\r\n .3-long\r\nOther: x\r\n\r\n"
      "Name: a\r\nOnly-Here: y\r\n";
  CHECK(manifest_attribute(text, "Implementation-Version") == "1.2.3-long");
  CHECK(manifest_attribute(text, "Other") == "x");
  CHECK(manifest_attribute(text, "Only-Here") == "");
  CHECK(manifest_attribute(text, "Implementation") == "");
  CHECK(manifest_attribute(text, "") == "");
  CHECK(manifest_attribute("A: 1\nB: 2\n", "B") == "2");
  CHECK(manifest_attribute("A: 1\rB: 2\r", "B") == "2");
  CHECK(manifest_attribute("a: 1", "A") == "1");
}

TEST_CASE("whatever is no manifest has no attributes") {
  for (const char* text : {"", "\n", " ", " A: 1\n", ":", ":\n:\n", "A", "A\n: 1", "\r\r\r"})
    CHECK(manifest_attribute(text, "A") == "");
  CHECK(manifest_attribute("A:", "A") == "");
  CHECK(manifest_attribute("A:1", "A") == "1");
  const std::string many = "A: x\n" + std::string(100'000, ' ');
  CHECK(manifest_attribute(many, "A").size() == 100'000);
  CHECK(manifest_attribute(std::string("A: \0\xff\n", 6), "A") == std::string("\0\xff", 2));
}

TEST_CASE("without better knowledge the file name tells") {
  const std::string empty = ZipBuilder().file("x.class", "x").build();
  CHECK(jar(empty, "guava-32.1.2.jar") == "guava 32.1.2");
  CHECK(jar(empty, "aws-lambda-java-core-1.2.3.jar") == "aws-lambda-java-core 1.2.3");
  CHECK(jar(empty, "tools.jar") == "tools ");
  CHECK(jar(empty, "a-.jar") == "a- ");
  CHECK(jar(empty, ".jar") == " ");
  CHECK(jar(empty, "") == " ");
  CHECK(jar("no zip", "guava-32.1.2.jar") == "-");
  CHECK(jar("", "guava-32.1.2.jar") == "-");
}

TEST_CASE("the manifest fills in a version that the name has not") {
  const std::string bytes =
      ZipBuilder().deflated("META-INF/MANIFEST.MF", "Implementation-Version: 7\n").build();
  CHECK(jar(bytes, "tools.jar") == "tools 7");
  CHECK(jar(bytes, "tools-8.jar") == "tools 8");
}

TEST_CASE("Maven's properties win when they are the jar's own") {
  const std::string one = "META-INF/maven/org.example/one/pom.properties";
  const std::string two = "META-INF/maven/org.example/two/pom.properties";
  CHECK(jar(ZipBuilder().file(one, pom("one", "1.5")).build(), "renamed.jar") == "one 1.5");
  CHECK(jar(ZipBuilder().file(one, "version=1\r\nartifactId=one\r\n").build(), "x.jar") == "one 1");
  // A bundle: its own ones, in whatever order they come, else none of them.
  const std::string bundle =
      ZipBuilder().file(one, pom("one", "1.5")).file(two, pom("two", "2.5")).build();
  CHECK(jar(bundle, "two-9.jar") == "two 2.5");
  CHECK(jar(bundle, "one-9.jar") == "one 1.5");
  CHECK(jar(bundle, "application-9.jar") == "application 9");
}

TEST_CASE("hostile properties are none") {
  const std::string path = "META-INF/maven/g/a/pom.properties";
  const auto with = [&path](const std::string& text) {
    return jar(ZipBuilder().deflated(path, text).build(), "x-1.jar");
  };
  CHECK(with("") == "x 1");
  CHECK(with("artifactId") == "x 1");
  CHECK(with("artifactId=") == "x 1");
  CHECK(with("artifactId=" + std::string(300, 'a') + "\n") == "x 1");
  CHECK(with("artifactId=a\nversion=" + std::string(300, 'a')) == "a ");
  CHECK(with("artifactId=a\nversion=2\n" + std::string(100'000, ' ')) == "x 1");
}

TEST_CASE("thousands of properties are not all unpacked") {
  ZipBuilder zip;
  for (int i = 0; i < 3000; ++i)
    zip.deflated("META-INF/maven/g/a" + std::to_string(i) + "/pom.properties",
                 "artifactId=a" + std::to_string(i) + "\nversion=1\n" + std::string(10'000, ' '));
  CHECK(jar(zip.build(), "x-1.jar") == "x 1");
}
