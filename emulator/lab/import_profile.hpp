#pragma once

#include "emulator/lab/lab_result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

/// The variable that makes our bootstraps profile imports. A function cannot have it: the names of
/// its own variables begin with a letter. The bootstraps take it away before the function starts.
inline constexpr const char* import_profile_variable = "_LAMINA_IMPORT_PROFILE";

/// What the bootstraps write into the log about imports, among whatever the function writes there:
/// lines of MARK, kind ("es" or empty), name, nanoseconds without and with nested imports, and
/// file, parted by tabs. The mark is random, so that a function does not write such lines by
/// chance; one that does it on purpose deceives its own author, but no more: what is malformed is
/// left out, and all is bounded.
class ImportLines {
 public:
  explicit ImportLines(std::string mark) : mark_(std::move(mark)) {}

  void feed(std::string_view bytes);

  /// In the order in which they arrived; `package` is empty.
  const std::vector<ImportedModule>& modules() const { return modules_; }
  /// There were more than are kept.
  bool cut() const { return cut_; }
  /// ES modules are among them: their times are those of their evaluation alone.
  bool has_es_modules() const { return has_es_modules_; }

 private:
  void take(std::string_view line);

  std::string mark_;
  std::string line_;
  bool skipping_ = false;
  bool cut_ = false;
  bool has_es_modules_ = false;
  std::vector<ImportedModule> modules_;
};

}  // namespace emulator
