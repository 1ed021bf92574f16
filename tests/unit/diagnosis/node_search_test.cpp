#include "diagnosis/node_search.hpp"

#include "tests/support/memory_files.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using diagnosis::NodeImport;
using diagnosis::NodeSearch;
using diagnosis::Resolution;
using test_support::MemoryFiles;

namespace {

const NodeSearch lambda{.major = 20,
                        .node_path =
                            "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/"
                            "node_modules:/var/runtime:/var/task"};

Resolution required(const MemoryFiles& files, std::string_view specifier,
                    std::string_view from = "/var/task/index.js") {
  return resolve_node(files, lambda, NodeImport::require, specifier, from);
}
Resolution imported(const MemoryFiles& files, std::string_view specifier,
                    std::string_view from = "/var/task/index.mjs") {
  return resolve_node(files, lambda, NodeImport::import, specifier, from);
}

/// The winner's path, else why there is none.
std::string winner(const Resolution& resolution) {
  if (resolution.found) return resolution.candidates.at(0).path;
  return resolution.candidates.empty() ? "" : "not: " + resolution.candidates[0].reason;
}

using Lines = std::vector<std::string>;

Lines paths(const Resolution& resolution) {
  Lines paths;
  for (const auto& candidate : resolution.candidates) paths.push_back(candidate.path);
  return paths;
}

/// A package with these exports.
MemoryFiles& exporting(MemoryFiles& files, const std::string& exports) {
  for (const char* name : {"index.js", "a.js", "b.cjs", "lib/a.js", "lib/inner/a.js"})
    files.file("/opt/nodejs/node_modules/dep/" + std::string(name));
  return files.file("/opt/nodejs/node_modules/dep/package.json",
                    R"({"name":"dep","version":"1.2.3","exports":)" + exports + "}");
}

std::string exported(const std::string& exports, const std::string& specifier,
                     NodeImport how = NodeImport::require) {
  MemoryFiles files;
  exporting(files, exports);
  const std::string found =
      winner(resolve_node(files, lambda, how, specifier, "/var/task/index.js"));
  const std::string folder = "/opt/nodejs/node_modules/dep/";
  return found.starts_with(folder) ? found.substr(folder.size()) : found;
}

}  // namespace

TEST_CASE("the function's own package wins over layers, whose copies are shown with versions") {
  MemoryFiles files;
  files.file("/var/task/node_modules/dep/index.js")
      .file("/var/task/node_modules/dep/package.json", R"({"version":"3.0.0"})")
      .file("/opt/nodejs/node20/node_modules/dep/index.js")
      .file("/opt/nodejs/node_modules/dep/index.js")
      .file("/opt/nodejs/node_modules/dep/package.json", R"({"version":"1.0.0"})");
  for (const Resolution& resolution : {required(files, "dep"), imported(files, "dep")}) {
    CHECK(resolution.found);
    CHECK(paths(resolution) == Lines{"/var/task/node_modules/dep/index.js",
                                     "/opt/nodejs/node20/node_modules/dep/index.js",
                                     "/opt/nodejs/node_modules/dep/index.js"});
    CHECK(resolution.candidates[0].kind == "package");
    CHECK(resolution.candidates[0].version == "3.0.0");
    CHECK(resolution.candidates[0].place == "/var/task/node_modules");
    CHECK(resolution.candidates[0].reason ==
          "in the function's own node_modules, before the layers");
    CHECK(resolution.candidates[1].version.empty());
    CHECK(resolution.candidates[2].version == "1.0.0");
  }
}

TEST_CASE("a file in a layer sees the layer's packages before the function's") {
  MemoryFiles files;
  files.file("/var/task/node_modules/dep/index.js")
      .file("/opt/nodejs/node_modules/dep/index.js")
      .file("/opt/nodejs/node_modules/other/node_modules/dep/index.js");
  CHECK(paths(required(files, "dep", "/opt/nodejs/node_modules/other/lib/x.js")) ==
        Lines{"/opt/nodejs/node_modules/other/node_modules/dep/index.js",
              "/opt/nodejs/node_modules/dep/index.js"});
  CHECK(winner(required(files, "dep", "/opt/nodejs/node_modules/x/x.js")) ==
        "/opt/nodejs/node_modules/dep/index.js");
}

