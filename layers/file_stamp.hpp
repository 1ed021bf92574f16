#pragma once

#include <sys/stat.h>
#include <time.h>

#include <cstdint>

namespace layers {

/// What a stat tells of a file's content without reading it. Two equal stamps of one path mean the
/// same content, unless the stamp was just_changed() when the content was read.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

inline std::int64_t nanoseconds_of(const struct timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline FileStamp stamp_of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = nanoseconds_of(status.st_mtim),
          .changed_ns = nanoseconds_of(status.st_ctim)};
}

/// A file written twice within one tick of the file system's clock has the same times both times.
/// A tick is at most 10 ms where there are nanoseconds, and up to 2 s where there are none (FAT).
inline bool just_changed(const FileStamp& stamp) {
  struct timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const bool coarse = stamp.changed_ns % 1'000'000'000 == 0;
  const std::int64_t tick_ns = coarse ? 2'000'000'000 : 20'000'000;
  return nanoseconds_of(now) - stamp.changed_ns <= tick_ns;
}

}  // namespace layers
