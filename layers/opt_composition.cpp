#include "layers/opt_composition.hpp"

#include "base/sha256.hpp"
#include "base/unique_fd.hpp"
#include "base/uuid.hpp"
#include "layers/archive_error.hpp"
#include "layers/entry_name.hpp"
#include "layers/file_tree.hpp"
#include "layers/merge.hpp"
#include "layers/tree_writer.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace layers {
namespace {

constexpr std::uint32_t opt_mode = 0755;
// Raised whenever the same list would give another tree.
constexpr std::string_view cover_version = "mode cover 1\n";
constexpr std::string_view merged_version = "merged 1\n";
constexpr std::string_view no_cover = "none";

bool all_in_store(std::span<const PreparedTree> layers) {
  return std::all_of(layers.begin(), layers.end(),
                     [](const PreparedTree& layer) { return layer.digest.has_value(); });
}

std::string list_key(std::string_view version, std::span<const PreparedTree> layers) {
  std::string key(version.substr(0, version.size() - 1));
  for (const PreparedTree& layer : layers) key.append(" ").append(layer.digest->hex());
  return key;
}

// Without a look at the files: an implicit directory can hide a mode only if a lower tree has one
// that differs from 0755.
bool may_need_cover(std::span<const PreparedTree> layers) {
  bool odd_below = false;
  for (const PreparedTree& layer : layers) {
    if (odd_below && layer.summary.implicit_directories > 0) return true;
    odd_below = odd_below || layer.summary.odd_directories > 0;
  }
  return false;
}

base::Result<void> build_cover(const TreeListing& cover, int tree_fd) {
  const TreeWriter writer(tree_fd);
  for (const TreeEntry& directory : cover) TRY(writer.make_directory(directory.path));
  return writer.finish_directories(cover);
}

base::Result<std::string> make_cover(const TreeListing& cover, LayerStore& store) {
  const std::string key = base::sha256(std::string(cover_version) + to_text(cover)).hex();
  TRY(store.derived_tree(key, [&cover](int tree_fd) { return build_cover(cover, tree_fd); }));
  return key;
}

/// Absent when plain stacking is right. Remembered for lists of archives, since finding it reads
/// every name of every layer.
base::Result<std::optional<std::filesystem::path>> cover_for(std::span<const PreparedTree> layers,
                                                             LayerStore& store) {
  const bool plain_root = layers.back().summary.root_mode == opt_mode;
  const bool modes = may_need_cover(layers);
  if (plain_root && !modes) return std::nullopt;
  const bool lasting = all_in_store(layers);
  const auto tree_of = [&store](const std::string& key) {
    return store.derived_tree(key, [](int) -> base::Result<void> {
      return base::Error(base::ErrorKind::not_found, "gone");
    });
  };
  if (lasting) {
    const std::string answer = store.remembered(list_key(cover_version, layers));
    if (answer == no_cover) return std::nullopt;
    if (!answer.empty())
      if (const auto tree = tree_of(answer)) return std::optional(*tree);
  }
  TreeListing cover;
  if (modes) {
    TRY_ASSIGN(const auto listings, store.entries(layers));
    cover = mode_cover(listings);
  }
  std::string answer(no_cover);
  // The root of an empty cover is 0755, whatever the folder's own is.
  if (!cover.empty() || !plain_root) {
    TRY_ASSIGN(answer, make_cover(cover, store));
  }
  if (lasting) store.remember(list_key(cover_version, layers), answer);
  if (answer == no_cover) return std::nullopt;
  TRY_ASSIGN(const std::filesystem::path tree, tree_of(answer));
  return std::optional(tree);
}

/// Builds one tree out of several.
class Merger {
 public:
  Merger(std::span<const PreparedTree> layers, int tree_fd)
      : layers_(layers), writer_(tree_fd), tree_fd_(tree_fd) {}

