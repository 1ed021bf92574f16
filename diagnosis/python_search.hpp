#pragma once

#include "diagnosis/file_view.hpp"
#include "diagnosis/resolution.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diagnosis {

/// How the runtime's interpreter looks for modules. Source of the order: the bootstrap of AWS's own
/// images (developer guide, "Packaging your layer content"; "search path").
struct PythonSearch {
  /// "3.11".
  std::string version;
  /// PYTHONPATH, when the function sets it: the layers' folders are then not searched.
  std::optional<std::string> python_path;
  std::string task_root = "/var/task";
};

/// sys.path, the highest precedence first, with the folders that .pth files name. Folders that do
/// not exist are left out, and each is there once.
std::vector<std::string> python_search_path(const FileView& view, const PythonSearch& search);

/// What `import module` (dotted names too) takes, as importlib does: built-in modules first, then
/// sys.path; regular packages before namespace portions; in one folder a package before an
/// extension module before source before bytecode. The path of a built-in module is "built-in"; a
/// candidate's place is the entry of sys.path, for dotted names, too.
Resolution resolve_python(const FileView& view, const PythonSearch& search,
                          std::string_view module);

}  // namespace diagnosis
