#pragma once

#include "diagnosis/checks/checks.hpp"
#include "emulator/command_line.hpp"
#include "emulator/runtime_catalogue.hpp"
#include "layers/extraction_progress.hpp"
#include "layers/layer_store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace emulator {

/// A function with its layers as diagnosis sees it: everything read, nothing run, no plan made.
/// Movable; the view and the subject point into it.
class Examination {
 public:
  /// The first package that cannot be had is an error.
  static base::Result<Examination> make(const FunctionSelection& selection,
                                        layers::LayerStore& store,
                                        layers::ExtractionProgress* progress);
  /// What AWS would refuse becomes a finding, and the rest is looked at all the same. Errors are
  /// left for what is wrong with the command or the host.
  static base::Result<Examination> make_lenient(const FunctionSelection& selection,
                                                layers::LayerStore& store,
                                                layers::ExtractionProgress* progress,
                                                std::vector<diagnosis::Finding>& refused);

  const diagnosis::Subject& subject() const { return parts_->subject; }
  const diagnosis::OptView& opt() const { return *parts_->opt; }
  const std::vector<diagnosis::Package>& layers() const { return parts_->layers; }
  const diagnosis::Package* code() const { return parts_->subject.code; }

 private:
  struct Parts {
    std::optional<diagnosis::Package> code;
    std::vector<diagnosis::Package> layers;
    std::optional<diagnosis::OptView> opt;
    diagnosis::Subject subject;
  };

  base::Result<void> start(const FunctionSelection& selection, layers::LayerStore& store);
  void finish();

  std::unique_ptr<Parts> parts_ = std::make_unique<Parts>();
};

/// The biggest folders, two levels deep, of everything that counts against AWS's limit: lines such
/// as "123456789  layer \"a.zip\": python/scipy".
std::vector<std::string> biggest_folders(const Examination& examination, std::size_t count);

}  // namespace emulator
