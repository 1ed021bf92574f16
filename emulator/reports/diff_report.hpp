#pragma once

#include "diagnosis/tree_diff.hpp"
#include "emulator/terminal.hpp"

#include <string>
#include <vector>

namespace emulator {

/// `before` and `after` name what is compared: two layers, or two orders.
std::string to_text(const diagnosis::TreeDiff& diff, const std::string& before,
                    const std::string& after, const Colours& colours);
/// Schema lamina-diff/1.
std::string to_json(const diagnosis::TreeDiff& diff, const std::string& before,
                    const std::string& after);

/// What one order of the layers gave.
struct OrderResult {
  /// Numbers of the layers, counted from 1, the lowest first.
  std::vector<std::size_t> order;
  bool succeeded = false;
  std::string error_type;
  std::string payload;
};
std::string to_text(const std::vector<OrderResult>& results);
/// Schema lamina-permute/1.
std::string to_json(const std::vector<OrderResult>& results);

/// "2,1,3".
std::string order_text(const std::vector<std::size_t>& order);
/// How many different answers there are.
std::size_t different_results(const std::vector<OrderResult>& results);

}  // namespace emulator
