#include "diagnosis/checks/checks.hpp"

#include <algorithm>
#include <tuple>

namespace diagnosis {

std::vector<Finding> check(const Subject& subject) {
  std::vector<Finding> findings;
  const auto groups = package_groups(*subject.opt, subject.code, subject.runtime, subject.bundled);
  check_layout(subject, findings);
  check_files(subject, findings);
  check_native_code(subject, findings);
  check_packages(subject, groups, findings);
  check_python(subject, groups, findings);
  check_nodejs(subject, findings);
  check_variables(subject, findings);
  const auto key = [](const Finding& finding) {
    return std::tuple(-static_cast<int>(finding.severity), std::string_view(finding.package),
                      finding.id, std::string_view(finding.path),
                      std::string_view(finding.message));
  };
  std::sort(findings.begin(), findings.end(),
            [&key](const Finding& a, const Finding& b) { return key(a) < key(b); });
  return findings;
}

std::string owner_text(const Subject& subject, const Owner& owner) {
  switch (owner.kind) {
    case Owner::Kind::code:
      return "the code";
    case Owner::Kind::runtime:
      return "the runtime";
    case Owner::Kind::layer:
      return "layer \"" + subject.opt->layers()[owner.layer].reference() + "\"";
  }
  return {};
}

std::string package_name(const Subject& subject, const Owner& owner) {
  switch (owner.kind) {
    case Owner::Kind::code:
      return "code";
    case Owner::Kind::runtime:
      return "";
    case Owner::Kind::layer:
      return subject.opt->layers()[owner.layer].reference();
  }
  return {};
}

bool shows(const Subject& subject, const Owner& owner, std::string_view path) {
  return owner.kind == Owner::Kind::code || subject.opt->shows(owner.layer, path);
}

Finding PathCollector::finding(std::string_view id, std::string package,
                               std::string message) const {
  Finding finding = finding_of(id, std::move(package), paths_.front(), std::move(message));
  finding.more.assign(paths_.begin() + 1, paths_.end());
  return finding;
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace diagnosis
