#pragma once

#include "emulator/command_line.hpp"
#include "emulator/execution_environment.hpp"
#include "emulator/runtime_catalogue.hpp"
#include "layers/layer_store.hpp"
#include "layers/prepared_tree.hpp"

#include <optional>
#include <vector>

namespace emulator {

/// A function whose code and layers are ready on disk, and the plan of its environments. The store
/// must stay open as long as an environment made of it lives.
struct PreparedFunction {
  layers::PreparedTree code;
  std::vector<layers::PreparedTree> layers;
  layers::OptComposition opt;
  ExecutionEnvironment::Plan plan;
  /// resolve, verify, extract (a row per package), compose.
  PhaseTimeline timeline;
};

/// Steps 3 to 5 of an invocation's life: layers to trees, trees to /opt, everything to a plan. From
/// its return on no archive is opened. Blocking. `progress` may be null.
base::Result<PreparedFunction> prepare_function(const FunctionSelection& selection,
                                                layers::LayerStore& store,
                                                layers::ExtractionProgress* progress);

/// One layer by its path. An ARN is an error that says so.
base::Result<layers::PreparedTree> prepare_layer(const std::string& reference,
                                                 layers::LayerStore& store,
                                                 layers::ExtractionProgress* progress);

Memory memory_of(layers::LayerStore& store);

}  // namespace emulator
