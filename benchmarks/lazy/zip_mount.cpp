// Serves a zip as a read-only FUSE file system and runs a command beside it: what
// docs/lazy-extraction.md measured, nothing that Lamina uses. It speaks the kernel's protocol
// itself, so that no library's choices are measured. It trusts its archive (no zip64, no
// encryption, no checks of names) but for sizes and CRC-32.
//
//   zip_mount [options] ARCHIVE MOUNT_POINT COMMAND [ARGUMENT...]
//     --mode read          inflate at the first read, keep the bytes in a bounded cache (the
//     default)
//     --mode store         inflate when a file is opened and push all of it into the kernel's page
//     cache
//     --mode passthrough   inflate into a memfd when a file is opened; the kernel reads that (root
//     only)
//     --ahead              a thread inflates the rest meanwhile, into memory
//     --hash               SHA-256 of the archive first, as the store's key
//     --device PATH        instead of /dev/fuse
//     --user-namespace     mount as an ordinary user does
//     --overlay FOLDER     MOUNT_POINT/opt is an overlay of FOLDER on top of the archive at
//     MOUNT_POINT/zip
//     --twice              run the command a second time under the same mount
//     --report FILE        counters as JSON
//
//   zip_mount --flatten FILE ARCHIVE
//     inflates everything into one file on two threads: the least that a converter to an image must
//     do

#include <libdeflate.h>
#include <nettle/sha2.h>

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

// Newer than the headers of Debian 12.
constexpr std::uint64_t fuse_passthrough = 1ull << 37;
constexpr std::uint32_t fopen_passthrough = 1u << 7;
struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};

constexpr std::uint64_t forever_seconds = 1u << 30;
constexpr std::size_t request_size = (1u << 20) + 4096;
constexpr std::size_t cache_limit = 64u << 20;
constexpr unsigned servers = 4;

enum class Mode { read, store, passthrough };

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "zip_mount: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Grows, and is used again: fresh memory costs a page fault for every 4 KiB.
class Buffer {
 public:
  unsigned char* of_size(std::size_t size) {
    if (size > room_) bytes_ = std::make_unique_for_overwrite<unsigned char[]>(room_ = size);
    size_ = size;
    return bytes_.get();
  }
  const unsigned char* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }

 private:
  std::unique_ptr<unsigned char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};
using Bytes = std::shared_ptr<Buffer>;

/// What a thread needs to inflate.
struct Inflater {
  libdeflate_decompressor* state = libdeflate_alloc_decompressor();
  Buffer packed;
  Buffer unpacked;
};

struct Node {
  std::string name;
  std::uint32_t mode = S_IFDIR | 0755;
  std::uint32_t parent = 0;
  std::uint64_t size = 0;
  std::uint64_t packed = 0;
  std::uint64_t header = 0;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;
  std::vector<std::uint32_t> children;
  std::unordered_map<std::string_view, std::uint32_t> by_name;
  std::mutex mutex;
  bool in_kernel = false;
  int backing = 0;
  std::weak_ptr<Buffer> bytes;
  Bytes ahead;
};

std::uint16_t u16(const unsigned char* at) {
  return static_cast<std::uint16_t>(at[0] | at[1] << 8);
}
std::uint32_t u32(const unsigned char* at) {
  return u16(at) | static_cast<std::uint32_t>(u16(at + 2)) << 16;
}

struct Counters {
  std::atomic<std::uint64_t> requests{0}, files{0}, bytes{0}, packed{0}, inflate_us{0};
  std::array<std::atomic<std::uint32_t>, 64> by_opcode{};
} counters;

