#pragma once

#include "diagnosis/file_view.hpp"

#include <filesystem>

namespace diagnosis {

/// A folder of the host as the root of a view. Nothing is followed on the way: a symbolic link in
/// it leads where it would lead inside.
class FolderFiles final : public FileView {
 public:
  explicit FolderFiles(std::filesystem::path root) : root_(std::move(root)) {}

  std::optional<FileNode> look(const std::string& path) const override;
  std::vector<std::string> names(const std::string& directory) const override;
  std::optional<std::string> read(const std::string& path, std::size_t limit) const override;

 private:
  std::filesystem::path root_;
};

}  // namespace diagnosis
