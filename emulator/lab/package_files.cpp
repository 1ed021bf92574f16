#include "emulator/lab/package_files.hpp"

#include "layers/merge.hpp"

namespace emulator {

using layers::TreeEntry;

PackageFiles::PackageFiles(const layers::TreeListing& code,
                           const std::vector<layers::TreeListing>& layers) {
  for (const TreeEntry& entry : code)
    files_["/var/task/" + entry.path] = {0, entry.size, entry.type == TreeEntry::Type::directory};
  for (const layers::MergedEntry& merged : layers::merge(layers))
    files_["/opt/" + merged.entry.path] = {merged.tree + 1, merged.entry.size,
                                           merged.entry.type == TreeEntry::Type::directory};
}

std::optional<PackageFiles::File> PackageFiles::find(std::string_view path) const {
  const auto found = files_.find(std::string(path));
  return found == files_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<PackageFiles::File> PackageFiles::find_container(std::string_view path) const {
  if (const auto found = find(path)) return found;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
       slash = path.rfind('/')) {
    path = path.substr(0, slash);
    if (const auto found = find(path)) {
      if (found->is_directory) return std::nullopt;
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace emulator
