// read_facts(): one pass over the files of a tree.
#include "base/unique_fd.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <thread>

#include "diagnosis/folder_files.hpp"
#include "diagnosis/jar_manifest.hpp"
#include "diagnosis/tree_facts.hpp"

namespace diagnosis {
namespace {

using layers::TreeEntry;
using nlohmann::json;
using Index = TreeFacts::Index;

constexpr std::size_t block = 256 * 1024;
constexpr std::size_t largest_text = 1 << 20;
constexpr std::size_t largest_path_file = 64 * 1024;
constexpr std::size_t longest_interpreter_line = 255;
/// A Python source that is searched for words; longer ones are data.
constexpr std::size_t largest_source = 4 << 20;

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// The content of a regular file as it is read: its digest, its first block, and all of it when
/// `keep` says so.
class FileReader {
 public:
  FileReader() : buffer_(std::make_unique_for_overwrite<char[]>(block)) {}

  bool read(int folder_fd, const std::string& path, std::size_t keep) {
    file_.reset(::openat(folder_fd, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status{};
    if (!file_ || ::fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    content_.clear();
    head_.clear();
    base::Sha256 digest;
    while (true) {
      const ssize_t count = ::read(file_.get(), buffer_.get(), block);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      if (count == 0) break;
      const auto size = static_cast<std::size_t>(count);
      digest.update(buffer_.get(), size);
      if (head_.empty()) head_.assign(buffer_.get(), std::min(size, head_size));
      if (content_.size() < keep)
        content_.append(buffer_.get(), std::min(size, keep - content_.size()));
    }
    digest_ = digest.finish();
    return true;
  }

  int fd() const { return file_.get(); }
  const base::Digest& digest() const { return digest_; }
  const std::string& head() const { return head_; }
  const std::string& content() const { return content_; }

 private:
  static constexpr std::size_t head_size = 512;
  std::unique_ptr<char[]> buffer_;
  base::UniqueFd file_;
  base::Digest digest_;
  std::string head_;
  std::string content_;
};

std::optional<ScriptFact> script_of(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  std::string_view line = head.substr(2, head.find('\n') - 2);
  ScriptFact script;
  script.carriage_return = line.ends_with('\r');
  if (script.carriage_return) line.remove_suffix(1);
  script.interpreter_line = line.substr(0, longest_interpreter_line);
  return script;
}

std::uint32_t little_endian(std::string_view bytes, std::size_t offset) {
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;)
    number = number << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return number;
}

std::optional<BytecodeFact> bytecode_of(std::string_view head) {
  constexpr std::size_t header = 16;
  if (head.size() < header || head[2] != '\r' || head[3] != '\n') return std::nullopt;
  BytecodeFact fact;
  const std::uint32_t flags = little_endian(head, 4);
  if (flags & 1) {
    fact.check = flags & 2 ? BytecodeFact::Check::by_hash : BytecodeFact::Check::never;
  } else {
    fact.source_mtime = little_endian(head, 8);
    fact.source_size = little_endian(head, 12);
  }
  return fact;
}

/// What of a package.json decides which file is loaded and which packages it needs.
std::string package_facts(std::string_view text) {
  constexpr std::array wanted = {"name",
                                 "version",
                                 "type",
                                 "main",
                                 "exports",
                                 "engines",
                                 "dependencies",
                                 "peerDependencies",
                                 "peerDependenciesMeta",
                                 "optionalDependencies"};
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return {};
  json kept = json::object();
  for (const char* key : wanted)
    if (const auto found = document.find(key); found != document.end()) kept[key] = *found;
  return kept.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<std::string> path_file_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#') lines.emplace_back(line);
  }
  return lines;
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

/// The text between the first pair of quotes after `key`.
std::string quoted_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = text.find_first_of("\"'", at + key.size());
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find(text[begin], begin + 1);
  if (end == std::string_view::npos) return {};
  return std::string(text.substr(begin + 1, end - begin - 1));
}

/// "rack-3.0.8" of "specifications/rack-3.0.8.gemspec"; what the file says wins over its name.
NamedVersion gem_of(std::string_view path, std::string_view text) {
  std::string_view stem = file_name(path);
  stem.remove_suffix(std::string_view(".gemspec").size());
  NamedVersion gem{quoted_after(text, ".name = "), quoted_after(text, ".version = ")};
  const std::size_t dash = stem.rfind('-');
  if (gem.name.empty()) gem.name = stem.substr(0, dash);
  if (gem.version.empty() && dash != std::string_view::npos) gem.version = stem.substr(dash + 1);
  return gem;
}

bool is_gem_specification(std::string_view path) {
  return path.ends_with(".gemspec") && path.find("specifications/") != std::string_view::npos;
}

/// How much of a file is wanted for its name.
std::size_t wanted_bytes(std::string_view path) {
  const std::string_view name = file_name(path);
  if (name == "package.json" || is_gem_specification(path)) return largest_text;
  if (name.ends_with(".pth")) return largest_path_file;
  if (name.ends_with(".py")) return largest_source;
  return 0;
}

class Worker {
 public:
  Worker(const layers::TreeListing& listing, int tree_fd, TreeFacts& facts, std::mutex& merging)
      : listing_(listing), tree_fd_(tree_fd), facts_(facts), merging_(merging) {}

