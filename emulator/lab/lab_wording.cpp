#include "emulator/lab/lab_wording.hpp"

#include "emulator/reports/wording.hpp"

#include <fmt/format.h>

namespace emulator {

std::string difference_text(const Difference& value) {
  if (!value.shown())
    return fmt::format("no measurable difference [{:+.1f}, {:+.1f}] ms", value.interval.low,
                       value.interval.high);
  return fmt::format("{:+.1f} ms [{:+.1f}, {:+.1f}]", value.median, value.interval.low,
                     value.interval.high);
}

std::string extraction_text(const LabPackage& package, double extract_ms) {
  const double per_second = static_cast<double>(package.bytes) / 1e6 / extract_ms * 1000;
  return fmt::format("{} MB in, {} MB out, {}, {:.0f} MB/s", megabytes(package.archive_bytes),
                     megabytes(package.bytes), counted(package.files, "file"), per_second);
}

}  // namespace emulator
