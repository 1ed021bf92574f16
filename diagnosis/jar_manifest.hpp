#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnosis/tree_facts.hpp"

namespace diagnosis {

/// Name and version of a jar: Maven's pom.properties, else META-INF/MANIFEST.MF, else the file name
/// ("guava-32.1.2.jar"). Nothing when it is no zip.
std::optional<NamedVersion> read_jar(int fd, std::uint64_t size, std::string_view file_name);

/// The value of an attribute of a manifest's main section ("JAR File Specification"): lines of 72
/// bytes are continued by a blank.
std::string manifest_attribute(std::string_view manifest, std::string_view name);

}  // namespace diagnosis
