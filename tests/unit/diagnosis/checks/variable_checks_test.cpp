#include "tests/support/package_builder.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace diagnosis;

using test_support::FunctionBuilder;
using test_support::PackageBuilder;

namespace {

std::size_t found(const char* runtime, const std::string& file, const std::string& name,
                  const std::string& value) {
  return FunctionBuilder(runtime)
      .layer(PackageBuilder("a").file(file))
      .variable(name, value)
      .check("layers-hidden-by-variable")
      .size();
}

}  // namespace

TEST_CASE("a variable that leaves the layers' folders out hides them") {
  CHECK(found("python3.12", "python/x.py", "PYTHONPATH", "/var/task/lib") == 1);
  CHECK(found("nodejs20.x", "nodejs/node_modules/x/y.js", "NODE_PATH", "") == 1);
  CHECK(found("ruby3.3", "ruby/gems/3.3.0/x", "GEM_PATH", "/x") == 1);
  CHECK(found("ruby3.3", "ruby/lib/x.rb", "RUBYLIB", "/x") == 1);
  CHECK(found("java21", "lib/libx.so", "LD_LIBRARY_PATH", "/lib64") == 1);
  CHECK(found("", "bin/tool", "PATH", "/bin") == 1);
}

TEST_CASE("a variable that names them, or that nothing depends on, hides nothing") {
  CHECK(found("python3.12", "python/x.py", "PYTHONPATH", "/x:/opt/python") == 0);
  CHECK(found("python3.12", "lib/libx.so", "PYTHONPATH", "/x") == 0);
  CHECK(found("nodejs20.x", "python/x.py", "PYTHONPATH", "/x") == 0);
  CHECK(found("", "python/x.py", "PYTHONPATH", "/x") == 0);
  CHECK(found("java21", "bin/tool", "PATH", "/bin:/opt/bin") == 0);
  CHECK(found("python3.12", "python/x.py", "OTHER", "/x") == 0);
}

TEST_CASE("the message shows what was set") {
  const auto findings = FunctionBuilder("python3.12")
                            .layer(PackageBuilder("a").file("python/x.py"))
                            .variable("PYTHONPATH", "/x")
                            .check("layers-hidden-by-variable");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].message ==
        "PYTHONPATH=/x is set by the function, so \"/opt/python\" is not searched.");
  CHECK(findings[0].package.empty());
}
