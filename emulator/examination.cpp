#include "emulator/examination.hpp"

#include "diagnosis/folder_files.hpp"
#include "emulator/cold_start.hpp"
#include "layers/limits.hpp"

#include <algorithm>
#include <map>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;
using diagnosis::Finding;
using diagnosis::finding_of;

constexpr std::uint64_t max_zipped_bytes = 52'428'800;

/// What the host has of the runtime's own packages, where the sandbox shows them.
std::vector<diagnosis::BundledDistribution> bundled_of(const RuntimeSupport& support) {
  std::vector<diagnosis::BundledDistribution> bundled;
  if (support.family != RuntimeFamily::python) return bundled;
  const std::string place = "/var/lang/lib/python" + support.version + "/site-packages";
  const diagnosis::FolderFiles host("");
  for (const std::filesystem::path& part : support.bundled) {
    if (!diagnosis::is_metadata_name(part.filename().string())) continue;
    if (auto distribution = diagnosis::read_distribution(host, part.string()))
      bundled.push_back({std::move(*distribution), place});
  }
  return bundled;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The rule that an error of preparing packages stands for; empty when it is none of AWS's.
std::string_view rule_of(const Error& error) {
  using namespace layers::aws_text;
  const std::string_view text = error.message;
  if (contains(text, unzipped_too_big)) return "unzipped-too-big";
  if (contains(text, unreadable_files) || contains(text, unsearchable_directories))
    return "unreadable-layer";
  if (contains(text, too_many_layers)) return "too-many-layers";
  if (contains(text, "Two different versions of the same layer")) return "same-layer-twice";
  if (contains(text, layers_too_big)) return "layers-too-big";
  if (contains(text, "Function code combined with layers")) return "code-and-layers-too-big";
  if (contains(text, "reserved keys")) return "reserved-variable";
  if (contains(text, not_an_archive) || error.kind == ErrorKind::corrupt_data)
    return "broken-archive";
  return {};
}

/// `layer "a.zip": what` without what stands before the colon.
std::string without_subject(const std::string& message, const std::string& reference) {
  const std::string end = "\"" + reference + "\": ";
  const std::size_t at = message.find(end);
  return at == std::string::npos ? message : message.substr(at + end.size());
}

/// "eu-west-1" of arn:aws:lambda:eu-west-1:123456789012:layer:name:1.
std::string region_of(const std::string& arn) {
  std::size_t at = 0;
  for (int colons = 0; colons < 3; ++colons) {
    at = arn.find(':', at);
    if (at == std::string::npos) return {};
    ++at;
  }
  return arn.substr(at, arn.find(':', at) - at);
}

bool is_container_image(const diagnosis::Package& code) {
  return code.find("oci-layout") != nullptr ||
         (code.find("manifest.json") != nullptr && code.find("repositories") != nullptr);
}

}  // namespace

base::Result<void> Examination::start(const FunctionSelection& selection,
                                      layers::LayerStore& store) {
  diagnosis::Subject& subject = parts_->subject;
  const FunctionConfiguration& function = selection.function;
  subject.architecture = to_string(function.architecture);
  subject.handler = function.handler;
  for (const auto& [name, value] : function.environment) subject.variables[name] = value;
  if (function.runtime.empty()) return {};
  subject.runtime = diagnosis::RuntimeProfile::of(function.runtime);
  if (!subject.runtime)
    return Error(ErrorKind::invalid_argument,
                 "runtime: Lambda has no \"" + function.runtime +
                     "\". Give one of its identifiers, such as python3.12, nodejs20.x or "
                     "provided.al2023.");
  // A host without the interpreter can be diagnosed, too.
  if (const auto support = find_runtime(function.runtime, memory_of(store)))
    subject.bundled = bundled_of(*support);
  return {};
}

void Examination::finish() {
  parts_->opt.emplace(parts_->layers);
  parts_->subject.opt = &*parts_->opt;
  parts_->subject.code = parts_->code ? &*parts_->code : nullptr;
}

base::Result<Examination> Examination::make(const FunctionSelection& selection,
                                            layers::LayerStore& store,
                                            layers::ExtractionProgress* progress) {
  Examination examination;
  TRY(examination.start(selection, store));
  Parts& parts = *examination.parts_;
  if (!selection.code.empty()) {
    TRY_ASSIGN(layers::PreparedTree tree,
               store.prepare(selection.code, layers::PackageKind::code, progress));
    TRY_ASSIGN(parts.code, diagnosis::examine(store, std::move(tree)));
  }
  for (const std::string& reference : selection.layers) {
    TRY_ASSIGN(layers::PreparedTree tree, prepare_layer(reference, store, progress));
    TRY_ASSIGN(diagnosis::Package package, diagnosis::examine(store, std::move(tree)));
    parts.layers.push_back(std::move(package));
  }
  examination.finish();
  return examination;
}

