#pragma once

#include "base/result.hpp"
#include "emulator/lab/lab_result.hpp"
#include "layers/layer_store.hpp"

#include <string>

namespace emulator {

/// Whether imports are profiled, too.
enum class ImportProfile { off, on };

/// Cold starts of the first variant (the configuration as given) with one invocation each, in which
/// it is watched what they open and, if asked for, import. Watching costs time, so these runs are
/// in no timing. Fills result.touched and result.imports, or adds notes that say why they could not
/// be had; an error is only what `lamina` itself cannot do. Blocking.
base::Result<void> observe(layers::LayerStore& store, const std::string& event,
                           ImportProfile imports, LabResult& result);

}  // namespace emulator
