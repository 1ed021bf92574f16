#include "emulator/reports/invoke_report.hpp"

#include "emulator/log_lines.hpp"

#include <nlohmann/json.hpp>

namespace emulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr int schema_version = 1;

Json describe(const FunctionConfiguration& function) {
  return {
      {"name", function.function_name},      {"runtime", function.runtime},
      {"handler", function.handler},         {"memorySize", function.memory_size},
      {"timeout", function.timeout.count()}, {"architecture", to_string(function.architecture)}};
}

Json describe(const layers::PreparedTree& package) {
  Json row;
  row["reference"] = package.reference;
  row["digest"] = package.digest ? Json(package.digest->hex()) : Json();
  row["tree"] = package.tree.string();
  row["archiveBytes"] = package.archive_bytes;
  row["unpackedBytes"] = package.summary.unpacked_bytes;
  row["files"] = package.summary.files;
  row["origin"] = layers::to_string(package.origin);
  row["milliseconds"] =
      milliseconds(package.resolve_time + package.verify_time + package.extract_time);
  return row;
}

const char* describe(InitOutcome::Status status) {
  switch (status) {
    case InitOutcome::Status::success:
      return "success";
    case InitOutcome::Status::error:
      return "error";
    case InitOutcome::Status::timeout:
      return "timeout";
  }
  return "unknown";
}

void append(Json& rows, const PhaseTimeline& timeline) {
  for (const PhaseTimeline::Row& row : timeline.rows()) {
    Json entry;
    entry["phase"] = row.phase;
    if (!row.package.empty()) entry["package"] = row.package;
    if (!row.within.empty()) entry["within"] = row.within;
    entry["milliseconds"] = milliseconds(row.duration);
    rows.push_back(std::move(entry));
  }
}

Json describe(const InvocationOutcome& outcome, const FunctionConfiguration& function) {
  Json row;
  row["requestId"] = outcome.request_id;
  row["coldStart"] = outcome.cold_start;
  row["outcome"] = to_string(outcome.kind);
  row["errorType"] = outcome.error_type.empty() ? Json() : Json(outcome.error_type);
  Json response = Json::parse(outcome.payload, nullptr, /*allow_exceptions=*/false);
  row["response"] = response.is_discarded() ? Json(outcome.payload) : std::move(response);
  row["durationMs"] = milliseconds(outcome.duration);
  row["billedDurationMs"] = billed_milliseconds(outcome);
  if (outcome.init_duration) row["initDurationMs"] = milliseconds(*outcome.init_duration);
  if (outcome.max_memory_bytes)
    row["maxMemoryUsedMb"] = memory_megabytes(*outcome.max_memory_bytes, function);
  if (outcome.handed_out_to_reply)
    row["handedOutToReplyUs"] = milliseconds(*outcome.handed_out_to_reply) * 1000;
  return row;
}

}  // namespace

std::string to_json(const InvokeReport& report) {
  const PreparedFunction& prepared = *report.prepared;
  const FunctionConfiguration& function = prepared.plan.function;
  Json document;
  document["schemaVersion"] = schema_version;
  document["function"] = describe(function);
  document["code"] = describe(prepared.code);
  document["layers"] = Json::array();
  for (const layers::PreparedTree& layer : prepared.layers)
    document["layers"].push_back(describe(layer));
  document["environment"] = {
      {"optMode", prepared.opt.mode == layers::OptMode::copy ? "copy" : "overlay"},
      {"decidedAtMonotonicNs", report.decided_at.time_since_epoch().count()}};
  if (report.init) {
    document["init"] = {{"status", describe(report.init->status)},
                        {"durationMs", milliseconds(report.init->duration)}};
    if (!report.init->error_type.empty()) document["init"]["errorType"] = report.init->error_type;
  }
  document["timeline"] = Json::array();
  append(document["timeline"], prepared.timeline);
  append(document["timeline"], report.environment_timeline);
  document["invocations"] = Json::array();
  for (const InvocationOutcome& outcome : report.invocations)
    document["invocations"].push_back(describe(outcome, function));
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace emulator
