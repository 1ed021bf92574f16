#pragma once

#include "diagnosis/file_view.hpp"
#include "diagnosis/resolution.hpp"

#include <string>
#include <string_view>

namespace diagnosis {

/// What execvp() takes for a program's name, by PATH. Files that cannot be run are candidates, with
/// the reason, and are passed over.
Resolution resolve_program(const FileView& view, std::string_view path_variable,
                           std::string_view name);

struct LibrarySearch {
  /// LD_LIBRARY_PATH.
  std::string library_path;
  /// "x86_64" or "arm64": objects of another one are passed over.
  std::string architecture;
  /// The object that needs the library; empty when no matter. Its DT_RUNPATH counts.
  std::string needed_by;
};

/// What the dynamic loader takes for a soname (ld.so(8)): the needing object's RUNPATH after
/// LD_LIBRARY_PATH, then the system's folders.
Resolution resolve_library(const FileView& view, const LibrarySearch& search,
                           std::string_view soname);

}  // namespace diagnosis