/// Node 0 is the root; the kernel's number of a node is its index plus one.
class Archive {
 public:
  explicit Archive(const char* path) : fd_(::open(path, O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail(path);
    struct stat status{};
    ::fstat(fd_, &status);
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  void hash() const {
    sha256_ctx state;
    sha256_init(&state);
    std::vector<unsigned char> block(1u << 20);
    for (std::uint64_t offset = 0; offset < size_;) {
      const ssize_t count = ::pread(fd_, block.data(), block.size(), static_cast<off_t>(offset));
      if (count <= 0) fail("hash");
      sha256_update(&state, static_cast<std::size_t>(count), block.data());
      offset += static_cast<std::uint64_t>(count);
    }
    unsigned char digest[SHA256_DIGEST_SIZE];
    sha256_digest(&state, sizeof digest, digest);
  }

  void read_directory() {
    nodes_.emplace_back();
    std::vector<unsigned char> tail(std::min<std::uint64_t>(size_, 65557));
    read_at(size_ - tail.size(), tail.data(), tail.size());
    std::size_t end = tail.size() - 22;
    while (end > 0 && u32(&tail[end]) != 0x06054b50) --end;
    const std::uint32_t count = u16(&tail[end + 10]);
    std::vector<unsigned char> directory(u32(&tail[end + 12]));
    read_at(u32(&tail[end + 16]), directory.data(), directory.size());
    const unsigned char* at = directory.data();
    const unsigned char* const stop = at + directory.size();
    for (std::uint32_t i = 0; i < count && at + 46 <= stop; ++i) {
      const std::string_view name(reinterpret_cast<const char*>(at + 46), u16(at + 28));
      const std::uint32_t mode = u32(at + 38) >> 16;
      if (at + 46 + name.size() > stop) fail("central directory");
      if (name.ends_with('/')) {
        folder(name.substr(0, name.size() - 1));
      } else {
        Node& node = nodes_[add(name)];
        node.mode = S_ISLNK(mode) ? S_IFLNK | 0777 : S_IFREG | (mode & 0777 ? mode & 0777 : 0644);
        node.method = u16(at + 10);
        node.crc = u32(at + 16);
        node.packed = u32(at + 20);
        node.size = u32(at + 24);
        node.header = u32(at + 42);
      }
      at += 46 + name.size() + u16(at + 30) + u16(at + 32);
    }
  }

  Node* node(std::uint64_t kernel_number) {
    return kernel_number - 1 < nodes_.size() ? &nodes_[kernel_number - 1] : nullptr;
  }
  std::uint32_t number_of(const Node& node) const {
    return node.parent == 0 && node.name.empty() ? 1
                                                 : nodes_[node.parent].by_name.at(node.name) + 1;
  }

  /// False: damaged.
  bool inflate(const Node& node, Inflater& inflater, Buffer& to) const {
    const double started = now_ms();
    unsigned char header[30];
    if (!read_at(node.header, header, sizeof header)) return false;
    const std::uint64_t place = node.header + 30 + u16(header + 26) + u16(header + 28);
    unsigned char* const bytes = to.of_size(node.size);
    if (node.method == 0) {
      if (node.packed != node.size || !read_at(place, bytes, node.size)) return false;
    } else {
      unsigned char* const packed = inflater.packed.of_size(node.packed);
      if (!read_at(place, packed, node.packed) ||
          libdeflate_deflate_decompress(inflater.state, packed, node.packed, bytes, node.size,
                                        nullptr) != LIBDEFLATE_SUCCESS)
        return false;
    }
    if (libdeflate_crc32(0, bytes, node.size) != node.crc) return false;
    counters.files += 1;
    counters.bytes += node.size;
    counters.packed += node.packed;
    counters.inflate_us += static_cast<std::uint64_t>((now_ms() - started) * 1000);
    return true;
  }

  /// One thread inflates everything that nobody has asked for yet, in the order of the archive,
  /// while the command runs already. Its memory is the sum of all files.
  void inflate_ahead() {
    Inflater inflater;
    for (Node& node : nodes_) {
      const std::lock_guard lock(node.mutex);
      if (node.size == 0 || node.in_kernel || node.backing > 0) continue;
      auto bytes = std::make_shared<Buffer>();
      if (inflate(node, inflater, *bytes)) node.ahead = std::move(bytes);
    }
  }

  /// Every file at its place in one file, in whole pages.
  void flatten(const char* path) {
    const int out = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) fail(path);
    std::atomic<std::size_t> next{0};
    std::vector<std::uint64_t> places(nodes_.size());
    for (std::size_t i = 1; i < nodes_.size(); ++i)
      places[i] = places[i - 1] + (nodes_[i - 1].size + 4095) / 4096 * 4096;
    const auto work = [&] {
      Inflater inflater;
      for (std::size_t i; (i = next++) < nodes_.size();) {
        if (nodes_[i].size == 0) continue;
        Buffer& bytes = inflater.unpacked;
        if (!inflate(nodes_[i], inflater, bytes) ||
            ::pwrite(out, bytes.data(), bytes.size(), static_cast<off_t>(places[i])) < 0)
          fail("flatten");
      }
    };
    std::thread other(work);
    work();
    other.join();
  }

 private:
  bool read_at(std::uint64_t offset, unsigned char* to, std::size_t count) const {
    while (count > 0) {
      const ssize_t got = ::pread(fd_, to, count, static_cast<off_t>(offset));
      if (got <= 0) return false;
      to += got;
      offset += static_cast<std::uint64_t>(got);
      count -= static_cast<std::size_t>(got);
    }
    return true;
  }

  std::uint32_t child(std::uint32_t parent, std::string_view name) {
    if (const auto found = nodes_[parent].by_name.find(name); found != nodes_[parent].by_name.end())
      return found->second;
    const auto number = static_cast<std::uint32_t>(nodes_.size());
    Node& node = nodes_.emplace_back();
    node.name = name;
    node.parent = parent;
    nodes_[parent].by_name.emplace(node.name, number);
    nodes_[parent].children.push_back(number);
    return number;
  }

  std::uint32_t folder(std::string_view path) {
    if (const auto found = folders_.find(std::string(path)); found != folders_.end())
      return found->second;
    const std::uint32_t number = add(path);
    folders_.emplace(path, number);
    return number;
  }

  std::uint32_t add(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    const std::uint32_t parent = slash == path.npos ? 0 : folder(path.substr(0, slash));
    return child(parent, slash == path.npos ? path : path.substr(slash + 1));
  }

  int fd_;
  std::uint64_t size_ = 0;
  std::deque<Node> nodes_;  // Nodes keep their places: others hold views of their names.
  std::unordered_map<std::string, std::uint32_t> folders_;
};

class Server {
 public:
  Server(Archive& archive, Mode mode, int device)
      : archive_(archive), mode_(mode), device_(device) {}

