#include "sandbox/output_pump.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>

namespace sandbox {

namespace asio = boost::asio;

struct OutputPump::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor, base::UniqueFd reading_end, OnBytes sink)
      : pipe(executor, reading_end.release()), on_bytes(std::move(sink)) {}

  void wait() {
    pipe.async_wait(asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& error) {
                      if (!error && self->pipe.is_open() && self->read_once() != 0) self->wait();
                    });
  }

  /// Bytes read; 0 at the end, negative when there is nothing now.
  ssize_t read_once() {
    ssize_t count = 0;
    do {
      count = ::read(pipe.native_handle(), buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count > 0) on_bytes({buffer.data(), static_cast<std::size_t>(count)});
    return count;
  }

  asio::posix::stream_descriptor pipe;
  OnBytes on_bytes;
  std::array<char, 65536> buffer;
};

OutputPump::OutputPump(asio::any_io_executor executor, base::UniqueFd reading_end,
                       OnBytes on_bytes) {
  // Cannot fail on a pipe of our own.
  if (const auto set = base::set_nonblocking(reading_end.get()); !set) return;
  state_ = std::make_shared<State>(executor, std::move(reading_end), std::move(on_bytes));
  state_->wait();
}

OutputPump::~OutputPump() {
  if (!state_) return;
  boost::system::error_code ignored;
  state_->pipe.close(ignored);
}

void OutputPump::drain() {
  if (!state_) return;
  // A process that writes faster than we read must not hold us here.
  constexpr int most_chunks = 16;
  for (int chunk = 0; chunk < most_chunks && state_->read_once() > 0; ++chunk) {
  }
}

}  // namespace sandbox
