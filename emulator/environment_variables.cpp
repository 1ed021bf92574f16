#include "emulator/environment_variables.hpp"

#include "base/uuid.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>

namespace emulator {
namespace {

constexpr std::array reserved = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
};

bool is_reserved(const std::string& key) {
  return std::find(reserved.begin(), reserved.end(), key) != reserved.end();
}

}  // namespace

std::vector<std::string> reserved_keys(const EnvironmentVariables& variables) {
  std::vector<std::string> found;
  for (const auto& [key, value] : variables)
    if (is_reserved(key)) found.push_back(key);
  return found;
}

std::vector<std::string> runtime_environment(const FunctionConfiguration& function,
                                             const EnvironmentIdentity& identity,
                                             const Credentials& credentials) {
  const bool provided = function.runtime.starts_with("provided");
  const bool al2 = function.runtime == "provided.al2";
  const std::string xray_host = al2 ? "169.254.79.129" : "169.254.100.1";

  // What the function's own variables may replace. /opt comes last in both search paths: what a
  // layer brings there loses against the system and the code.
  std::map<std::string, std::string> variables = {
      {"LANG", "en_US.UTF-8"},
      {"TZ", ":UTC"},
      {"PATH", std::string(al2 ? "" : "/var/lang/bin:") + "/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
      {"LD_LIBRARY_PATH",
       std::string(al2 ? "" : "/var/lang/lib:") +
           "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"AWS_XRAY_DAEMON_ADDRESS", xray_host + ":2000"},
  };
  for (const auto& [key, value] : function.environment)
    if (!is_reserved(key) && !key.starts_with('_')) variables[key] = value;

  const std::map<std::string, std::string> platform = {
      {"AWS_ACCESS_KEY_ID", credentials.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", credentials.secret_access_key},
      {"AWS_SESSION_TOKEN", credentials.session_token},
      {"AWS_REGION", function.region},
      {"AWS_DEFAULT_REGION", function.region},
      {"AWS_LAMBDA_FUNCTION_NAME", function.function_name},
      {"AWS_LAMBDA_FUNCTION_VERSION", function.version},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(function.memory_size)},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
      {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + function.function_name},
      {"AWS_LAMBDA_LOG_STREAM_NAME", identity.log_stream_name},
      {"AWS_LAMBDA_RUNTIME_API", identity.runtime_api},
      {"_AWS_XRAY_DAEMON_ADDRESS", xray_host},
      {"_AWS_XRAY_DAEMON_PORT", "2000"},
      {"LAMBDA_TASK_ROOT", "/var/task"},
      {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
      {"_HANDLER", function.handler},
  };
  for (const auto& [key, value] : platform) variables[key] = value;
  if (!provided) variables["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + function.runtime;

  std::vector<std::string> lines;
  lines.reserve(variables.size());
  for (const auto& [key, value] : variables) lines.push_back(key + "=" + value);
  return lines;
}

std::string make_log_stream_name(const std::string& version) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char day[16];
  std::strftime(day, sizeof day, "%Y/%m/%d", &utc);
  return std::string(day) + "/[" + version + "]" + base::random_hex(32);
}

}  // namespace emulator
