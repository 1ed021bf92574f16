#include "diagnosis/package_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <utility>

namespace diagnosis {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;
/// Bounds the recursion of whoever walks the values, and of their destructors.
constexpr std::size_t most_levels = 128;

/// As JavaScript has it: the last of several values, in the place of the first.
void drop_repeated_keys(JsonValue& object) {
  std::unordered_map<std::string_view, std::size_t> places;
  std::vector<bool> repeated(object.keys.size());
  for (std::size_t i = 0; i < object.keys.size(); ++i) {
    const auto [first, is_new] = places.try_emplace(object.keys[i], i);
    if (is_new) continue;
    object.items[first->second] = std::move(object.items[i]);
    repeated[i] = true;
  }
  if (places.size() == object.keys.size()) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < object.keys.size(); ++i) {
    if (repeated[i]) continue;
    if (kept != i) {
      object.keys[kept] = std::move(object.keys[i]);
      object.items[kept] = std::move(object.items[i]);
    }
    ++kept;
  }
  object.keys.resize(kept);
  object.items.resize(kept);
}

/// Builds the value without nlohmann::json's own, whose objects lose the order of their members.
class ValueBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonValue take() { return std::move(root_); }
  bool is_too_deep() const { return too_deep_; }

  bool null() override { return add({}); }
  bool boolean(bool) override { return add(JsonValue::of(JsonValue::Kind::other)); }
  bool number_integer(number_integer_t) override { return boolean(true); }
  bool number_unsigned(number_unsigned_t) override { return boolean(true); }
  bool number_float(number_float_t, const string_t&) override { return boolean(true); }
  bool string(string_t& text) override {
    JsonValue value = JsonValue::of(JsonValue::Kind::string);
    value.text = std::move(text);
    return add(std::move(value));
  }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& name) override {
    open_.back().keys.push_back(std::move(name));
    return true;
  }
  bool start_object(std::size_t) override { return open(JsonValue::of(JsonValue::Kind::object)); }
  bool start_array(std::size_t) override { return open(JsonValue::of(JsonValue::Kind::array)); }
  bool end_object() override {
    drop_repeated_keys(open_.back());
    return end_array();
  }
  bool end_array() override {
    JsonValue closed = std::move(open_.back());
    open_.pop_back();
    return add(std::move(closed));
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }
  bool open(JsonValue value) {
    too_deep_ = open_.size() == most_levels;
    if (!too_deep_) open_.push_back(std::move(value));
    return !too_deep_;
  }

  JsonValue root_;
  std::vector<JsonValue> open_;
  bool too_deep_ = false;
};

std::optional<std::string> string_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.member(key);
  if (!value || value->kind != JsonValue::Kind::string) return std::nullopt;
  return value->text;
}

std::optional<JsonValue> member_unless_null(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.member(key);
  if (!value || value->kind == JsonValue::Kind::null) return std::nullopt;
  return *value;
}

PackageJson broken(std::string problem) {
  PackageJson package;
  package.state = PackageJson::State::broken;
  package.problem = std::move(problem);
  return package;
}

}  // namespace

JsonValue JsonValue::of(Kind kind) {
  JsonValue value;
  value.kind = kind;
  return value;
}

const JsonValue* JsonValue::member(std::string_view key) const {
  if (kind != Kind::object) return nullptr;
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

PackageJson read_package_json(const FileView& view, const std::string& folder) {
  const std::string path = joined(folder, "package.json");
  if (!is_file(view, path)) return {};
  const auto text = read_file(view, path, most_bytes + 1);
  if (!text) return broken("its package.json cannot be read");
  if (text->size() > most_bytes) return broken("its package.json is larger than 1 MiB");
  ValueBuilder builder;
  if (!nlohmann::json::sax_parse(*text, &builder))
    return broken(builder.is_too_deep() ? "its package.json is nested too deeply"
                                        : "its package.json is no valid JSON");
  const JsonValue root = builder.take();
  if (root.kind == JsonValue::Kind::null) return broken("its package.json holds null");
  PackageJson package;
  package.state = PackageJson::State::read;
  package.name = string_member(root, "name");
  package.main = string_member(root, "main");
  package.version = string_member(root, "version").value_or("");
  package.exports = member_unless_null(root, "exports");
  package.imports = member_unless_null(root, "imports");
  return package;
}

}  // namespace diagnosis