  /// Ends when the file system is unmounted.
  void serve(int fd) {
    Worker worker{fd, std::vector<unsigned char>(request_size), {}};
    for (;;) {
      const ssize_t count = ::read(fd, worker.request.data(), worker.request.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
      if (count <= 0) break;
      const auto* in = reinterpret_cast<const fuse_in_header*>(worker.request.data());
      counters.requests += 1;
      if (in->opcode < counters.by_opcode.size()) counters.by_opcode[in->opcode] += 1;
      answer(worker, *in, worker.request.data() + sizeof *in);
    }
  }

 private:
  struct Worker {
    int fd;
    std::vector<unsigned char> request;
    std::vector<unsigned char> reply;
    Inflater inflater{};
    Bytes kept{};
  };

  static void send(const Worker& worker, std::uint64_t unique, int error,
                   const void* data = nullptr, std::size_t size = 0) {
    fuse_out_header out{static_cast<std::uint32_t>(sizeof out + size), -error, unique};
    iovec parts[] = {{&out, sizeof out}, {const_cast<void*>(data), size}};
    if (::writev(worker.fd, parts, size ? 2 : 1) < 0 && errno != ENOENT)
      std::perror("zip_mount: reply");
  }

  fuse_attr attributes(const Node& node, std::uint64_t number) const {
    fuse_attr attr{};
    attr.ino = number;
    attr.size = node.size;
    attr.blocks = (node.size + 511) / 512;
    attr.mtime = attr.ctime = attr.atime = 1'704'067'200;
    attr.mode = node.mode;
    attr.nlink = 1;
    attr.uid = ::getuid();
    attr.gid = ::getgid();
    attr.blksize = 4096;
    return attr;
  }

  fuse_entry_out entry(std::uint64_t number) const {
    fuse_entry_out out{};
    out.nodeid = number;
    out.entry_valid = out.attr_valid = forever_seconds;
    out.attr = attributes(*archive_.node(number), number);
    return out;
  }

  Bytes content(Worker& worker, Node& node) {
    Bytes bytes = node.bytes.lock();
    if (bytes) return bytes;
    bytes = std::move(node.ahead);
    if (!bytes) {
      bytes = std::make_shared<Buffer>();
      if (!archive_.inflate(node, worker.inflater, *bytes)) return {};
    }
    node.bytes = bytes;
    const std::lock_guard lock(cache_mutex_);
    cache_.push_back(bytes);
    cached_ += bytes->size();
    while (cached_ > cache_limit && cache_.size() > 1) {
      cached_ -= cache_.front()->size();
      cache_.pop_front();
    }
    return bytes;
  }

  /// Valid until the worker's next one. Null: damaged.
  const Buffer* whole(Worker& worker, Node& node) {
    if (node.ahead) {
      worker.kept = std::move(node.ahead);
      return worker.kept.get();
    }
    Buffer& bytes = worker.inflater.unpacked;
    return archive_.inflate(node, worker.inflater, bytes) ? &bytes : nullptr;
  }

  int push_into_page_cache(Worker& worker, Node& node, std::uint64_t number) {
    const Buffer* bytes = whole(worker, node);
    if (!bytes) return EIO;
    // In pieces: the kernel takes a page at a time anyway, and a piece has a 32-bit size.
    for (std::size_t offset = 0; offset < bytes->size();) {
      const std::size_t count = std::min<std::size_t>(bytes->size() - offset, 16u << 20);
      fuse_notify_store_out where{number, offset, static_cast<std::uint32_t>(count), 0};
      fuse_out_header out{static_cast<std::uint32_t>(sizeof out + sizeof where + count),
                          FUSE_NOTIFY_STORE, 0};
      iovec parts[] = {{&out, sizeof out},
                       {&where, sizeof where},
                       {const_cast<unsigned char*>(bytes->data()) + offset, count}};
      if (::writev(worker.fd, parts, 3) < 0) return errno;
      offset += count;
    }
    return 0;
  }

  int make_backing(Worker& worker, Node& node) {
    const Buffer* bytes = whole(worker, node);
    if (!bytes) return EIO;
    const int fd = ::memfd_create("member", MFD_CLOEXEC);
    if (fd < 0 || ::write(fd, bytes->data(), bytes->size()) != ssize_t(bytes->size())) return EIO;
    BackingMap map{fd, 0, 0};
    node.backing = ::ioctl(device_, _IOW(FUSE_DEV_IOC_MAGIC, 1, BackingMap), &map);
    const int error = node.backing <= 0 ? errno : 0;
    ::close(fd);  // The kernel holds its own reference.
    return error;
  }

  void open(Worker& worker, const fuse_in_header& in, Node& node) {
    fuse_open_out out{};
    out.open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH;
    if (mode_ == Mode::read) return send(worker, in.unique, ENOSYS);  // Opens need no message then.
    const std::lock_guard lock(node.mutex);
    int error = 0;
    if (mode_ == Mode::store && !node.in_kernel) {
      error = push_into_page_cache(worker, node, in.nodeid);
      node.in_kernel = !error;
    } else if (mode_ == Mode::passthrough) {
      if (node.backing <= 0) error = make_backing(worker, node);
      out.open_flags = fopen_passthrough;
      std::memcpy(&out.padding, &node.backing, sizeof out.padding);
    }
    if (error) return send(worker, in.unique, error);
    send(worker, in.unique, 0, &out, sizeof out);
  }

  void list(Worker& worker, const fuse_in_header& in, const fuse_read_in& read, Node& node) {
    std::vector<unsigned char>& reply = worker.reply;
    reply.clear();
    for (std::size_t i = read.offset; i < node.children.size(); ++i) {
      const std::uint64_t number = node.children[i] + 1;
      const Node& child = *archive_.node(number);
      const std::size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + child.name.size());
      if (reply.size() + size > read.size) break;
      reply.resize(reply.size() + size);
      auto* out = reinterpret_cast<fuse_direntplus*>(reply.data() + reply.size() - size);
      out->entry_out = entry(number);
      out->dirent.ino = number;
      out->dirent.off = i + 1;
      out->dirent.namelen = static_cast<std::uint32_t>(child.name.size());
      out->dirent.type = child.mode >> 12;
      std::memcpy(out->dirent.name, child.name.data(), child.name.size());
    }
    send(worker, in.unique, 0, reply.data(), reply.size());
  }

