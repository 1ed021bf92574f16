// What packages do to each other, in any language.
#include "diagnosis/checks/checks.hpp"

#include <algorithm>
#include <set>

namespace diagnosis {
namespace {

using Ecosystem = PackageGroup::Ecosystem;

std::vector<std::string> paths_of(const Subject& subject, const PackageCopy& copy,
                                  const std::vector<TreeFacts::Index>& indices) {
  const Package& package = copy.owner.kind == Owner::Kind::code
                               ? *subject.code
                               : subject.opt->layers()[copy.owner.layer];
  std::vector<std::string> paths;
  for (const TreeFacts::Index index : indices) paths.push_back(package.listing[index].path);
  return paths;
}

void check_mixture(const Subject& subject, const PackageGroup& group,
                   std::vector<Finding>& findings) {
  const PackageCopy* winner = group.winner();
  for (const PackageCopy* other : group.mixed_in()) {
    const auto paths = paths_of(subject, *other, other->visible);
    const bool one = paths.size() == 1;
    Finding finding = finding_of(
        "mixed-package", package_name(subject, other->owner), paths.front(),
        std::to_string(paths.size()) + (one ? " file of " : " files of ") + group.name + " " +
            other->version + (one ? " still shows beside " : " still show beside ") +
            winner->version + " of " + owner_text(subject, winner->owner) + ".");
    finding.more.assign(paths.begin() + 1, paths.end());
    findings.push_back(std::move(finding));
  }
}

void check_code_copy(const Subject& subject, const PackageGroup& group,
                     std::vector<Finding>& findings) {
  const PackageCopy* winner = group.winner();
  if (winner == nullptr || winner->owner.kind != Owner::Kind::code) return;
  std::set<std::size_t> told;
  for (const PackageCopy& copy : group.copies) {
    if (copy.owner.kind != Owner::Kind::layer || copy.version == winner->version ||
        !told.insert(copy.owner.layer).second)
      continue;
    findings.push_back(finding_of("shadowed-by-code", package_name(subject, copy.owner),
                                  copy.metadata_path,
                                  "The layer has " + group.name + " " + copy.version +
                                      ", the code has " + winner->version + "."));
  }
}

void check_jars(const Subject& subject, const PackageGroup& group, std::vector<Finding>& findings) {
  std::vector<const PackageCopy*> shown;
  for (const PackageCopy& copy : group.copies)
    if (!copy.visible.empty()) shown.push_back(&copy);
  if (shown.size() < 2) return;
  for (std::size_t i = 1; i < shown.size(); ++i) {
    if (shown[i]->version == shown[0]->version) continue;
    findings.push_back(
        finding_of("duplicate-jar", package_name(subject, shown[i]->owner), shown[i]->metadata_path,
                   group.name + " " + shown[i]->version + " comes after " + shown[0]->version +
                       " of " + owner_text(subject, shown[0]->owner) + "."));
  }
}

}  // namespace

void check_packages(const Subject& subject, const std::vector<PackageGroup>& groups,
                    std::vector<Finding>& findings) {
  for (const PackageGroup& group : groups) {
    check_mixture(subject, group, findings);
    if (group.ecosystem == Ecosystem::python || group.ecosystem == Ecosystem::nodejs)
      check_code_copy(subject, group, findings);
    if (group.ecosystem == Ecosystem::java) check_jars(subject, group, findings);
  }
}

}  // namespace diagnosis
