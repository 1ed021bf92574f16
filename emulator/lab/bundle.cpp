#include "emulator/lab/bundle.hpp"

#include "base/unique_fd.hpp"
#include "emulator/cold_start.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>

namespace emulator {
namespace {

namespace fs = std::filesystem;
using layers::TreeEntry;

/// A folder of /opt whose modules move to another one, which is on the runtime's search path in a
/// package as well.
struct Move {
  std::string from;
  std::string to;
};

/// The searched one last: what it has wins.
std::vector<Move> moves_of(const std::string& runtime) {
  if (runtime.starts_with("python"))
    return {{"python/", ""}, {"python/lib/" + runtime + "/site-packages/", ""}};
  if (runtime.starts_with("nodejs")) {
    const std::string major = runtime.substr(6, runtime.find('.') - 6);
    return {{"nodejs/node_modules/", "node_modules/"},
            {"nodejs/node" + major + "/node_modules/", "node_modules/"}};
  }
  return {};
}

/// The module or package that a path below a search folder belongs to: a Python module's top name,
/// "@scope/name" for Node.js. A search takes it from one folder, whole.
std::string_view unit_of(std::string_view path) {
  std::size_t end = path.find('/');
  if (path.starts_with('@') && end != std::string_view::npos) end = path.find('/', end + 1);
  return path.substr(0, end);
}

/// "requests" and "requests.py" are one module to Python.
std::string module_name(std::string_view unit, bool is_python) {
  if (is_python && unit.ends_with(".py")) unit.remove_suffix(3);
  return std::string(unit);
}

}  // namespace

std::vector<BundledEntry> plan_bundle(const std::string& runtime,
                                      const std::vector<layers::MergedEntry>& opt,
                                      const layers::TreeListing& code) {
  const std::vector<Move> moves = moves_of(runtime);
  const bool is_python = runtime.starts_with("python");
  const std::string search = moves.empty() ? std::string() : moves.back().to;
  // A search folder's number for each module in it: the code's own is above all.
  const std::size_t own = moves.size();
  std::map<std::string, std::size_t> finds;
  const auto rank_of = [&moves](std::string_view path) -> std::optional<std::size_t> {
    // The longest prefix: "python/lib/python3.12/site-packages/" is below "python/", too.
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < moves.size(); ++i)
      if (path.starts_with(moves[i].from) &&
          (!best || moves[i].from.size() > moves[*best].from.size()))
        best = i;
    return best;
  };
  const auto note = [&](std::string_view module_path, std::size_t rank) {
    std::size_t& known = finds[module_name(unit_of(module_path), is_python)];
    known = std::max(known, rank);
  };
  for (const layers::MergedEntry& merged : opt)
    if (const auto rank = rank_of(merged.entry.path))
      note(std::string_view(merged.entry.path).substr(moves[*rank].from.size()), *rank);
  if (!moves.empty())
    for (const TreeEntry& entry : code)
      if (entry.path.starts_with(search) && entry.path.size() > search.size())
        note(std::string_view(entry.path).substr(search.size()), own);

  std::map<std::string, BundledEntry> bundle;
  const auto put = [&bundle](TreeEntry entry, std::string name, std::size_t package) {
    BundledEntry bundled{std::move(entry), package, {}};
    bundled.source = bundled.entry.path;
    bundled.entry.path = name;
    bundle.insert_or_assign(std::move(name), std::move(bundled));
  };
  const auto is_emptied = [&moves](const std::string& path) {
    return std::any_of(moves.begin(), moves.end(),
                       [&path](const Move& move) { return move.from.starts_with(path + "/"); });
  };
  for (const layers::MergedEntry& merged : opt) {
    const auto rank = rank_of(merged.entry.path);
    if (is_emptied(merged.entry.path)) continue;
    if (!rank) {
      put(merged.entry, merged.entry.path, merged.tree + 1);
      continue;
    }
    const std::string module_path = merged.entry.path.substr(moves[*rank].from.size());
    // "lib" of "python/lib/python3.12/site-packages" is no module.
    if (finds[module_name(unit_of(module_path), is_python)] == *rank)
      put(merged.entry, moves[*rank].to + module_path, merged.tree + 1);
  }
  for (const TreeEntry& entry : code) put(entry, entry.path, 0);

  // A file of the code where a layer has a directory: what lay below is gone.
  const auto is_blocked = [&bundle](const std::string& name) {
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      const auto above = bundle.find(name.substr(0, slash));
      if (above != bundle.end() && above->second.entry.type != TreeEntry::Type::directory)
        return true;
    }
    return false;
  };
  std::vector<BundledEntry> entries;
  for (const auto& [name, bundled] : bundle)
    if (!is_blocked(name)) entries.push_back(bundled);
  return entries;
}

base::Result<void> make_bundle(const FunctionSelection& selection, layers::LayerStore& store,
                               const fs::path& file, layers::ZipCompression compression) {
  TRY_ASSIGN(const layers::PreparedTree code,
             store.prepare(selection.code, layers::PackageKind::code, nullptr));
  TRY_ASSIGN(const layers::TreeListing code_entries, store.entries(code));
  std::vector<layers::PreparedTree> prepared;
  for (const std::string& reference : selection.layers) {
    TRY_ASSIGN(layers::PreparedTree layer, prepare_layer(reference, store, nullptr));
    prepared.push_back(std::move(layer));
  }
  TRY_ASSIGN(const auto stack, store.entries(prepared));
  std::vector<layers::ZipInput> inputs;
  for (BundledEntry& bundled :
       plan_bundle(selection.function.runtime, layers::merge(stack), code_entries)) {
    const layers::PreparedTree& from = bundled.package == 0 ? code : prepared[bundled.package - 1];
    inputs.push_back({std::move(bundled.entry), from.tree / bundled.source});
  }
  const base::UniqueFd zip(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!zip) return base::from_errno(errno, "cannot write the bundle");
  return layers::write_zip(zip.get(), inputs, compression);
}

}  // namespace emulator
