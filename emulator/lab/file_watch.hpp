#pragma once

#include "emulator/lab/lab_result.hpp"
#include "emulator/lab/package_files.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace emulator {

/// Where lamina-file-watch lies inside: no place of AWS's, and none that a search path leads to.
inline constexpr const char* file_watch_inside = "/var/rapid/lamina-file-watch";

/// What lamina-file-watch writes (its source says how), as it arrives in pieces. The processes of
/// the function are its user's, so nothing is believed of what arrives: it is bounded, and paths
/// that no package has count for nothing.
class WatchRecords {
 public:
  void feed(std::string_view bytes);

  /// Every opened file has been told.
  bool complete() const { return ended_ && problem_.empty(); }
  /// Why not, as a sentence with a remedy.
  std::string problem() const;
  /// Absolute paths inside, without links.
  const std::unordered_set<std::string>& opened() const { return opened_; }

 private:
  void take(std::string_view record);

  std::string rest_;
  std::unordered_set<std::string> opened_;
  bool ended_ = false;
  std::string problem_;
};

/// `packages` come with name, is_code, files and bytes; what was touched of them is filled in.
void count_touched(const std::unordered_set<std::string>& opened, const PackageFiles& files,
                   std::vector<TouchedPackage>& packages);

}  // namespace emulator
