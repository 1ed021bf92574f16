#include "diagnosis/jar_manifest.hpp"

#include "layers/zip_reader.hpp"

#include <algorithm>
#include <string>

namespace diagnosis {
namespace {

constexpr std::uint64_t largest_manifest = 1 << 20;
// Small files, unless somebody wants the reader to be busy; a bundle has some hundred.
constexpr std::uint64_t largest_properties = 16 * 1024;
constexpr int most_properties = 1000;
/// A name or a version; what is longer is none.
constexpr std::size_t longest_name = 256;

bool same_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

/// Ends with CR LF, LF or CR.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  text.remove_prefix(line.size());
  if (text.starts_with("\r\n")) text.remove_prefix(1);
  if (!text.empty()) text.remove_prefix(1);
  return line;
}

std::string property(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with('=')) continue;
    line.remove_prefix(name.size() + 1);
    return line.size() <= longest_name ? std::string(line) : std::string();
  }
  return {};
}

/// "guava" and "32.1.2" of "guava-32.1.2.jar".
NamedVersion from_file_name(std::string_view name) {
  if (name.ends_with(".jar")) name.remove_suffix(std::string_view(".jar").size());
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
    std::string_view line = take_line(manifest);
    if (line.empty()) break;  // The sections of single files follow.
    if (line.front() == ' ') {
      if (inside) value.append(line.substr(1));
      continue;
    }
    if (inside) break;
    inside = line.size() > name.size() && line[name.size()] == ':' &&
             same_but_for_case(line.substr(0, name.size()), name);
    if (!inside) continue;
    line.remove_prefix(name.size() + 1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    value = line;
  }
  return value;
}

std::optional<NamedVersion> read_jar(const layers::ByteSource& source, std::string_view file_name) {
  const auto contents = layers::read_zip_contents(source);
  if (!contents) return std::nullopt;
  NamedVersion jar = from_file_name(file_name);
  layers::ZipMemberReader reader(source, contents->data_end);
  const auto text_of = [&reader](const layers::ZipMember& member) {
    const auto bytes = reader.read(member);
    return bytes ? std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size())
                 : std::string_view();
  };
  int properties = 0;
  NamedVersion only;
  for (const layers::ZipMember& member : contents->members) {
    const std::string_view path = member.entry.path;
    if (path == "META-INF/MANIFEST.MF" && member.entry.size <= largest_manifest) {
      std::string version = manifest_attribute(text_of(member), "Implementation-Version");
      if (jar.version.empty() && version.size() <= longest_name) jar.version = std::move(version);
      continue;
    }
    if (!path.starts_with("META-INF/maven/") || !path.ends_with("/pom.properties") ||
        member.entry.size > largest_properties || properties == most_properties)
      continue;
    const std::string_view text = text_of(member);
    NamedVersion maven{property(text, "artifactId"), property(text, "version")};
    if (maven.name.empty()) continue;
    if (maven.name == jar.name) return maven;
    ++properties;
    only = std::move(maven);
  }
  // A jar that bundles others has one for each of them; alone it speaks for a jar that was renamed.
  return properties == 1 ? only : jar;
}

}  // namespace diagnosis
