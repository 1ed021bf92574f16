#pragma once

#include "base/unique_fd.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace sandbox {

/// Reads a pipe that processes inside write to and hands out what arrives, as it arrives. Knows
/// nothing of lines or logs. A writer without end is slowed down by the pipe, not by memory of
/// ours: at most one chunk is held. Same thread rule as Sandbox.
class OutputPump {
 public:
  using OnBytes = std::function<void(std::string_view)>;

  OutputPump(boost::asio::any_io_executor executor, base::UniqueFd reading_end, OnBytes on_bytes);
  ~OutputPump();
  OutputPump(OutputPump&&) noexcept = default;
  OutputPump& operator=(OutputPump&&) noexcept = default;

  /// Hands out now what the pipe holds at this moment (at most a pipe's capacity), so that output
  /// written before an event is logged before it.
  void drain();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sandbox
