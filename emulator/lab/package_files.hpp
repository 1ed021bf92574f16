#pragma once

#include "layers/tree_listing.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace emulator {

/// Which package a path inside comes from: below /var/task the code, below /opt the layer whose
/// file shows there. Packages are numbered as LabVariant::packages: the code is 0, then the layers
/// in order. Pure; knows no disk.
class PackageFiles {
 public:
  PackageFiles(const layers::TreeListing& code, const std::vector<layers::TreeListing>& layers);

  struct File {
    std::size_t package = 0;
    /// Bytes of the file.
    std::uint64_t size = 0;
    bool is_directory = false;
  };
  /// What is at an absolute path without links; nothing where no package has anything.
  std::optional<File> find(std::string_view path) const;
  /// The same for what may lie inside a file (a module in a zip): the file then.
  std::optional<File> find_container(std::string_view path) const;

 private:
  std::unordered_map<std::string, File> files_;
};

}  // namespace emulator
