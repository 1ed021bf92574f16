#pragma once

#include "base/result.hpp"
#include "layers/byte_source.hpp"
#include "layers/extraction_progress.hpp"
#include "layers/prepared_tree.hpp"
#include "layers/tree_listing.hpp"

#include <string_view>

namespace layers {

/// Unpacks an archive into an empty folder (its descriptor), completely or with an error that
/// leaves a half tree for the caller to remove. Nothing is ever written outside the folder. Gives
/// the listing of what is there. Bounded by the limits of limits.hpp while it goes; a layer whose
/// modes AWS refuses is refused before the first file where the format tells the modes up front
/// (zip).
struct ExtractionRequest {
  const ByteSource& source;
  int tree_fd;
  PackageKind kind;
  /// For `progress`, which may be null.
  std::string_view reference;
  ExtractionProgress* progress = nullptr;
};

/// On all cores.
base::Result<TreeListing> extract_zip(const ExtractionRequest& request);
/// tar, tar.gz and tar.zst, in one pass.
base::Result<TreeListing> extract_tar(const ExtractionRequest& request, ArchiveFormat format);

/// Calls started() at once and finished() at the end, also after an error.
class ProgressScope {
 public:
  ProgressScope(const ExtractionRequest& request, std::uint64_t total_bytes)
      : progress_(request.progress) {
    if (progress_ != nullptr) progress_->started(request.reference, total_bytes);
  }
  ~ProgressScope() {
    if (progress_ != nullptr) progress_->finished();
  }
  ProgressScope(const ProgressScope&) = delete;
  ProgressScope& operator=(const ProgressScope&) = delete;

  void advanced(std::uint64_t bytes) const {
    if (progress_ != nullptr && bytes > 0) progress_->advanced(bytes);
  }

 private:
  ExtractionProgress* progress_;
};

}  // namespace layers
