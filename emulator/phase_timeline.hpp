#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace emulator {

/// What a cold start spent its time on, in the order of events. Only measured phases are in it.
class PhaseTimeline {
 public:
  struct Row {
    std::string phase;
    /// The layer (or code) that the row is about; empty for the others.
    std::string package;
    std::chrono::nanoseconds duration{};
    /// The phase before it that this one is a part of; empty for one that stands by itself. The
    /// time of a cold start is the sum of the latter.
    std::string within;
  };

  void add(std::string phase, std::chrono::nanoseconds duration, std::string package = {}) {
    rows_.push_back({std::move(phase), std::move(package), duration, {}});
  }
  void add_part(std::string phase, std::chrono::nanoseconds duration, std::string within) {
    rows_.push_back({std::move(phase), {}, duration, std::move(within)});
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

inline double milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace emulator