TEST_CASE("NODE_PATH is searched from left to right, and its other folders by require() only") {
  MemoryFiles files;
  files.file("/opt/nodejs/node_modules/dep.js")
      .file("/opt/nodejs/node20/node_modules/dep/index.js")
      .file("/var/task/mine/index.js");
  const Resolution resolution = required(files, "dep");
  CHECK(paths(resolution) ==
        Lines{"/opt/nodejs/node20/node_modules/dep/index.js", "/opt/nodejs/node_modules/dep.js"});
  CHECK(resolution.candidates[0].reason == "the first in NODE_PATH that has it");
  CHECK(resolution.candidates[1].reason == "later in NODE_PATH");
  CHECK(resolution.candidates[1].kind == "module");
  CHECK(resolution.searched == Lines{"/var/task/node_modules", "/var/node_modules", "/node_modules",
                                     "/opt/nodejs/node20/node_modules", "/opt/nodejs/node_modules",
                                     "/var/runtime/node_modules", "/var/runtime", "/var/task"});
  CHECK(winner(required(files, "mine")) == "/var/task/mine/index.js");
  CHECK_FALSE(imported(files, "mine").found);
}

TEST_CASE("import finds packages of layers from Node.js 18 on") {
  MemoryFiles files;
  files.file("/opt/nodejs/node_modules/dep/index.js");
  CHECK(winner(imported(files, "dep")) == "/opt/nodejs/node_modules/dep/index.js");
  NodeSearch old = lambda;
  old.major = 16;
  const Resolution refused =
      resolve_node(files, old, NodeImport::import, "dep", "/var/task/index.mjs");
  CHECK(winner(refused) == "not: import finds no packages of layers before nodejs18.x");
  CHECK(refused.notes.size() == 1);
  CHECK(resolve_node(files, old, NodeImport::require, "dep", "/var/task/index.js").found);
}

TEST_CASE("where a package lacks the file, import goes on in NODE_PATH, as require() may") {
  MemoryFiles files;
  files.file("/var/task/node_modules/dep/index.js")
      .file("/opt/nodejs/node_modules/dep/extra.js")
      .file("/opt/nodejs/node_modules/dep/index.js");
  const Resolution by_import = imported(files, "dep/extra.js");
  CHECK(winner(by_import) == "/opt/nodejs/node_modules/dep/extra.js");
  CHECK(by_import.notes.size() == 1);
  CHECK(winner(required(files, "dep/extra")) == "/opt/nodejs/node_modules/dep/extra.js");
  // Not where "exports" name the file.
  files.file("/var/task/node_modules/dep/package.json", R"({"exports":"./gone.js"})");
  CHECK(winner(imported(files, "dep")) == "/opt/nodejs/node_modules/dep/index.js");
  CHECK(winner(required(files, "dep")) == "not: /var/task/node_modules/dep/gone.js does not exist");
}

TEST_CASE("exports that refuse end the search") {
  MemoryFiles files;
  files.file("/var/task/node_modules/dep/package.json", R"({"exports":{"./a":"./a.js"}})")
      .file("/opt/nodejs/node_modules/dep/index.js");
  for (const Resolution& resolution : {required(files, "dep"), imported(files, "dep")}) {
    CHECK_FALSE(resolution.found);
    CHECK(paths(resolution) ==
          Lines{"/var/task/node_modules/dep", "/opt/nodejs/node_modules/dep/index.js"});
    CHECK(resolution.notes.size() == 1);
    CHECK(resolution.candidates.at(1).reason == "the search ends at /var/task/node_modules/dep");
  }
}

TEST_CASE("exports are chosen by conditions in the order of the file") {
  CHECK(exported(R"("./a.js")", "dep") == "a.js");
  const std::string both = R"({"import":"./a.js","require":"./b.cjs"})";
  CHECK(exported(both, "dep") == "b.cjs");
  CHECK(exported(both, "dep", NodeImport::import) == "a.js");
  CHECK(exported(R"({"default":"./a.js","require":"./b.cjs"})", "dep") == "a.js");
  CHECK(exported(R"({"node":{"import":"./a.js"},"default":"./b.cjs"})", "dep") == "b.cjs");
  CHECK(exported(R"({"module-sync":"./a.js","default":"./b.cjs"})", "dep") == "a.js");
  CHECK(exported(R"({"import":"./a.js"})", "dep") ==
        "not: its \"exports\" have no entry for require()");
  CHECK(exported(R"({"x":"./a.js","x":"./b.cjs","default":"./a.js","default":"./b.cjs"})", "dep") ==
        "b.cjs");
}

