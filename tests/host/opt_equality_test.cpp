// Host test: random sets of layers, composed both ways, look the same. The overlay is a real one,
// mounted in a mount namespace of this process. Exit code 77 and a sentence when this host cannot.
#include "layers/opt_composition.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/zip_builder.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

constexpr int skipped = 77;
constexpr int rounds = 300;

using Random = std::mt19937;

unsigned below(Random& random, unsigned limit) {
  return static_cast<unsigned>(random() % limit);
}

std::string random_path(Random& random) {
  static const char* const names[] = {"a", "b", "a-b", "a.d", "c"};
  std::string path = names[below(random, 5)];
  for (unsigned depth = below(random, 4); depth > 0; --depth)
    path.append("/").append(names[below(random, 5)]);
  return path;
}

bool has_other_than_folder_above(const std::map<std::string, char>& types,
                                 const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const auto known = types.find(path.substr(0, slash));
    if (known != types.end() && known->second != 'd') return true;
  }
  return false;
}

/// A zip without contradictions: what lies below a file or a link is left out.
std::string random_zip(Random& random) {
  static const unsigned folder_modes[] = {0755, 0711, 0775, 0705, 0751};
  static const unsigned file_modes[] = {0644, 0755, 0604, 0444};
  std::map<std::string, char> types;
  std::set<std::string> folders;
  test_support::ZipBuilder zip;
  for (unsigned i = 2 + below(random, 14); i > 0; --i) {
    const std::string path = random_path(random);
    if (types.contains(path) || folders.contains(path) || has_other_than_folder_above(types, path))
      continue;
    for (fs::path parent = fs::path(path).parent_path(); !parent.empty();
         parent = parent.parent_path())
      folders.insert(parent.string());
    switch (below(random, 4)) {
      case 0:
        types[path] = 'd';
        zip.directory(path, folder_modes[below(random, 5)]);
        break;
      case 1:
        types[path] = 'l';
        zip.symlink(path, random_path(random));
        break;
      default:
        types[path] = 'f';
        zip.deflated(path,
                     std::string(below(random, 2000), static_cast<char>('a' + below(random, 26))),
                     file_modes[below(random, 4)]);
    }
  }
  return zip.build();
}

/// One line a path: type, mode, content or target. Times of folders are not compared.
std::string picture_of(const fs::path& root) {
  std::map<std::string, std::string> lines;
  struct stat status{};
  ::lstat(root.c_str(), &status);
  lines["."] = "mode " + std::to_string(status.st_mode);
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (::lstat(entry.path().c_str(), &status) != 0) continue;
    std::string& line = lines[entry.path().lexically_relative(root).string()];
    line = "mode " + std::to_string(status.st_mode);
    if (S_ISREG(status.st_mode))
      line += " " + std::to_string(status.st_mtim.tv_sec) + " " +
              test_support::content_of(entry.path());
    if (S_ISLNK(status.st_mode)) line += " -> " + fs::read_symlink(entry.path()).string();
  }
  std::string text;
  for (const auto& [path, line] : lines) text.append(path).append(": ").append(line).append("\n");
  return text;
}

bool write_text(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  return written;
}

/// Empty when we are alone with our mounts, else why not.
std::string enter_mount_namespace() {
  const unsigned user = ::geteuid();
  const unsigned group = ::getegid();
  if (::unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return std::string("no mount namespace here: ") + std::strerror(errno);
  if (user != 0 && (!write_text("/proc/self/setgroups", "deny") ||
                    !write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
                    !write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1")))
    return "no user namespace here: the id maps cannot be written";
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return std::string("mounts cannot be made private: ") + std::strerror(errno);
  return {};
}

bool mount_opt(const layers::OptComposition& opt, const std::string& where) {
  if (opt.lowers.size() == 1)
    return ::mount(opt.lowers[0].c_str(), where.c_str(), nullptr, MS_BIND, nullptr) == 0;
  std::string options = "lowerdir=";
  for (auto lower = opt.lowers.rbegin(); lower != opt.lowers.rend(); ++lower)
    options.append(lower == opt.lowers.rbegin() ? "" : ":").append(lower->string());
  return ::mount("overlay", where.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0;
}

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string reason = enter_mount_namespace(); !reason.empty()) {
    std::printf("skipped: %s\n", reason.c_str());
    return skipped;
  }
  const unsigned seed =
      argc > 1 ? static_cast<unsigned>(std::stoul(argv[1])) : std::random_device{}();
  std::printf("seed %u\n", seed);
  Random random(seed);
  const test_support::ScratchFolder scratch;
  auto store = layers::LayerStore::open(scratch / "store");
  if (!store) return fail(store.error().message);
  const std::string opt = scratch / "opt";
  fs::create_directory(opt);
  int covers = 0;
  bool mounted_overlay = false;
  for (int round = 0; round < rounds; ++round) {
    std::vector<layers::PreparedTree> stack;
    for (unsigned i = 1 + below(random, 5); i > 0; --i) {
      const std::string file = scratch.write("layer.zip", random_zip(random));
      auto tree = store->prepare(file, layers::PackageKind::layer);
      if (!tree) return fail(tree.error().message);
      if (below(random, 4) == 0) {
        // The same content as a folder in place.
        auto folder = store->prepare(tree->tree.string(), layers::PackageKind::layer);
        if (!folder) return fail(folder.error().message);
        tree = std::move(folder);
      }
      stack.push_back(std::move(*tree));
    }
    const auto overlay = layers::compose_opt(stack, *store, layers::OptMode::overlay);
    if (!overlay) return fail(overlay.error().message);
    const auto copy = layers::compose_opt(stack, *store, layers::OptMode::copy);
    if (!copy) return fail(copy.error().message);
    covers += overlay->has_mode_cover ? 1 : 0;
    // overlayfs refuses the same folder twice, as AWS does a layer.
    std::set<fs::path> once(overlay->lowers.begin(), overlay->lowers.end());
    if (once.size() != overlay->lowers.size()) continue;
    if (!mount_opt(*overlay, opt)) {
      if (mounted_overlay) return fail(std::string("cannot mount: ") + std::strerror(errno));
      std::printf("skipped: overlayfs cannot be mounted here: %s\n", std::strerror(errno));
      return skipped;
    }
    mounted_overlay = mounted_overlay || overlay->lowers.size() > 1;
    const std::string mounted = picture_of(opt);
    ::umount2(opt.c_str(), MNT_DETACH);
    const std::string merged = picture_of(copy->lowers[0]);
    if (mounted != merged) {
      std::string message = "round " + std::to_string(round) + " differs\n--- overlay\n" + mounted +
                            "--- copy\n" + merged + "--- lowers\n";
      for (const fs::path& lower : overlay->lowers) message += picture_of(lower) + "\n";
      return fail(message);
    }
  }
  std::printf("%d sets of layers look the same both ways; %d of them needed a mode cover\n", rounds,
              covers);
  return 0;
}
