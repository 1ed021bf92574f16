// read_facts(): one pass over the files of a tree.
#include "base/unique_fd.hpp"
#include "diagnosis/folder_files.hpp"
#include "diagnosis/jar_manifest.hpp"
#include "diagnosis/tree_facts.hpp"
#include "layers/entry_name.hpp"

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
#include <system_error>
#include <thread>
#include <utility>

namespace diagnosis {
namespace {

using layers::file_name;
using layers::TreeEntry;
using nlohmann::json;
using Index = TreeFacts::Index;

constexpr std::size_t block = 256 * 1024;
constexpr std::size_t largest_text = 1 << 20;
constexpr std::size_t largest_path_file = 64 * 1024;
constexpr std::size_t longest_interpreter_line = 255;
/// A Python source that is searched for words; longer ones are data.
constexpr std::size_t largest_source = 4 << 20;
/// A name or a version; what is longer is none.
constexpr std::size_t longest_name = 256;
/// Of a package.json; deeper values are left out.
constexpr int deepest_json = 64;
/// A tree within AWS's limit has some megabytes of facts. Links and shared strings let a hostile
/// one have any number.
constexpr std::int64_t most_fact_bytes = std::int64_t{128} << 20;
/// Of the metadata of Python distributions, which is read file by file.
constexpr std::int64_t most_metadata_bytes = std::int64_t{48} << 20;
constexpr unsigned most_threads = 16;
/// A thread takes so many entries at a time, so that it reads neighbours.
constexpr Index run = 32;

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
  if (end == std::string_view::npos || end - begin > longest_name) return {};
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

struct ByPath {
  bool operator()(const TreeEntry& entry, const std::string& path) const {
    return entry.path < path;
  }
  bool operator()(const std::string& path, const TreeEntry& entry) const {
    return path < entry.path;
  }
};

/// How much of a file is wanted for its name.
std::size_t wanted_bytes(std::string_view path) {
  const std::string_view name = file_name(path);
  if (name == "package.json" || is_gem_specification(path)) return largest_text;
  if (name.ends_with(".pth")) return largest_path_file;
  if (name.ends_with(".py")) return largest_source;
  return 0;
}

std::size_t size_of(const std::string& text) {
  return sizeof text + text.size();
}
std::size_t size_of(const std::vector<std::string>& texts) {
  std::size_t size = sizeof texts;
  for (const std::string& text : texts) size += size_of(text);
  return size;
}
std::size_t size_of(const ElfFile& elf) {
  std::size_t size = sizeof elf + size_of(elf.needed) + size_of(elf.defined_versions);
  for (const ElfFile::NeededVersion& needed : elf.needed_versions)
    size += size_of(needed.library) + size_of(needed.version);
  return size;
}
std::size_t size_of(const PythonDistribution& distribution) {
  return sizeof distribution + size_of(distribution.requires_dist) + size_of(distribution.files) +
         size_of(distribution.top_level) + distribution.entry_points.size();
}

/// How much more may be kept of one tree.
class Budget {
 public:
  explicit Budget(std::int64_t bytes) : left_(bytes) {}
  /// False once there is not enough.
  bool take(std::size_t bytes) {
    const auto wanted = static_cast<std::int64_t>(bytes);
    return left_.fetch_sub(wanted) >= wanted;
  }
  bool is_spent() const { return left_ <= 0; }

 private:
  std::atomic<std::int64_t> left_;
};

/// What all threads share.
struct Work {
  const layers::TreeListing& listing;
  int tree_fd;
  TreeFacts facts{};
  std::mutex merging{};
  std::atomic<Index> next{0};
  Budget budget{most_fact_bytes};
};

class Worker {
 public:
  explicit Worker(Work& work) : work_(work) {}

  void run_to_the_end() {
    const auto end = static_cast<Index>(work_.listing.size());
    for (Index begin; (begin = work_.next.fetch_add(run)) < end;)
      for (Index index = begin; index < std::min(end, begin + run); ++index) read(index);
    hand_over();
  }

 private:
  void read(Index index) {
    const TreeEntry& entry = work_.listing[index];
    if (entry.type != TreeEntry::Type::file) return;
    if (!reader_.read(work_.tree_fd, entry.path, wanted_bytes(entry.path))) return;
    // Each index is one thread's.
    work_.facts.digests[index] = reader_.digest();
    const std::string_view head = reader_.head();
    const std::string_view name = file_name(entry.path);
    if (head.starts_with("\x7f"
                         "ELF")) {
      if (auto elf = read_elf(reader_.fd()); elf && work_.budget.take(size_of(*elf)))
        found_.elf_files.emplace(index, std::move(*elf));
    } else if (auto script = script_of(head)) {
      found_.scripts.emplace(index, std::move(*script));
    }
    if (name.ends_with(".pyc")) {
      if (const auto bytecode = bytecode_of(head)) found_.bytecode.emplace(index, *bytecode);
    } else if (name.ends_with(".py")) {
      read_source(index, name, reader_.content());
    } else if (name == "package.json") {
      if (std::string text = package_json_facts(reader_.content());
          !text.empty() && work_.budget.take(size_of(text)))
        found_.package_json.emplace(index, std::move(text));
    } else if (name.ends_with(".pth")) {
      if (auto lines = path_file_lines(reader_.content()); work_.budget.take(size_of(lines)))
        found_.path_files.emplace(index, std::move(lines));
    } else if (is_gem_specification(entry.path)) {
      found_.gems.emplace(index, gem_of(entry.path, reader_.content()));
    } else if (name.ends_with(".jar")) {
      if (auto jar = read_jar(layers::FileSource(reader_.fd(), entry.size), name))
        found_.jars.emplace(index, std::move(*jar));
    }
  }

