#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <string>
#include <string_view>

namespace layers {

/// A folder tmp/<random>/ of the store for work in progress. Its lock (flock on the folder itself,
/// which the kernel drops with the process) tells a live owner from a dead one. What is finished
/// leaves it by rename; the destructor removes the rest. The store's descriptor is not owned.
class WorkFolder {
 public:
  static base::Result<WorkFolder> make(int store_fd);
  WorkFolder(WorkFolder&& other) noexcept = default;
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();

  int fd() const { return fd_.get(); }
  /// Below the store's root.
  const std::string& path() const { return path_; }
  /// Moves an entry of this folder to its final place in the store, replacing a file there.
  base::Result<void> move_out(const std::string& name, const std::string& to) const;
  /// Moves something of the store in here, to die with the folder; nothing there is no error.
  base::Result<void> move_in(const std::string& from) const;
  /// A whole small file at once, so that a reader sees the old or the new one.
  base::Result<void> replace_file(const std::string& to, std::string_view content) const;

 private:
  WorkFolder(int store_fd, std::string path, base::UniqueFd fd)
      : store_fd_(store_fd), path_(std::move(path)), fd_(std::move(fd)) {}

  int store_fd_;
  std::string path_;
  base::UniqueFd fd_;
};

/// Removes the work folders whose owner is dead; how many there were.
base::Result<std::uint64_t> remove_dead_work(int store_fd);

}  // namespace layers
