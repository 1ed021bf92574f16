#include "emulator/lab/page_cache.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace emulator {
namespace {

namespace fs = std::filesystem;

/// How many pages of the file are in memory, of how many.
std::pair<std::size_t, std::size_t> resident_pages(int fd, std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t pages = (size + page - 1) / page;
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return {0, 0};
  std::vector<unsigned char> states(pages);
  const bool known = ::mincore(mapped, size, states.data()) == 0;
  ::munmap(mapped, size);
  if (!known) return {0, 0};
  const auto resident =
      std::count_if(states.begin(), states.end(), [](unsigned char state) { return state & 1; });
  return {static_cast<std::size_t>(resident), pages};
}

}  // namespace

double drop_pages(const fs::path& tree) {
  std::size_t resident = 0;
  std::size_t pages = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(tree, error); at != fs::end(at);
       at.increment(error)) {
    if (error || !at->is_regular_file(error) || at->is_symlink(error)) continue;
    const base::UniqueFd file(::open(at->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0 || status.st_size == 0) continue;
    // Only clean pages can be dropped.
    ::fdatasync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    const auto [stayed, all] = resident_pages(file.get(), static_cast<std::size_t>(status.st_size));
    resident += stayed;
    pages += all;
  }
  return pages == 0 ? 0 : static_cast<double>(resident) / static_cast<double>(pages);
}

}  // namespace emulator
