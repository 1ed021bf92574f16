#include "emulator/lab/variants.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using emulator::CacheState;
using emulator::ColdstartCommand;

namespace {

using Names = std::vector<std::string>;

ColdstartCommand command_with(std::vector<std::string> layers) {
  ColdstartCommand command;
  command.selection.layers = std::move(layers);
  command.selection.function.memory_size = 128;
  command.states = {CacheState::extracted};
  return command;
}

Names names(const ColdstartCommand& command) {
  Names found;
  for (const auto& variant : plan_variants(command)) found.push_back(variant.name);
  return found;
}

}  // namespace

TEST_CASE("each layer is left out in turn, and all of them") {
  CHECK(names(command_with({"a", "b"})) ==
        Names{"as configured", "no layers", "without layer 1", "without layer 2", "one package"});
  const auto variants = plan_variants(command_with({"a", "b"}));
  CHECK(variants[2].selection.layers == std::vector<std::string>{"b"});
  CHECK(variants[2].without_layer == 1);
  CHECK(variants[3].selection.layers == std::vector<std::string>{"a"});
  CHECK(variants[4].selection.layers.empty());
}

TEST_CASE("one layer is left out once, no layer never") {
  CHECK(names(command_with({"a"})) == Names{"as configured", "no layers", "one package"});
  CHECK(names(command_with({})) == Names{"as configured"});
  auto command = command_with({"a", "b"});
  command.leave_out = false;
  CHECK(names(command) == Names{"as configured"});
}

TEST_CASE("memory sizes, states and orders are crossed") {
  auto command = command_with({"a", "b"});
  command.leave_out = false;
  command.memory_sizes = {128, 512};
  command.states = {CacheState::extracted, CacheState::cold_store};
  command.orders = {{2, 1}};
  CHECK(names(command) ==
        Names{"as configured, 128 MB, extracted", "as configured, 128 MB, cold-store",
              "as configured, 512 MB, extracted", "as configured, 512 MB, cold-store",
              "order 2,1, 128 MB, extracted", "order 2,1, 128 MB, cold-store",
              "order 2,1, 512 MB, extracted", "order 2,1, 512 MB, cold-store"});
  CHECK(plan_variants(command)[4].selection.layers == std::vector<std::string>{"b", "a"});
}