  void read(Index index) {
    const TreeEntry& entry = listing_[index];
    if (entry.type != TreeEntry::Type::file) return;
    if (!reader_.read(tree_fd_, entry.path, wanted_bytes(entry.path))) return;
    // Each index is one thread's.
    facts_.digests[index] = reader_.digest();
    const std::string_view head = reader_.head();
    const std::string_view name = file_name(entry.path);
    if (head.starts_with("\x7f"
                         "ELF")) {
      if (auto elf = read_elf(reader_.fd())) found_.elf_files.emplace(index, std::move(*elf));
    } else if (auto script = script_of(head)) {
      found_.scripts.emplace(index, std::move(*script));
    }
    if (name.ends_with(".pyc")) {
      if (const auto bytecode = bytecode_of(head)) found_.bytecode.emplace(index, *bytecode);
    } else if (name.ends_with(".py")) {
      read_source(index, name, reader_.content());
    } else if (name == "package.json") {
      if (std::string text = package_facts(reader_.content()); !text.empty())
        found_.package_json.emplace(index, std::move(text));
    } else if (name.ends_with(".pth")) {
      found_.path_files.emplace(index, path_file_lines(reader_.content()));
    } else if (is_gem_specification(entry.path)) {
      found_.gems.emplace(index, gem_of(entry.path, reader_.content()));
    } else if (name.ends_with(".jar")) {
      if (auto jar = read_jar(reader_.fd(), entry.size, name)) found_.jars.emplace(index, *jar);
    }
  }

  void hand_over() {
    const std::lock_guard lock(merging_);
    facts_.elf_files.merge(found_.elf_files);
    facts_.scripts.merge(found_.scripts);
    facts_.bytecode.merge(found_.bytecode);
    facts_.package_json.merge(found_.package_json);
    facts_.path_files.merge(found_.path_files);
    facts_.six_versions.merge(found_.six_versions);
    facts_.gems.merge(found_.gems);
    facts_.jars.merge(found_.jars);
    for (auto [from, to] : {std::pair(&found_.legacy_namespaces, &facts_.legacy_namespaces),
                            std::pair(&found_.metadata_users, &facts_.metadata_users)})
      to->insert(to->end(), from->begin(), from->end());
  }

 private:
  void read_source(Index index, std::string_view name, std::string_view text) {
    if (name == "__init__.py" && contains_any(text, {"extend_path(", "declare_namespace("}))
      found_.legacy_namespaces.push_back(index);
    if (contains_any(text, {"entry_points(", "iter_entry_points(", "get_distribution(",
                            "metadata.version(", "metadata.distribution("}))
      found_.metadata_users.push_back(index);
    if (name == "six.py")
      if (std::string version = quoted_after(text, "\n__version__ = "); !version.empty())
        found_.six_versions.emplace(index, std::move(version));
  }

  const layers::TreeListing& listing_;
  int tree_fd_;
  TreeFacts& facts_;
  std::mutex& merging_;
  FileReader reader_;
  TreeFacts found_;
};

}  // namespace

TreeFacts read_facts(const std::filesystem::path& tree, const layers::TreeListing& listing) {
  TreeFacts facts;
  facts.digests.resize(listing.size());
  const base::UniqueFd tree_fd(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tree_fd) return facts;

  std::atomic<Index> next{0};
  std::mutex merging;
  const auto work = [&] {
    // In runs, so that a thread reads neighbours.
    constexpr Index run = 32;
    Worker worker(listing, tree_fd.get(), facts, merging);
    const auto end = static_cast<Index>(listing.size());
    for (Index begin; (begin = next.fetch_add(run)) < end;)
      for (Index index = begin; index < std::min(end, begin + run); ++index) worker.read(index);
    worker.hand_over();
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  work();
  threads.clear();
  for (std::vector<Index>* list : {&facts.legacy_namespaces, &facts.metadata_users})
    std::sort(list->begin(), list->end());

  const FolderFiles files(tree);
  for (Index index = 0; index < listing.size(); ++index) {
    const TreeEntry& entry = listing[index];
    if (entry.type == TreeEntry::Type::symlink || !is_metadata_name(file_name(entry.path)))
      continue;
    if (auto distribution = read_distribution(files, "/" + entry.path))
      facts.distributions.emplace(index, std::move(*distribution));
  }
  return facts;
}

}  // namespace diagnosis