  base::Result<void> run(const std::vector<TreeListing>& listings) {
    for (const PreparedTree& layer : layers_) {
      base::UniqueFd folder(::open(layer.tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!folder) return base::from_errno(errno, "cannot open " + shown_name(layer.tree.string()));
      folders_.push_back(std::move(folder));
    }
    TreeListing directories;
    for (const MergedEntry& merged : merge(listings)) {
      switch (merged.entry.type) {
        case TreeEntry::Type::directory:
          TRY(writer_.make_directory(merged.entry.path));
          directories.push_back(merged.entry);
          break;
        case TreeEntry::Type::symlink:
          TRY(writer_.make_symlink(merged.entry));
          break;
        case TreeEntry::Type::file:
          TRY(place(merged));
          break;
      }
    }
    return writer_.finish_directories(directories);
  }

 private:
  base::Result<void> place(const MergedEntry& merged) {
    // A file of the user's is copied: a link would change its ctime, and an edit would show
    // through.
    if (layers_[merged.tree].digest) {
      const char* path = merged.entry.path.c_str();
      if (::linkat(folders_[merged.tree].get(), path, tree_fd_, path, 0) == 0) return {};
      // Some file systems know no hard links, or not so many, or not ours.
      if (errno != EXDEV && errno != EMLINK && errno != EPERM && errno != EOPNOTSUPP)
        return cannot_write(errno, merged.entry.path);
    }
    return copy(merged);
  }

  base::Result<void> copy(const MergedEntry& merged) {
    const TreeEntry& entry = merged.entry;
    const base::UniqueFd from(::openat(folders_[merged.tree].get(), entry.path.c_str(),
                                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!from) return base::from_errno(errno, "cannot read " + shown_name(entry.path));
    TRY_ASSIGN(const int fd, writer_.create_file(entry));
    const base::UniqueFd to(fd);
    if (::ioctl(fd, FICLONE, from.get()) != 0) {
      buffer_.resize(256u << 10);
      for (;;) {
        const ssize_t count = ::read(from.get(), buffer_.data(), buffer_.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::from_errno(errno, "cannot read " + shown_name(entry.path));
        if (count == 0) break;
        if (auto done = base::write_all(fd, {buffer_.data(), static_cast<std::size_t>(count)});
            !done)
          return cannot_write(errno, entry.path);
      }
    }
    return writer_.finish_file(fd, entry);
  }

  std::span<const PreparedTree> layers_;
  TreeWriter writer_;
  int tree_fd_;
  std::vector<base::UniqueFd> folders_;
  std::string buffer_;
};

base::Result<std::filesystem::path> merged_tree(std::span<const PreparedTree> layers,
                                                LayerStore& store) {
  base::Sha256 key;
  key.update(merged_version.data(), merged_version.size());
  for (const PreparedTree& layer : layers) {
    std::string part;
    if (layer.digest) {
      part = layer.digest->hex();
    } else {
      TRY_ASSIGN(FolderListing folder, list_folder(layer.tree.string()));
      part = layer.tree.string() + '\0' + folder.identity;
      // The next edit may leave the same times, so what is built now must not be found then.
      if (folder.just_changed) part += base::random_hex(32);
    }
    part = std::to_string(part.size()) + ":" + part;
    key.update(part.data(), part.size());
  }
  return store.derived_tree(key.finish().hex(), [&](int tree_fd) -> base::Result<void> {
    TRY_ASSIGN(const auto listings, store.entries(layers));
    return Merger(layers, tree_fd).run(listings);
  });
}

}  // namespace

TreeListing mode_cover(std::span<const TreeListing> listings) {
  const std::vector<MergedEntry> merged = merge(listings);
  std::unordered_set<std::string_view> wanted;
  for (const MergedEntry& entry : merged) {
    if (!entry.mode_taken_over) continue;
    for (std::string_view path = entry.entry.path; !path.empty(); path = parent_path(path))
      if (!wanted.insert(path).second) break;
  }
  TreeListing cover;
  for (const MergedEntry& entry : merged)
    if (wanted.contains(entry.entry.path)) cover.push_back(entry.entry);
  return cover;
}

base::Result<OptComposition> compose_opt(std::span<const PreparedTree> layers, LayerStore& store,
                                         OptMode mode) {
  const auto begin = std::chrono::steady_clock::now();
  OptComposition composition;
  composition.mode = mode;
  if (!layers.empty() && mode == OptMode::overlay) {
    for (const PreparedTree& layer : layers) composition.lowers.push_back(layer.tree);
    TRY_ASSIGN(const auto cover, cover_for(layers, store));
    if (cover) {
      composition.lowers.push_back(*cover);
      composition.has_mode_cover = true;
    }
  } else if (!layers.empty()) {
    // One tree of the store is its own merge.
    if (layers.size() == 1 && layers.front().summary.root_mode == opt_mode) {
      composition.lowers.push_back(layers.front().tree);
    } else {
      TRY_ASSIGN(std::filesystem::path tree, merged_tree(layers, store));
      composition.lowers.push_back(std::move(tree));
    }
  }
  composition.compose_time = std::chrono::steady_clock::now() - begin;
  return composition;
}

}  // namespace layers