base::Result<Examination> Examination::make_lenient(const FunctionSelection& selection,
                                                    layers::LayerStore& store,
                                                    layers::ExtractionProgress* progress,
                                                    std::vector<Finding>& refused) {
  Examination examination;
  TRY(examination.start(selection, store));
  Parts& parts = *examination.parts_;

  const auto refuse = [&refused, &parts](const Error& error, const std::string& package,
                                         const std::string& reference) -> base::Result<void> {
    const std::string_view id = rule_of(error);
    if (id.empty()) return error;
    if (!reference.empty()) parts.subject.incomplete = true;
    refused.push_back(finding_of(id, package, "", without_subject(error.message, reference)));
    return {};
  };
  const auto add_archive = [&refused](const layers::PreparedTree& tree,
                                      const std::string& package) {
    if (tree.archive_bytes <= max_zipped_bytes) return;
    refused.push_back(
        finding_of("zipped-too-big", package, "",
                   "The archive has " + std::to_string(tree.archive_bytes) + " bytes."));
  };

  FunctionConfiguration function = selection.function;
  if (function.handler.empty()) function.handler = "none";
  // Nothing is run, so another machine's function is fine.
  function.architecture = host_architecture();
  if (!function.runtime.empty())
    if (const auto checked = check_configuration(function); !checked) {
      const std::string_view id = rule_of(checked.error());
      refused.push_back(
          finding_of(id.empty() ? "invalid-configuration" : id, "", "", checked.error().message));
    }
  if (const auto counted = layers::check_layer_count(selection.layers.size()); !counted)
    TRY(refuse(counted.error(), "", ""));

  if (!selection.code.empty()) {
    auto tree = store.prepare(selection.code, layers::PackageKind::code, progress);
    if (tree) {
      add_archive(*tree, "code");
      TRY_ASSIGN(parts.code, diagnosis::examine(store, std::move(*tree)));
    } else {
      TRY(refuse(tree.error(), "code", selection.code));
    }
  }
  std::vector<layers::PreparedTree> trees;
  for (const std::string& reference : selection.layers) {
    if (const std::string region = region_of(reference);
        reference.starts_with("arn:") && selection.region_given && !region.empty() &&
        region != function.region) {
      refused.push_back(
          finding_of("layer-region", reference, "",
                     "The layer is in " + region + ", the function in " + function.region + "."));
      parts.subject.incomplete = true;
      continue;
    }
    auto tree = prepare_layer(reference, store, progress);
    if (!tree) {
      TRY(refuse(tree.error(), reference, reference));
      continue;
    }
    add_archive(*tree, reference);
    trees.push_back(*tree);
    TRY_ASSIGN(diagnosis::Package package, diagnosis::examine(store, std::move(*tree)));
    parts.layers.push_back(std::move(package));
  }
  examination.finish();
  if (trees.size() <= layers::max_layers)
    if (const auto set = layers::check_package_set(trees, parts.code ? &parts.code->tree : nullptr);
        !set) {
      TRY(refuse(set.error(), "", ""));
      Finding& finding = refused.back();
      if (finding.id == "layers-too-big" || finding.id == "code-and-layers-too-big")
        finding.more = biggest_folders(examination, 10);
    }
  if (parts.code && !selection.layers.empty() && is_container_image(*parts.code))
    refused.push_back(finding_of("image-with-layers", "code", "",
                                 "It is a container image, and " +
                                     std::to_string(selection.layers.size()) +
                                     " layers are given with it."));
  return examination;
}

std::vector<std::string> biggest_folders(const Examination& examination, std::size_t count) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> sizes;
  const auto add = [&sizes](const std::string& owner, const diagnosis::Package& package) {
    for (const layers::TreeEntry& entry : package.listing) {
      if (entry.type == layers::TreeEntry::Type::directory) continue;
      std::size_t end = entry.path.find('/');
      if (end != std::string::npos) end = entry.path.find('/', end + 1);
      sizes[{owner, entry.path.substr(0, end)}] += entry.size;
    }
  };
  if (examination.code() != nullptr) add("code", *examination.code());
  for (const diagnosis::Package& layer : examination.layers())
    add("layer \"" + layer.reference() + "\"", layer);
  std::vector<std::pair<std::uint64_t, std::string>> rows;
  for (const auto& [key, size] : sizes) rows.emplace_back(size, key.first + ": " + key.second);
  std::sort(rows.rbegin(), rows.rend());
  std::vector<std::string> lines;
  for (const auto& [size, text] : rows) {
    if (lines.size() == count) break;
    lines.push_back(std::to_string(size) + " bytes  " + text);
  }
  return lines;
}

}  // namespace emulator
