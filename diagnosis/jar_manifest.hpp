#pragma once

#include "diagnosis/tree_facts.hpp"
#include "layers/byte_source.hpp"

#include <optional>
#include <string_view>

namespace diagnosis {

/// Name and version of a jar: Maven's pom.properties when it is of that name or the only one, else
/// the file name ("guava-32.1.2.jar"), which can leave the version to META-INF/MANIFEST.MF. Nothing
/// when it is no zip.
std::optional<NamedVersion> read_jar(const layers::ByteSource& source, std::string_view file_name);

/// The value of an attribute of a manifest's main section ("JAR File Specification"): lines of 72
/// bytes are continued by a blank, the case of names does not matter.
std::string manifest_attribute(std::string_view manifest, std::string_view name);

}  // namespace diagnosis