  void hand_over() {
    const std::lock_guard lock(work_.merging);
    TreeFacts& facts = work_.facts;
    facts.elf_files.merge(found_.elf_files);
    facts.scripts.merge(found_.scripts);
    facts.bytecode.merge(found_.bytecode);
    facts.package_json.merge(found_.package_json);
    facts.path_files.merge(found_.path_files);
    facts.six_versions.merge(found_.six_versions);
    facts.gems.merge(found_.gems);
    facts.jars.merge(found_.jars);
    for (auto [from, to] : {std::pair(&found_.legacy_namespaces, &facts.legacy_namespaces),
                            std::pair(&found_.metadata_users, &facts.metadata_users)})
      to->insert(to->end(), from->begin(), from->end());
  }

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

  Work& work_;
  FileReader reader_;
  TreeFacts found_;
};

/// The files of Python's metadata, as long as there is not too much to read: every RECORD can be a
/// link to the same one.
class MeteredFiles final : public FileView {
 public:
  explicit MeteredFiles(const std::filesystem::path& root) : files_(root) {}

  bool is_spent() const { return budget_.is_spent(); }

  std::optional<FileNode> look(const std::string& path) const override {
    return budget_.take(price_of_look + path.size()) ? files_.look(path) : std::nullopt;
  }
  std::vector<std::string> names(const std::string& directory) const override {
    return files_.names(directory);
  }
  std::optional<std::string> read(const std::string& path, std::size_t limit) const override {
    if (is_spent()) return std::nullopt;
    auto content = files_.read(path, limit);
    if (content && !budget_.take(content->size())) return std::nullopt;
    return content;
  }

 private:
  /// Besides the path's length: a chain of folders makes every path long, and a list can name any
  /// number of them.
  static constexpr std::size_t price_of_look = 50;

  FolderFiles files_;
  mutable Budget budget_{most_metadata_bytes};
};

/// Rows of a RECORD that are files of the tree, each once.
void keep_what_is_there(PythonDistribution& distribution, std::string_view folder,
                        const layers::TreeListing& listing) {
  std::string path;
  std::erase_if(distribution.files, [&](const std::string& file) {
    path.assign(folder).append(folder.empty() ? "" : "/").append(file);
    return !std::binary_search(listing.begin(), listing.end(), path, ByPath());
  });
  std::sort(distribution.files.begin(), distribution.files.end());
  distribution.files.erase(std::unique(distribution.files.begin(), distribution.files.end()),
                           distribution.files.end());
}

void read_distributions(const std::filesystem::path& tree, Work& work) {
  const MeteredFiles files(tree);
  for (Index index = 0; index < work.listing.size() && !files.is_spent(); ++index) {
    const TreeEntry& entry = work.listing[index];
    if (entry.type == TreeEntry::Type::symlink || !is_metadata_name(file_name(entry.path)))
      continue;
    auto distribution = read_distribution(files, "/" + entry.path);
    if (!distribution) continue;
    const bool has_record = !distribution->files.empty();
    keep_what_is_there(*distribution, layers::parent_path(entry.path), work.listing);
    // Without a record everything below the top-level modules counts, which must not come back.
    if (has_record && distribution->files.empty()) distribution->top_level.clear();
    if (work.budget.take(size_of(*distribution)))
      work.facts.distributions.emplace(index, std::move(*distribution));
  }
}

}  // namespace

std::string package_json_facts(std::string_view text) {
  constexpr std::array wanted = {"name",         "version",          "type",
                                 "dependencies", "peerDependencies", "optionalDependencies"};
  // Copies and dump() recurse, so depth is a matter of the stack.
  const auto shallow = [](int depth, json::parse_event_t, const json&) {
    return depth < deepest_json;
  };
  json document = json::parse(text, shallow, /*allow_exceptions=*/false);
  if (!document.is_object()) return {};
  json kept = json::object();
  for (const char* key : wanted)
    if (const auto found = document.find(key); found != document.end())
      kept[key] = std::move(*found);
  for (const char* key : {"name", "version"})
    if (const auto found = kept.find(key);
        found != kept.end() && found->is_string() &&
        found->get_ref<const std::string&>().size() > longest_name)
      kept.erase(found);
  return kept.dump(-1, ' ', false, json::error_handler_t::replace);
}

TreeFacts read_facts(const std::filesystem::path& tree, const layers::TreeListing& listing) {
  const base::UniqueFd tree_fd(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Work work{listing, tree_fd.get()};
  work.facts.digests.resize(listing.size());
  if (!tree_fd) return std::move(work.facts);
  const auto read_files = [&work] { Worker(work).run_to_the_end(); };
  {
    const std::size_t wanted = std::min<std::size_t>(
        {std::thread::hardware_concurrency(), most_threads, listing.size() / run});
    std::vector<std::jthread> threads;
    try {
      while (threads.size() + 1 < wanted) threads.emplace_back(read_files);
    } catch (const std::system_error&) {
      // A host that allows no more threads: those that there are do it.
    }
    read_files();
  }
  for (std::vector<Index>* list : {&work.facts.legacy_namespaces, &work.facts.metadata_users})
    std::sort(list->begin(), list->end());
  read_distributions(tree, work);
  return std::move(work.facts);
}

}  // namespace diagnosis
