#include "diagnosis/python_distribution.hpp"

#include "tests/support/memory_files.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using diagnosis::is_metadata_name;
using diagnosis::normalised_project_name;
using diagnosis::read_distribution;
using diagnosis::version_of_module;

using test_support::MemoryFiles;

using Lines = std::vector<std::string>;

namespace {

const std::string opt = "/opt/python/";

}  // namespace

TEST_CASE("spellings of one project's name are the same") {
  CHECK(normalised_project_name("Zope.Interface") == "zope-interface");
  CHECK(normalised_project_name("zope-_.interface") == "zope-interface");
  CHECK(normalised_project_name("") == "");
}

TEST_CASE("metadata is told by its name") {
  CHECK(is_metadata_name("six-1.16.0.dist-info"));
  CHECK(is_metadata_name("six-1.16.0-py3.11.egg-info"));
  CHECK(is_metadata_name("SIX.EGG-INFO"));
  CHECK_FALSE(is_metadata_name(".dist-info"));
  CHECK_FALSE(is_metadata_name("six.egg-link"));
  CHECK_FALSE(is_metadata_name("six"));
}

TEST_CASE("METADATA is read up to its blank line, with folded fields") {
  MemoryFiles files;
  files.file(opt + "requests-2.31.0.dist-info/METADATA",
             "Metadata-Version: 2.1\r\n"
             "NAME: requests\r\n"
             "Version:  2.31.0 \r\n"
             "Requires-Dist: idna\r\n\t(<4,>=2.5)\r\n"
             "Requires-Dist: PySocks (!=1.5.7) ; extra == 'socks'\r\n"
             "Requires-Python: >=3.7\r\n"
             "Description: one\r\n       |two\r\n"
             "\r\n"
             "Requires-Dist: not-one\r\nName: other\r\n");
  const auto read = read_distribution(files, opt + "requests-2.31.0.dist-info");
  REQUIRE(read);
  CHECK(read->name == "requests");
  CHECK(read->version == "2.31.0");
  CHECK(read->requires_dist == Lines{"idna (<4,>=2.5)", "PySocks (!=1.5.7) ; extra == 'socks'"});
  CHECK(read->requires_python == ">=3.7");
  CHECK(read->files.empty());
}

TEST_CASE("RECORD is CSV; paths that leave the folder do not count") {
  MemoryFiles files;
  files.file(opt + "a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")
      .file(opt + "a-1.dist-info/RECORD",
            "a/__init__.py,sha256=x,10\n"
            "\"a/odd, \"\"name\"\".py\",,\r\n"
            "../../bin/a,,\n"
            "/etc/passwd,,\n"
            "./b.cpython-311-x86_64-linux-gnu.so,,\n"
            "a/../c.py,,\n"
            "a-1.dist-info/RECORD,,\n"
            "a.libs/x.so,,\n"
            "__pycache__/c.cpython-311.pyc,,\n"
            "README.txt,,\n"
            "\n");
  const auto read = read_distribution(files, opt + "a-1.dist-info");
  REQUIRE(read);
  CHECK(read->files == Lines{"a/__init__.py", "a/odd, \"name\".py",
                             "b.cpython-311-x86_64-linux-gnu.so", "c.py", "a-1.dist-info/RECORD",
                             "a.libs/x.so", "__pycache__/c.cpython-311.pyc", "README.txt"});
  CHECK(read->top_level == Lines{"a", "b", "c"});
}

TEST_CASE("egg-info folders say the same in their own files") {
  MemoryFiles files;
  const std::string info = opt + "Legacy-2.0-py3.11.egg-info";
  files.file(info + "/PKG-INFO", "Name: Legacy\nVersion: 2.0\n")
      .file(info + "/installed-files.txt", "../legacy/__init__.py\n../../../out.py\nPKG-INFO\n")
      .file(info + "/top_level.txt", "legacy\n_legacy\n\n")
      .file(info + "/entry_points.txt", "[console_scripts]\nx = legacy:x\n")
      .file(info + "/requires.txt",
            "six>=1.0\n\n[socks]\npysocks\n[:python_version<'3']\nfutures\n"
            "[dev:os_name=='nt']\n# none\nwin ; x\nurl @ https://h/a;b\n");
  const auto read = read_distribution(files, info);
  REQUIRE(read);
  CHECK(read->files == Lines{"legacy/__init__.py", "Legacy-2.0-py3.11.egg-info/PKG-INFO"});
  CHECK(read->top_level == Lines{"legacy", "_legacy"});
  CHECK(read->entry_points == "[console_scripts]\nx = legacy:x\n");
  CHECK(read->requires_dist == Lines{"six>=1.0", "pysocks; extra == \"socks\"",
                                     "futures; python_version<'3'",
                                     "win; (x) and ((os_name=='nt') and extra == \"dev\")",
                                     "url @ https://h/a;b ; (os_name=='nt') and extra == \"dev\""});
}

