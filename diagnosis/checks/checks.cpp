#include "diagnosis/checks/checks.hpp"

#include <algorithm>
#include <tuple>

namespace diagnosis {
namespace {

/// Of one rule.
constexpr std::size_t most_messages = 1000;
constexpr std::size_t most_paths = 100'000;

}  // namespace

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

void MessageCollector::add(const std::string& package, const std::string& message,
                           std::string path) {
  const std::pair key(package, message);
  auto known = found_.find(key);
  if (paths_ == most_paths || (known == found_.end() && found_.size() == most_messages)) {
    ++left_out_;
    return;
  }
  if (known == found_.end()) known = found_.try_emplace(key).first;
  known->second.add(std::move(path));
  ++paths_;
}

void MessageCollector::move_to(std::vector<Finding>& findings, std::string_view id) const {
  for (const auto& [key, paths] : found_)
    findings.push_back(paths.finding(id, key.first, key.second));
  if (left_out_ > 0)
    findings.push_back(
        finding_of(id, "", "", std::to_string(left_out_) + " more of this kind are not listed."));
}

}  // namespace diagnosis
