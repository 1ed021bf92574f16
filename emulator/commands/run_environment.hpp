#pragma once

#include "base/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace emulator {

/// Runs `work` to its end on `context`. SIGINT and SIGTERM stop it: the caller then finds no result
/// and everything that it owns ends in order.
struct Interrupted {
  int signal = 0;
};
base::Result<void> run_to_end(boost::asio::io_context& context,
                              boost::asio::awaitable<base::Result<void>> work,
                              Interrupted& interrupted);

}  // namespace emulator
