#include "emulator/function_configuration.hpp"

#include "emulator/environment_variables.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace emulator {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t max_environment_bytes = 4096;

base::Result<void> in_range(const char* what, const char* flag, std::int64_t value,
                            std::int64_t low, std::int64_t high, const char* unit) {
  if (value >= low && value <= high) return {};
  return Error(ErrorKind::invalid_argument, std::string(what) + ": " + std::to_string(value) +
                                                " is outside of what Lambda takes. Give " + flag +
                                                " a value from " + std::to_string(low) + " to " +
                                                std::to_string(high) + " " + unit + ".");
}

/// Keys as the API takes them: [a-zA-Z]([a-zA-Z0-9_])+
bool is_variable_name(const std::string& key) {
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return key.size() >= 2 && std::isalpha(static_cast<unsigned char>(key[0])) != 0 &&
         std::all_of(key.begin(), key.end(), word);
}

bool is_function_name(const std::string& name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

base::Result<void> check_variables(const EnvironmentVariables& variables) {
  if (const auto reserved = reserved_keys(variables); !reserved.empty())
    return Error(
        ErrorKind::invalid_argument,
        "environment: Lambda was unable to configure your environment variables because the "
        "environment variables you have provided contains reserved keys that are currently "
        "not supported for modification. Reserved keys used in this request: " +
            joined(reserved));
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  for (const auto& [key, value] : variables) {
    if (!is_variable_name(key))
      return Error(ErrorKind::invalid_argument,
                   "environment: \"" + key +
                       "\" is no name that Lambda takes. Use a letter, then letters, digits or "
                       "underscores, at least two characters.");
    if (value.find('\0') != std::string::npos)
      return Error(ErrorKind::invalid_argument,
                   "environment: the value of " + key + " has a NUL byte. Remove it.");
    document[key] = value;
  }
  const std::string measured =
      document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (!variables.empty() && measured.size() > max_environment_bytes)
    return Error(
        ErrorKind::limit_exceeded,
        "environment: Lambda was unable to configure your environment variables because the "
        "environment variables you have provided exceeded the 4KB limit. String measured: " +
            measured);
  return {};
}

}  // namespace

std::string_view to_string(Architecture architecture) {
  return architecture == Architecture::arm64 ? "arm64" : "x86_64";
}

Architecture host_architecture() {
#if defined(__aarch64__)
  return Architecture::arm64;
#else
  return Architecture::x86_64;
#endif
}

std::string function_arn(const FunctionConfiguration& function) {
  return "arn:aws:lambda:" + function.region + ":" + function.account_id +
         ":function:" + function.function_name;
}

base::Result<void> check_configuration(const FunctionConfiguration& function) {
  TRY(in_range("memory size", "--memory", function.memory_size, 128, 10240, "MB"));
  TRY(in_range("timeout", "--timeout", function.timeout.count(), 1, 900, "seconds"));
  TRY(in_range("ephemeral storage", "--ephemeral-storage", function.ephemeral_storage, 512, 10240,
               "MB"));
  if (!is_function_name(function.function_name))
    return Error(ErrorKind::invalid_argument,
                 "function name: \"" + function.function_name +
                     "\" is not one that Lambda takes. Use up to 64 letters, digits, hyphens and "
                     "underscores.");
  const bool provided = function.runtime.starts_with("provided");
  if (!provided && function.handler.empty())
    return Error(ErrorKind::invalid_argument,
                 "handler: Runtime and Handler are mandatory parameters for functions created with "
                 "deployment packages. Give --handler, for example app.handler.");
  if (function.handler.size() > 128 ||
      std::any_of(function.handler.begin(), function.handler.end(),
                  [](unsigned char c) { return std::isspace(c) != 0 || c == 0; }))
    return Error(ErrorKind::invalid_argument,
                 "handler: \"" + function.handler +
                     "\" is not one that Lambda takes. Use at most 128 characters without spaces.");
  if (function.architecture != host_architecture())
    return Error(ErrorKind::unsupported_host,
                 "architecture: this host runs " + std::string(to_string(host_architecture())) +
                     " programs, the function is " + std::string(to_string(function.architecture)) +
                     ". Run Lamina on such a machine, or give --architecture " +
                     std::string(to_string(host_architecture())) + ".");
  return check_variables(function.environment);
}

}  // namespace emulator