TEST_CASE("exports map subpaths, by patterns too") {
  const std::string map =
      R"({"./*":"./*.js","./lib/*":"./lib/*.js","./lib/inner/*":null,"./p":["x","./a.js"]})";
  CHECK(exported(map, "dep/a") == "a.js");
  CHECK(exported(map, "dep/lib/a") == "lib/a.js");
  CHECK(exported(map, "dep/lib/inner/a") ==
        "not: its \"exports\" have no \"./lib/inner/a\" for require()");
  CHECK(exported(map, "dep/p") == "a.js");
  CHECK(exported(map, "dep").starts_with("not: "));
  CHECK(exported(R"({"./lib/":"./lib/"})", "dep/lib/a.js").starts_with("not: "));
}

TEST_CASE("targets that leave the package are refused") {
  for (const std::string target :
       {"../x.js", "./../x.js", "./node_modules/x.js", "./%2e%2e/x.js", "/x.js", "x.js", "fs"})
    CHECK(exported("\"" + target + "\"", "dep") ==
          "not: \"" + target + "\" that its \"exports\" have for \".\" is no valid target");
  CHECK(exported(R"({"./*":"./lib/*"})", "dep/../a.js").starts_with("not: "));
  CHECK(exported(R"({".":"./a.js","import":"./a.js"})", "dep") ==
        "not: its \"exports\" mix paths and conditions");
  CHECK(exported("3", "dep").starts_with("not: "));
}

TEST_CASE("require() guesses extensions and index files, import takes names in full") {
  MemoryFiles files;
  files.file("/var/task/lib/a.js")
      .file("/var/task/lib/index.json")
      .file("/var/task/lib.js")
      .file("/var/task/native.node")
      .file("/opt/nodejs/node_modules/dep/lib/a.js");
  CHECK(winner(required(files, "./lib")) == "/var/task/lib.js");
  CHECK(winner(required(files, "./lib/")) == "/var/task/lib/index.json");
  CHECK(required(files, "./lib/").candidates.at(0).kind == "json");
  CHECK(required(files, "./native").candidates.at(0).kind == "addon");
  CHECK(winner(required(files, ".", "/var/task/lib/x.js")) == "/var/task/lib/index.json");
  CHECK(winner(required(files, "dep/lib/a")) == "/opt/nodejs/node_modules/dep/lib/a.js");
  CHECK(winner(required(files, "/var/task/lib/a")) == "/var/task/lib/a.js");
  CHECK_FALSE(imported(files, "./lib").found);
  CHECK_FALSE(imported(files, "./lib/a").found);
  CHECK(winner(imported(files, "./lib/%61.js?query#part")) == "/var/task/lib/a.js");
  CHECK(winner(imported(files, "file:///var/task/lib/a.js")) == "/var/task/lib/a.js");
  CHECK_FALSE(imported(files, "./lib%2fa.js").found);
  CHECK_FALSE(imported(files, "dep/lib/a").found);
  CHECK(winner(imported(files, "dep/lib/a.js")) == "/opt/nodejs/node_modules/dep/lib/a.js");
}

TEST_CASE("a main that leads nowhere falls back to index.js, else require() ends the search") {
  MemoryFiles files;
  files.file("/var/task/node_modules/dep/package.json", R"({"main":"gone"})")
      .file("/opt/nodejs/node_modules/dep/index.js");
  CHECK(winner(required(files, "dep")) == "not: its \"main\" \"gone\" does not exist");
  CHECK(winner(imported(files, "dep")) == "/opt/nodejs/node_modules/dep/index.js");
  files.file("/var/task/node_modules/dep/index.js");
  CHECK(winner(required(files, "dep")) == "/var/task/node_modules/dep/index.js");
  files.file("/var/task/node_modules/dep/gone/index.json");
  CHECK(winner(required(files, "dep")) == "/var/task/node_modules/dep/gone/index.json");
}

TEST_CASE("built-in modules win over packages of that name") {
  MemoryFiles files;
  files.file("/opt/nodejs/node_modules/buffer/index.js");
  const Resolution resolution = required(files, "buffer");
  CHECK(paths(resolution) == Lines{"node:buffer", "/opt/nodejs/node_modules/buffer/index.js"});
  CHECK(resolution.candidates[0].kind == "built-in module");
  CHECK(resolution.candidates[1].reason == "built-in modules come first");
  CHECK(winner(required(files, "buffer/")) == "/opt/nodejs/node_modules/buffer/index.js");
  CHECK(imported(files, "node:test").found);
  CHECK_FALSE(required(files, "test").found);
  CHECK_FALSE(required(files, "node:sqlite").found);
}

TEST_CASE("a package may ask for itself and by its own imports") {
  MemoryFiles files;
  files
      .file("/opt/nodejs/node_modules/dep/package.json",
            R"({"name":"dep","version":"2.0.0","exports":{"./a":"./lib/a.js"},
                "imports":{"#a":"./lib/a.js","#other/*":"other/*","#fs":"fs","#no":null}})")
      .file("/opt/nodejs/node_modules/dep/lib/a.js")
      .file("/opt/nodejs/node_modules/other/x.js")
      .file("/var/task/node_modules/dep/index.js");
  const std::string from = "/opt/nodejs/node_modules/dep/lib/a.js";
  for (const NodeImport how : {NodeImport::require, NodeImport::import}) {
    const auto found = [&](std::string_view specifier) {
      return resolve_node(files, lambda, how, specifier, from);
    };
    CHECK(winner(found("dep/a")) == "/opt/nodejs/node_modules/dep/lib/a.js");
    CHECK_FALSE(found("dep").found);
    CHECK(winner(found("#a")) == "/opt/nodejs/node_modules/dep/lib/a.js");
    CHECK(found("#a").candidates.at(0).version == "2.0.0");
    CHECK(winner(found("#other/x.js")) == "/opt/nodejs/node_modules/other/x.js");
    CHECK_FALSE(found("#no").found);
    CHECK_FALSE(found("#unknown").found);
  }
  CHECK(winner(imported(files, "#fs", from)) == "node:fs");
}

TEST_CASE("links are followed: what counts is where the importing file really is") {
  MemoryFiles files;
  files.file("/opt/shared/lib/a.js")
      .file("/opt/shared/node_modules/dep/index.js")
      .file("/opt/store/dep/index.js")
      .link("/var/task/a.js", "/opt/shared/lib/a.js")
      .link("/opt/nodejs/node_modules/dep", "../../store/dep");
  CHECK(winner(required(files, "dep", "/var/task/a.js")) ==
        "/opt/shared/node_modules/dep/index.js");
  CHECK(winner(required(files, "dep")) == "/opt/store/dep/index.js");
  CHECK(required(files, "dep").candidates.at(0).place == "/opt/nodejs/node_modules");
}

TEST_CASE("a package.json that cannot be read ends the search, however hostile it is") {
  for (const std::string& text :
       {std::string("{"), std::string(), std::string("null"), std::string(2 << 20, ' '),
        std::string(100'000, '['), "{\"exports\":" + std::string(500'000, '[')}) {
    MemoryFiles files;
    files.file("/var/task/node_modules/dep/package.json", text)
        .file("/var/task/node_modules/dep/index.js");
    CHECK_FALSE(required(files, "dep").found);
    CHECK_FALSE(imported(files, "dep").found);
  }
}

TEST_CASE("specifiers of any kind have an answer") {
  MemoryFiles files;
  exporting(files, R"({"./*":"./*"})");
  for (const char* specifier :
       {"",     "/",     "//",    "@",       "@/",     "@s",        "@s/",   "%",         "./%",
        "./%2", "#",     "#/",    "\\",      "..",     "...",       ".a",    "?",         "dep?",
        "dep/", "dep//", "dep/*", "dep/%zz", "data:x", "http://x/", "file:", "file://h/x"})
    for (const NodeImport how : {NodeImport::require, NodeImport::import}) {
      CAPTURE(specifier);
      CHECK_FALSE(resolve_node(files, lambda, how, specifier, "").found);
    }
}

TEST_CASE("without folders of layers in NODE_PATH a note says so") {
  MemoryFiles files;
  files.file("/opt/nodejs/node_modules/dep/index.js");
  const NodeSearch search{.major = 20, .node_path = "/var/task/vendor:lib"};
  const Resolution resolution =
      resolve_node(files, search, NodeImport::require, "dep", "/var/task/index.js");
  CHECK_FALSE(resolution.found);
  CHECK(resolution.searched.back() == "/var/task/lib");
  CHECK(resolution.notes == Lines{"NODE_PATH names no folder of the layers."});
}