TEST_CASE("of the source archive's list only what is installed counts") {
  MemoryFiles files;
  files.file(opt + "x.egg-info/SOURCES.txt", "setup.py\nx/__init__.py\ntests/test_x.py\n")
      .file(opt + "x/__init__.py");
  const auto read = read_distribution(files, opt + "x.egg-info");
  REQUIRE(read);
  CHECK(read->name == "x");
  CHECK(read->version == "");
  CHECK(read->files == Lines{"x/__init__.py"});
  CHECK(read->top_level == Lines{"x"});
}

TEST_CASE("an egg-info may be one file") {
  MemoryFiles files;
  files.file(opt + "one-3.egg-info", "Name: one\nVersion: 3.0.1\n");
  const auto read = read_distribution(files, opt + "one-3.egg-info");
  REQUIRE(read);
  CHECK(read->version == "3.0.1");
}

TEST_CASE("the file name stands in for pruned metadata") {
  MemoryFiles files;
  files.directory(opt + "some_thing-1.2.dist-info").directory(opt + "-1.dist-info");
  const auto read = read_distribution(files, opt + "some_thing-1.2.dist-info");
  REQUIRE(read);
  CHECK(read->name == "some_thing");
  CHECK(read->version == "1.2");
  CHECK_FALSE(read_distribution(files, opt + "-1.dist-info"));
  CHECK_FALSE(read_distribution(files, opt + "missing-1.dist-info"));
}

TEST_CASE("hostile metadata is bounded and harmless") {
  MemoryFiles files;
  std::string endless = "Name: big\n";
  while (endless.size() < (3u << 20)) endless += "Requires-Dist: a\n";
  files.file(opt + "big-1.dist-info/METADATA", endless);
  std::string rows;
  while (rows.size() < (17u << 20)) rows += "a/b.py,,\n";
  files.file(opt + "big-1.dist-info/RECORD", rows);
  const auto big = read_distribution(files, opt + "big-1.dist-info");
  REQUIRE(big);
  CHECK(big->requires_dist.size() <= (1u << 20) / 17);
  CHECK(big->files.size() == 200'000);

  files.file(opt + "odd-1.dist-info/METADATA", std::string(":\n\0\xff: \n continued", 18))
      .file(opt + "odd-1.dist-info/RECORD", std::string("\"never closed\n,,,,,,\0", 21))
      .file(opt + "odd-1.dist-info/top_level.txt", "\r\r\n")
      .file(opt + "odd-1.dist-info/requires.txt", "[\n]\n[]\n[:]\n;\n@\n[a:]\n;;\n@;\n");
  const auto odd = read_distribution(files, opt + "odd-1.dist-info");
  REQUIRE(odd);
  CHECK(odd->name == "odd");
}

TEST_CASE("the version of a module is that of the project that brings it") {
  MemoryFiles files;
  files.file(opt + "PyYAML-6.0.dist-info/top_level.txt", "_yaml\nyaml\n")
      .file(opt + "six-1.16.0.dist-info/RECORD", "six.py,,\n");
  CHECK(version_of_module(files, "/opt/python", "yaml") == "6.0");
  CHECK(version_of_module(files, "/opt/python", "six") == "1.16.0");
  CHECK(version_of_module(files, "/opt/python", "pyyaml") == "");
  CHECK(version_of_module(files, "/opt/none", "six") == "");
}

TEST_CASE("a namespace that projects share has no version, what is below has") {
  MemoryFiles files;
  files.file(opt + "google_a-1.dist-info/RECORD", "google/a/__init__.py,,\n")
      .file(opt + "google_b-2.dist-info/RECORD", "google/b.py,,\n");
  CHECK(version_of_module(files, "/opt/python", "google") == "");
  CHECK(version_of_module(files, "/opt/python", "google.a") == "1");
  CHECK(version_of_module(files, "/opt/python", "google.b") == "2");
  CHECK(version_of_module(files, "/opt/python", "google.c") == "");
}

TEST_CASE("where layers left two versions' metadata the sizes of the files decide") {
  MemoryFiles files;
  files.file(opt + "dup-1.9.dist-info/RECORD", "dup/__init__.py,,5\ndup/old.py,,1\n")
      .file(opt + "dup-1.10.dist-info/RECORD", "dup/__init__.py,,7\ndup/new.py,,2\n")
      .file(opt + "dup/__init__.py", "seven..")
      .file(opt + "dup/new.py", "22")
      .file(opt + "dup/old.py", "1");
  CHECK(version_of_module(files, "/opt/python", "dup") == "1.10");
  files.file(opt + "dup/__init__.py", "five.").file(opt + "dup/new.py", "changed");
  CHECK(version_of_module(files, "/opt/python", "dup") == "1.9");
}
