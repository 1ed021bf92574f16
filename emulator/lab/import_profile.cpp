#include "emulator/lab/import_profile.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace emulator {
namespace {

constexpr std::size_t longest_line = 16 * 1024;
constexpr std::size_t most_modules = 5000;
/// No import takes longer than an init and an invocation together may.
constexpr std::uint64_t longest_ns = 1'000'000'000'000;
constexpr double ns_per_ms = 1e6;

bool read_ns(std::string_view text, double& milliseconds) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end || value > longest_ns) return false;
  milliseconds = static_cast<double>(value) / ns_per_ms;
  return true;
}

}  // namespace

void ImportLines::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    // Lines of the function's own may have any length; only the beginning of one is ever kept.
    if (!skipping_ && line_.size() + part.size() > longest_line) {
      skipping_ = true;
      line_.clear();
    }
    if (!skipping_) line_ += part;
    if (end == std::string_view::npos) return;
    if (!skipping_) take(line_);
    skipping_ = false;
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
}

void ImportLines::take(std::string_view line) {
  if (mark_.empty() || !line.starts_with(mark_)) return;
  line.remove_prefix(mark_.size());
  // An empty one before the first tab, then kind, name, self, total, file.
  std::array<std::string_view, 6> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t tab = i + 1 < fields.size() ? line.find('\t') : line.size();
    if (tab == std::string_view::npos) return;
    fields[i] = line.substr(0, tab);
    line.remove_prefix(std::min(line.size(), tab + 1));
  }
  const auto& [before, kind, name, self, total, file] = fields;
  ImportedModule module;
  if (!before.empty() || name.empty() || !read_ns(self, module.self_ms) ||
      !read_ns(total, module.total_ms))
    return;
  if (modules_.size() == most_modules) {
    cut_ = true;
    return;
  }
  has_es_modules_ = has_es_modules_ || kind == "es";
  module.name = name;
  module.file = file;
  modules_.push_back(std::move(module));
}

}  // namespace emulator
