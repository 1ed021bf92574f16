#include "emulator/lab/file_watch.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>

namespace emulator {
namespace {

constexpr std::size_t longest_record = 8192;
/// More than five layers and the code may have together.
constexpr std::size_t most_files = 4'000'000;

std::string sentence(int error_number, std::string_view what) {
  if (what == "overflow")
    return "files were opened faster than the kernel's queue of events holds. Raise "
           "fs.inotify.max_queued_events (sysctl).";
  if (what.starts_with("watch ") && error_number == ENOSPC)
    return "the packages have more folders than this user may watch. Raise "
           "fs.inotify.max_user_watches (sysctl).";
  if (what == "start" && error_number == EMFILE)
    return "this user may watch no more folders. Raise fs.inotify.max_user_instances (sysctl).";
  if (what.starts_with("folder ") && error_number == EACCES)
    return "the function may enter \"" + std::string(what.substr(7)) +
           "\" but not list it. Give the folder the mode 0755.";
  return "its watch ended with \"" + std::string(what) + ": " + std::strerror(error_number) +
         "\". Measure again.";
}

}  // namespace

void WatchRecords::feed(std::string_view bytes) {
  while (!bytes.empty() && problem_.empty()) {
    const std::size_t end = bytes.find('\0');
    rest_ += bytes.substr(0, end);
    if (rest_.size() > longest_record || opened_.size() > most_files) {
      problem_ = sentence(E2BIG, "read");
      return;
    }
    if (end == std::string_view::npos) return;
    take(rest_);
    rest_.clear();
    bytes.remove_prefix(end + 1);
  }
}

void WatchRecords::take(std::string_view record) {
  if (record.starts_with('F')) {
    opened_.emplace(record.substr(1));
  } else if (record == "E") {
    ended_ = true;
  } else if (record.starts_with('X')) {
    int error_number = 0;
    const char* end = record.data() + record.size();
    const auto number = std::from_chars(record.data() + 1, end, error_number);
    const char* what = number.ptr < end ? number.ptr + 1 : end;
    problem_ = sentence(error_number, {what, static_cast<std::size_t>(end - what)});
  }
}

std::string WatchRecords::problem() const {
  if (!problem_.empty()) return problem_;
  return "its watch was ended before it could tell. Measure again; the function must not end "
         "processes that it did not start.";
}

void count_touched(const std::unordered_set<std::string>& opened, const PackageFiles& files,
                   std::vector<TouchedPackage>& packages) {
  for (const std::string& path : opened) {
    const auto file = files.find(path);
    if (!file || file->is_directory || file->package >= packages.size()) continue;
    ++packages[file->package].touched_files;
    packages[file->package].touched_bytes += file->size;
  }
}

}  // namespace emulator
