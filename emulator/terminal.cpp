#include "emulator/terminal.hpp"

#include "base/unique_fd.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

namespace emulator {
namespace {

using Clock = std::chrono::steady_clock;

/// Bytes arrive from any extracting thread; whichever finds the time ripe draws.
class ProgressBar final : public layers::ExtractionProgress {
 public:
  void started(std::string_view what, std::uint64_t total_bytes) override {
    const std::lock_guard lock(drawing_);
    what_ = what;
    total_ = total_bytes;
    done_ = 0;
    drawn_ = false;
    next_ = Clock::now() + patience;
  }

  void advanced(std::uint64_t bytes) override {
    done_ += bytes;
    const std::unique_lock lock(drawing_, std::try_to_lock);
    if (!lock || Clock::now() < next_) return;
    next_ = Clock::now() + interval;
    draw();
  }

  void finished() override {
    const std::lock_guard lock(drawing_);
    if (drawn_) print_log("\r\x1b[K");
  }

 private:
  static constexpr std::chrono::milliseconds patience{300};
  static constexpr std::chrono::milliseconds interval{100};
  static constexpr std::size_t width = 30;

  void draw() {
    const double share =
        total_ == 0 ? 0 : std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    const auto full = static_cast<std::size_t>(share * width);
    constexpr double megabyte = 1e6;
    print_log(fmt::format("\r\x1b[K{} [{}{}] {:.0f} of {:.0f} MB", what_, std::string(full, '#'),
                          std::string(width - full, '.'), static_cast<double>(done_) / megabyte,
                          static_cast<double>(total_) / megabyte));
    drawn_ = true;
  }

  std::mutex drawing_;
  std::string what_;
  std::uint64_t total_ = 0;
  std::atomic<std::uint64_t> done_{0};
  bool drawn_ = false;
  Clock::time_point next_;
};

}  // namespace

bool print_result(std::string_view bytes) {
  return base::write_all(STDOUT_FILENO, bytes).has_value();
}

void print_log(std::string_view bytes) {
  // A reader of our logs that went away must not end the function.
  [[maybe_unused]] const auto written = base::write_all(STDERR_FILENO, bytes);
}

void print_error(std::string_view message) {
  const bool colour = ::isatty(STDERR_FILENO) == 1;
  print_log(
      fmt::format("{}error:{} {}\n", colour ? "\x1b[1;31m" : "", colour ? "\x1b[0m" : "", message));
}

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f)
      shown += fmt::format("\\x{:02x}", byte);
    else
      shown += character;
  }
  return shown;
}

Colours result_colours() {
  if (::isatty(STDOUT_FILENO) != 1) return {};
  return {"\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"};
}

std::unique_ptr<layers::ExtractionProgress> make_progress_bar() {
  if (::isatty(STDERR_FILENO) != 1) return nullptr;
  return std::make_unique<ProgressBar>();
}

}  // namespace emulator
