#pragma once

#include <cstdint>
#include <string_view>

namespace layers {

/// Told by an extraction how far it is, so that the owner can draw a bar. Knows nothing of
/// terminals. The owner keeps it alive until the call it was passed to has returned. Sizes in
/// bytes. started() and finished() come once each, from the calling thread, and only when there is
/// work to do; advanced() may come from any thread, from several at once.
class ExtractionProgress {
 public:
  virtual ~ExtractionProgress() = default;

  /// `what` is the reference as the user wrote it; `total_bytes` is the size once unpacked (of the
  /// archive for a tar, whose unpacked size is not known ahead).
  virtual void started(std::string_view what, std::uint64_t total_bytes) = 0;
  /// `bytes` more are done.
  virtual void advanced(std::uint64_t bytes) = 0;
  /// Also after a failure.
  virtual void finished() = 0;
};

}  // namespace layers
