#pragma once

#include "diagnosis/finding.hpp"
#include "diagnosis/opt_view.hpp"
#include "diagnosis/package_copies.hpp"
#include "layers/entry_name.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace diagnosis {

/// A function as far as its packages and settings tell; nothing of it is run. The parts must
/// outlive it.
struct Subject {
  std::optional<RuntimeProfile> runtime;
  /// "x86_64" or "arm64".
  std::string architecture;
  std::string handler;
  /// The function's own environment variables.
  std::map<std::string, std::string> variables;
  /// Null when only layers are looked at.
  const Package* code = nullptr;
  const OptView* opt = nullptr;
  std::vector<BundledDistribution> bundled;
  /// A package could not be read: what seems to be missing may be in it.
  bool incomplete = false;
};

/// Everything that AWS accepts and that goes wrong then: errors first, then by package and path.
/// What AWS refuses outright (sizes, counts, broken archives) is the business of layers/limits.hpp.
std::vector<Finding> check(const Subject& subject);

// The parts of check(), one file each; they append what they find.
void check_layout(const Subject& subject, std::vector<Finding>& findings);
void check_files(const Subject& subject, std::vector<Finding>& findings);
void check_native_code(const Subject& subject, std::vector<Finding>& findings);
void check_packages(const Subject& subject, const std::vector<PackageGroup>& groups,
                    std::vector<Finding>& findings);
void check_python(const Subject& subject, const std::vector<PackageGroup>& groups,
                  std::vector<Finding>& findings);
void check_nodejs(const Subject& subject, std::vector<Finding>& findings);
void check_variables(const Subject& subject, std::vector<Finding>& findings);

// Shared by the parts.

/// "layer \"a.zip\"", "the code", "the runtime": in the middle of a sentence.
std::string owner_text(const Subject& subject, const Owner& owner);
/// What Finding::package holds.
std::string package_name(const Subject& subject, const Owner& owner);

/// Calls `visit(owner, package)` for the code and then each layer.
template <typename Visit>
void for_each_package(const Subject& subject, Visit visit) {
  if (subject.code != nullptr) visit(Owner{Owner::Kind::code, 0}, *subject.code);
  for (std::size_t i = 0; i < subject.opt->layers().size(); ++i)
    visit(Owner{Owner::Kind::layer, i}, subject.opt->layers()[i]);
}

/// Whether the function sees what `owner` has at `path`: always for code.
bool shows(const Subject& subject, const Owner& owner, std::string_view path);

/// Findings of one kind become one: the first path, and the others in `more`.
class PathCollector {
 public:
  void add(std::string path) { paths_.push_back(std::move(path)); }
  bool empty() const { return paths_.empty(); }
  std::size_t size() const { return paths_.size(); }
  /// `message` speaks of the first path.
  Finding finding(std::string_view id, std::string package, std::string message) const;

 private:
  std::vector<std::string> paths_;
};

/// The same for a rule whose findings differ in their messages. A hostile package could have
/// millions: past a bound they are counted, and one last finding tells the number.
class MessageCollector {
 public:
  void add(const std::string& package, const std::string& message, std::string path);
  void move_to(std::vector<Finding>& findings, std::string_view id) const;

 private:
  std::map<std::pair<std::string, std::string>, PathCollector> found_;
  std::size_t paths_ = 0;
  std::size_t left_out_ = 0;
};

using layers::file_name;
using layers::is_at_or_below;

}  // namespace diagnosis
