#include "emulator/lab/variants.hpp"

#include "emulator/reports/diff_report.hpp"

namespace emulator {

std::vector<LabVariant> plan_variants(const ColdstartCommand& command) {
  using Kind = LabVariant::Kind;
  std::vector<LabVariant> variants;
  const FunctionSelection& given = command.selection;
  std::vector<std::uint32_t> sizes = command.memory_sizes;
  if (sizes.empty()) sizes.push_back(given.function.memory_size);
  const auto add = [&](Kind kind, const std::string& name, std::vector<std::string> layers) {
    LabVariant variant;
    variant.kind = kind;
    variant.selection = given;
    variant.selection.layers = std::move(layers);
    for (const std::uint32_t size : sizes)
      for (const CacheState state : command.states) {
        variant.condition.clear();
        if (sizes.size() > 1) variant.condition += ", " + std::to_string(size) + " MB";
        if (command.states.size() > 1) variant.condition += ", " + std::string(to_string(state));
        variant.name = name + variant.condition;
        variant.selection.function.memory_size = size;
        variant.state = state;
        variants.push_back(variant);
      }
  };
  add(Kind::configured, "as configured", given.layers);
  for (const std::vector<std::size_t>& order : command.orders) {
    std::vector<std::string> layers;
    for (const std::size_t number : order) layers.push_back(given.layers[number - 1]);
    add(Kind::other_order, "order " + order_text(order), std::move(layers));
  }
  if (!command.leave_out || given.layers.empty()) return variants;
  add(Kind::without_any, "no layers", {});
  for (std::size_t i = 0; i < given.layers.size() && given.layers.size() > 1; ++i) {
    const std::size_t first = variants.size();
    std::vector<std::string> layers = given.layers;
    layers.erase(layers.begin() + static_cast<std::ptrdiff_t>(i));
    add(Kind::without_one, "without layer " + std::to_string(i + 1), std::move(layers));
    for (std::size_t added = first; added < variants.size(); ++added)
      variants[added].without_layer = i + 1;
  }
  // Its one package is made when the lab runs.
  add(Kind::bundled, "one package", {});
  return variants;
}

}  // namespace emulator
