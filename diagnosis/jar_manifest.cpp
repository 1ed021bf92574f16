#include "diagnosis/jar_manifest.hpp"

#include "layers/byte_source.hpp"
#include "layers/zip_reader.hpp"

#include <string>

namespace diagnosis {
namespace {

constexpr std::uint64_t largest_member = 1 << 20;

std::string property(std::string_view text, std::string_view name) {
  const std::string key = "\n" + std::string(name) + "=";
  const std::string padded = "\n" + std::string(text);
  const std::size_t at = padded.find(key);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + key.size();
  return padded.substr(begin, padded.find_first_of("\r\n", begin) - begin);
}

/// "guava" and "32.1.2" of "guava-32.1.2.jar".
NamedVersion from_file_name(std::string_view name) {
  name.remove_suffix(std::string_view(".jar").size());
  for (std::size_t dash = name.find('-'); dash != std::string_view::npos;
       dash = name.find('-', dash + 1))
    if (dash + 1 < name.size() && name[dash + 1] >= '0' && name[dash + 1] <= '9')
      return {std::string(name.substr(0, dash)), std::string(name.substr(dash + 1))};
  return {std::string(name), ""};
}

}  // namespace

std::string manifest_attribute(std::string_view manifest, std::string_view name) {
  std::string value;
  bool inside = false;
  while (!manifest.empty()) {
    const std::size_t end = manifest.find('\n');
    std::string_view line = manifest.substr(0, end);
    manifest.remove_prefix(end == std::string_view::npos ? manifest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;  // The sections of single files follow.
    if (line.front() == ' ') {
      if (inside) value.append(line.substr(1));
      continue;
    }
    if (inside) break;
    inside = line.size() > name.size() + 1 && line.starts_with(name) && line[name.size()] == ':';
    if (!inside) continue;
    line.remove_prefix(name.size() + 1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    value = line;
  }
  return value;
}

std::optional<NamedVersion> read_jar(int fd, std::uint64_t size, std::string_view file_name) {
  const layers::FileSource source(fd, size);
  const auto contents = layers::read_zip_contents(source);
  if (!contents) return std::nullopt;
  NamedVersion jar = from_file_name(file_name);
  layers::ZipMemberReader reader(source, contents->data_end);
  bool from_maven = false;
  for (const layers::ZipMember& member : contents->members) {
    const std::string_view path = member.entry.path;
    const bool maven = path.starts_with("META-INF/maven/") && path.ends_with("/pom.properties");
    if ((!maven && path != "META-INF/MANIFEST.MF") || member.entry.size > largest_member) continue;
    const auto bytes = reader.read(member);
    if (!bytes) continue;
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    if (maven) {
      // A jar that bundles others has several; the one of its own name speaks for it.
      const std::string artifact = property(text, "artifactId");
      if (artifact.empty() || (from_maven && artifact != jar.name)) continue;
      jar = {artifact, property(text, "version")};
      from_maven = true;
    } else if (!from_maven) {
      if (std::string version = manifest_attribute(text, "Implementation-Version");
          !version.empty() && jar.version.empty())
        jar.version = std::move(version);
    }
  }
  return jar;
}

}  // namespace diagnosis
