#pragma once

#include "diagnosis/file_view.hpp"
#include "sandbox/sandbox_spec.hpp"

#include <map>
#include <string>
#include <vector>

namespace emulator {

/// The file system that a plan would build, without building it: each path is looked up on the host
/// where the plan's mounts would show it. What the kernel makes (/proc, /dev) is not there.
class PlannedFiles final : public diagnosis::FileView {
 public:
  explicit PlannedFiles(std::vector<sandbox::MountStep> steps);

  std::optional<diagnosis::FileNode> look(const std::string& path) const override;
  std::vector<std::string> names(const std::string& directory) const override;
  std::optional<std::string> read(const std::string& path, std::size_t limit) const override;

 private:
  /// The last step whose target is the path or above it; null when it is in the bare new root.
  const sandbox::MountStep* step_for(const std::string& path) const;
  /// Host paths that may show there, the topmost first.
  std::vector<std::string> sources_of(const sandbox::MountStep& step,
                                      const std::string& path) const;
  /// The one that does; empty when none.
  std::string source_of(const sandbox::MountStep& step, const std::string& path) const;

  std::vector<sandbox::MountStep> steps_;
  /// Names that mounts and their parents add to a directory.
  std::map<std::string, std::vector<std::string>> made_names_;
};

}  // namespace emulator