  void answer(Worker& worker, const fuse_in_header& in, const unsigned char* body) {
    if (in.opcode == FUSE_INIT) return initialise(worker, in, body);
    if (in.opcode == FUSE_FORGET || in.opcode == FUSE_BATCH_FORGET || in.opcode == FUSE_INTERRUPT)
      return;
    Node* node = archive_.node(in.nodeid);
    if (!node) return send(worker, in.unique, ENOENT);
    switch (in.opcode) {
      case FUSE_LOOKUP: {
        const auto found = node->by_name.find(reinterpret_cast<const char*>(body));
        // A number of zero is an absence that the kernel may remember.
        fuse_entry_out out{};
        out.entry_valid = forever_seconds;
        if (found != node->by_name.end()) out = entry(found->second + 1);
        return send(worker, in.unique, 0, &out, sizeof out);
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr_valid = forever_seconds;
        out.attr = attributes(*node, in.nodeid);
        return send(worker, in.unique, 0, &out, sizeof out);
      }
      case FUSE_READLINK: {
        const std::lock_guard lock(node->mutex);
        const Buffer* target = whole(worker, *node);
        if (!target) return send(worker, in.unique, EIO);
        return send(worker, in.unique, 0, target->data(), target->size());
      }
      case FUSE_OPEN:
        return open(worker, in, *node);
      case FUSE_READ: {
        const auto& read = *reinterpret_cast<const fuse_read_in*>(body);
        Bytes bytes;
        {
          const std::lock_guard lock(node->mutex);
          bytes = content(worker, *node);
        }
        if (!bytes) return send(worker, in.unique, EIO);
        const std::size_t offset = std::min<std::size_t>(read.offset, bytes->size());
        return send(worker, in.unique, 0, bytes->data() + offset,
                    std::min<std::size_t>(read.size, bytes->size() - offset));
      }
      case FUSE_READDIR:
      case FUSE_READDIRPLUS:
        return list(worker, in, *reinterpret_cast<const fuse_read_in*>(body), *node);
      case FUSE_STATFS: {
        fuse_statfs_out out{};
        out.st.bsize = out.st.frsize = 4096;
        out.st.namelen = 255;
        return send(worker, in.unique, 0, &out, sizeof out);
      }
      case FUSE_RELEASE:
      case FUSE_RELEASEDIR:
      case FUSE_DESTROY:
        return send(worker, in.unique, 0);
      default:  // OPENDIR too: the kernel lists and caches without asking.
        return send(worker, in.unique, ENOSYS);
    }
  }

