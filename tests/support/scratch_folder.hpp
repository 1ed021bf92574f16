#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace test_support {

/// A folder for one test, gone at its end, whatever modes its content has.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = base() + "/lamina-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    ::chmod(name.c_str(), 0755);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    open_up(path_);
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

  /// Writes a file below the folder, with the folders above it; gives its absolute path.
  std::string write(std::string_view name, std::string_view content, mode_t mode = 0644) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    ::chmod(file.c_str(), mode);
    return file.string();
  }

 private:
  // In memory when it can be: making and deleting the same files again and again is slow on ext4.
  static std::string base() {
    if (const char* wanted = std::getenv("TMPDIR")) return wanted;
    return ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
  }

  static void open_up(const std::filesystem::path& folder) {
    std::error_code ignored;
    ::chmod(folder.c_str(), 0700);
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
      if (entry.symlink_status(ignored).type() == std::filesystem::file_type::directory)
        open_up(entry.path());
  }

  std::filesystem::path path_;
};

inline std::string content_of(const std::filesystem::path& file) {
  std::ostringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

inline mode_t mode_of(const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  return status.st_mode & 07777;
}

}  // namespace test_support
