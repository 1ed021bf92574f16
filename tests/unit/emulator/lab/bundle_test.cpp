#include "emulator/lab/bundle.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using emulator::plan_bundle;
using layers::TreeEntry;
using layers::TreeListing;

namespace {

TreeListing listing(const std::vector<std::string>& paths) {
  TreeListing entries;
  for (const std::string& path : paths) {
    TreeEntry entry;
    entry.path = path;
    entry.type = path.ends_with('/') ? TreeEntry::Type::directory : TreeEntry::Type::file;
    if (path.ends_with('/')) entry.path.pop_back();
    entries.push_back(entry);
  }
  return entries;
}

/// "name <- package:path", in order; directories are left out.
std::vector<std::string> bundle(const std::string& runtime, const std::vector<TreeListing>& layers,
                                const TreeListing& code) {
  std::vector<std::string> shown;
  for (const auto& bundled : plan_bundle(runtime, layers::merge(layers), code))
    if (bundled.entry.type == TreeEntry::Type::file)
      shown.push_back(bundled.entry.path + " <- " + std::to_string(bundled.package) + ":" +
                      bundled.source);
  return shown;
}

using Shown = std::vector<std::string>;

}  // namespace

TEST_CASE("Python's modules of a layer lie beside the handler") {
  CHECK(bundle("python3.12",
               {listing({"python/a.py", "python/lib/python3.12/site-packages/b/__init__.py"})},
               listing({"app.py"})) ==
        Shown{"a.py <- 1:python/a.py", "app.py <- 0:app.py",
              "b/__init__.py <- 1:python/lib/python3.12/site-packages/b/__init__.py"});
}

TEST_CASE("another Python's site-packages are not found, so they stay where they are") {
  CHECK(bundle("python3.12", {listing({"python/lib/python3.11/site-packages/b.py"})}, {}) ==
        Shown{"lib/python3.11/site-packages/b.py <- 1:python/lib/python3.11/site-packages/b.py"});
}

TEST_CASE("what the search would have found first is what the package has, whole") {
  const auto low = listing({"python/x/__init__.py", "python/x/old.py", "python/y.py"});
  const auto high = listing({"python/lib/python3.12/site-packages/x.py"});
  CHECK(bundle("python3.12", {low, high}, listing({"y/__init__.py"})) ==
        Shown{"x.py <- 2:python/lib/python3.12/site-packages/x.py",
              "y/__init__.py <- 0:y/__init__.py"});
}

TEST_CASE("Node.js' packages come together in node_modules, scopes by their packages") {
  const auto layer =
      listing({"nodejs/node_modules/a/index.js", "nodejs/node20/node_modules/a/i.js",
               "nodejs/node_modules/@s/p/i.js", "nodejs/node20/node_modules/@s/q/i.js",
               "nodejs/node18/node_modules/c/i.js"});
  CHECK(bundle("nodejs20.x", {layer}, listing({"node_modules/@s/q/own.js"})) ==
        Shown{"node_modules/@s/p/i.js <- 1:nodejs/node_modules/@s/p/i.js",
              "node_modules/@s/q/own.js <- 0:node_modules/@s/q/own.js",
              "node_modules/a/i.js <- 1:nodejs/node20/node_modules/a/i.js",
              "nodejs/node18/node_modules/c/i.js <- 1:nodejs/node18/node_modules/c/i.js"});
}

TEST_CASE("all else keeps its path, and the code wins") {
  CHECK(bundle("provided.al2023", {listing({"lib/x.so", "bootstrap"}), listing({"lib/x.so"})},
               listing({"bootstrap"})) ==
        Shown{"bootstrap <- 0:bootstrap", "lib/x.so <- 2:lib/x.so"});
}

TEST_CASE("a file of the code in the place of a layer's directory leaves nothing below it") {
  CHECK(bundle("provided.al2023", {listing({"data/", "data/a", "data-b"})}, listing({"data"})) ==
        Shown{"data <- 0:data", "data-b <- 1:data-b"});
}
