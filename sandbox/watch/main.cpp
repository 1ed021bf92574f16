// lamina-file-watch FOLDER...: tells which files below the folders are opened while it runs. Static
// and small, because it runs inside a sandbox beside what it watches, as the same user. Records on
// standard output, each ends with a NUL:
//   R               every folder is watched from now on
//   F PATH          a file was opened, for the first time since then
//   X ERRNO WHAT    not everything can be told; it ends
//   E               asked to end by SIGTERM: everything opened before has been told
//
// inotify sees openat(2), execve(2) and what the dynamic linker maps alike. It needs no privilege,
// and reads nothing of the files themselves, so that it adds nothing to what is told.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace {

void tell(std::string_view record) {
  std::string bytes(record);
  bytes += '\0';
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t count = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ::_exit(1);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

[[noreturn]] void give_up(int error_number, const std::string& what) {
  tell("X" + std::to_string(error_number) + " " + what);
  ::_exit(1);
}

bool is_directory(int folder, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat status{};
  return ::fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

/// Every folder at or below the given ones. Found before the first is watched: opening a folder is
/// an event too, and thousands of them would fill the queue.
std::vector<std::string> find_folders(std::vector<std::string> open) {
  std::vector<std::string> found;
  while (!open.empty()) {
    std::string path = std::move(open.back());
    open.pop_back();
    DIR* stream = ::opendir(path.c_str());
    if (stream == nullptr) {
      const int error_number = errno;
      // Who may not enter a folder opens nothing in it.
      if (error_number == EACCES && ::access(path.c_str(), X_OK) != 0) continue;
      give_up(error_number, "folder " + path);
    }
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != ".." && is_directory(::dirfd(stream), *entry))
        open.push_back(path + "/" + entry->d_name);
    }
    ::closedir(stream);
    found.push_back(std::move(path));
  }
  return found;
}

class Watch {
 public:
  void start(std::vector<std::string> folders) {
    queue_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (queue_ < 0) give_up(errno, "start");
    for (std::string& folder : find_folders(std::move(folders))) {
      const int watch = ::inotify_add_watch(queue_, folder.c_str(), IN_OPEN | IN_ONLYDIR);
      if (watch < 0) give_up(errno, "watch " + folder);
      folders_[watch] = std::move(folder);
    }
  }

  int descriptor() const { return queue_; }

  /// Tells everything that is in the queue.
  void tell_opened() {
    alignas(inotify_event) std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t count = ::read(queue_, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) give_up(errno, "read");
      for (ssize_t at = 0; at < count;) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        at += static_cast<ssize_t>(sizeof event + event.len);
        if ((event.mask & IN_Q_OVERFLOW) != 0) give_up(0, "overflow");
        if ((event.mask & IN_ISDIR) != 0 || (event.mask & IN_OPEN) == 0 || event.len == 0) continue;
        std::string path = "F" + folders_[event.wd] + "/" + name;
        if (told_.insert(path).second) tell(path);
      }
    }
  }

 private:
  int queue_ = -1;
  std::unordered_map<int, std::string> folders_;
  // At most as many as there are files: the folders are read-only.
  std::unordered_set<std::string> told_;
};

}  // namespace

int main(int argc, char** argv) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &end, nullptr);
  const int ended = ::signalfd(-1, &end, SFD_CLOEXEC);
  if (ended < 0) give_up(errno, "start");
  Watch watch;
  watch.start(std::vector<std::string>(argv + 1, argv + argc));
  tell("R");
  std::array<pollfd, 2> waited{{{watch.descriptor(), POLLIN, 0}, {ended, POLLIN, 0}}};
  for (;;) {
    if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) give_up(errno, "wait");
    watch.tell_opened();
    if (waited[1].revents != 0) {
      // The kernel queues an event before the open returns, so what was opened before the signal is
      // told by now, or by this.
      watch.tell_opened();
      tell("E");
      return 0;
    }
  }
}