  void initialise(Worker& worker, const fuse_in_header& in, const unsigned char* body) {
    const auto& init = *reinterpret_cast<const fuse_init_in*>(body);
    std::uint64_t flags = FUSE_ASYNC_READ | FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS |
                          FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_NO_OPENDIR_SUPPORT |
                          FUSE_INIT_EXT | (mode_ == Mode::read ? FUSE_NO_OPEN_SUPPORT : 0);
    fuse_init_out out{};
    out.major = FUSE_KERNEL_VERSION;
    out.minor = std::min<std::uint32_t>(init.minor, mode_ == Mode::passthrough ? 40 : 38);
    out.max_readahead = 1u << 20;
    out.max_background = 64;
    out.congestion_threshold = 48;
    out.max_write = 1u << 20;
    out.max_pages = 256;
    out.time_gran = 1;
    if (mode_ == Mode::passthrough) {
      flags |= fuse_passthrough;
      out.unused[0] = 1;  // max_stack_depth: the memfd's file system is no stack.
    }
    out.flags = static_cast<std::uint32_t>(flags);
    out.flags2 = static_cast<std::uint32_t>(flags >> 32);
    send(worker, in.unique, 0, &out, sizeof out);
  }

  Archive& archive_;
  const Mode mode_;
  const int device_;
  std::mutex cache_mutex_;
  std::deque<Bytes> cache_;
  std::size_t cached_ = 0;
};

void write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) fail(path);
  ::close(fd);
}

void enter_user_namespace() {
  const std::string uid = std::to_string(::getuid());
  const std::string gid = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) fail("unshare");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", uid + " " + uid + " 1");
  write_file("/proc/self/gid_map", gid + " " + gid + " 1");
}

void mount_at(const char* type, const std::string& where, const std::string& data) {
  if (::syscall(SYS_mount, type, where.c_str(), type, MS_RDONLY | MS_NOSUID | MS_NODEV,
                data.c_str()) < 0)
    fail(("mount " + std::string(type)).c_str());
}

int run(char** command) {
  pid_t child = 0;
  if (const int error = ::posix_spawnp(&child, command[0], nullptr, nullptr, command, environ)) {
    errno = error;
    fail(command[0]);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

long peak_kilobytes() {
  std::FILE* file = std::fopen("/proc/self/status", "re");
  char line[256];
  long peak = 0;
  while (file && std::fgets(line, sizeof line, file)) std::sscanf(line, "VmHWM: %ld", &peak);
  if (file) std::fclose(file);
  return peak;
}

}  // namespace

int main(int argc, char** argv) {
  Mode mode = Mode::read;
  bool hash = false, ahead = false, user_namespace = false, twice = false;
  std::string device = "/dev/fuse", overlay, report, flat;
  int i = 1;
  for (; i < argc && std::string_view(argv[i]).starts_with("--"); ++i) {
    const std::string_view option = argv[i];
    if (option == "--hash")
      hash = true;
    else if (option == "--user-namespace")
      user_namespace = true;
    else if (option == "--ahead")
      ahead = true;
    else if (option == "--twice")
      twice = true;
    else if (i + 1 == argc)
      return 64;
    else if (option == "--device")
      device = argv[++i];
    else if (option == "--overlay")
      overlay = argv[++i];
    else if (option == "--flatten")
      flat = argv[++i];
    else if (option == "--report")
      report = argv[++i];
    else if (option == "--mode") {
      const std::string_view name = argv[++i];
      mode = name == "store" ? Mode::store : name == "passthrough" ? Mode::passthrough : Mode::read;
    } else
      return 64;
  }
  if (argc - i < (flat.empty() ? 3 : 1)) return 64;

  const double started = now_ms();
  Archive archive(argv[i]);
  if (hash) archive.hash();
  const double hashed = now_ms();
  archive.read_directory();
  const double listed = now_ms();
  if (!flat.empty()) {
    archive.flatten(flat.c_str());
    return 0;
  }

  const uid_t uid = ::getuid();
  const gid_t gid = ::getgid();
  if (user_namespace)
    enter_user_namespace();
  else if (::unshare(CLONE_NEWNS) < 0)
    fail("unshare");
  if (::syscall(SYS_mount, "none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) fail("private");
  const std::string point = argv[i + 1];
  const std::string zip = overlay.empty() ? point : point + "/zip";
  const int fd = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) fail(device.c_str());
  mount_at("fuse", zip,
           "fd=" + std::to_string(fd) + ",rootmode=40000,user_id=" + std::to_string(uid) +
               ",group_id=" + std::to_string(gid) + ",allow_other,default_permissions");
  Server server(archive, mode, fd);
  std::vector<std::thread> threads;
  for (unsigned n = 0; n < servers; ++n) {
    int own = fd;
    if (n > 0) {
      own = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
      std::uint32_t parent = static_cast<std::uint32_t>(fd);
      if (own < 0 || ::ioctl(own, FUSE_DEV_IOC_CLONE, &parent) < 0) fail("clone device");
    }
    threads.emplace_back([&server, own] { server.serve(own); });
  }
  if (ahead) std::thread([&archive] { archive.inflate_ahead(); }).detach();
  if (!overlay.empty())
    mount_at("overlay", point + "/opt",
             "lowerdir=" + overlay + ":" + zip + (user_namespace ? ",userxattr" : ""));
  const double mounted = now_ms();
  int status = run(argv + i + 2);
  if (twice && status == 0) status = run(argv + i + 2);

  if (!report.empty()) {
    std::FILE* file = std::fopen(report.c_str(), "we");
    if (!file) fail(report.c_str());
    std::fprintf(file,
                 "{\"hashMs\": %.2f, \"directoryMs\": %.2f, \"mountMs\": %.2f, \"files\": %lu, "
                 "\"bytes\": %lu, "
                 "\"packed\": %lu, \"inflateMs\": %.1f, \"peakKilobytes\": %ld, \"requests\": %lu, "
                 "\"byOpcode\": {",
                 hashed - started, listed - hashed, mounted - listed, counters.files.load(),
                 counters.bytes.load(), counters.packed.load(), double(counters.inflate_us) / 1000,
                 peak_kilobytes(), counters.requests.load());
    const char* comma = "";
    for (std::size_t n = 0; n < counters.by_opcode.size(); ++n) {
      if (counters.by_opcode[n] == 0) continue;
      std::fprintf(file, "%s\"%zu\": %u", comma, n, counters.by_opcode[n].load());
      comma = ", ";
    }
    std::fprintf(file, "}}\n");
    std::fclose(file);
  }
  // The mounts go with the namespace; the threads sleep in reads that would end only after that.
  std::fflush(nullptr);
  ::_exit(status);
}
