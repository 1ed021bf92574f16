#include "emulator/execution_environment.hpp"

#include "base/uuid.hpp"
#include "emulator/failure_payloads.hpp"
#include "emulator/log_lines.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <thread>

namespace emulator {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds init_limit{10};
/// How long the host may take to build a sandbox, to end processes, to answer a question.
constexpr std::chrono::seconds host_limit{30};
constexpr std::chrono::milliseconds measure_limit{500};
/// Memory that gets a function one whole processor (developer guide, "Configure memory").
constexpr double megabytes_per_processor = 1769;
constexpr std::uint64_t megabyte = 1024 * 1024;
/// Above the rlimit that functions see, so that it is the rlimit that they meet.
constexpr std::uint32_t most_processes = 1100;

struct Listener {
  base::UniqueFd socket;
  std::uint16_t port = 0;
};

base::Result<Listener> listen_on_loopback() {
  Listener listener;
  listener.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener.socket || ::bind(listener.socket.get(), generic, size) != 0 ||
      ::listen(listener.socket.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener.socket.get(), generic, &size) != 0)
    return base::from_errno(errno, "runtime API: cannot listen on 127.0.0.1");
  listener.port = ntohs(address.sin_port);
  return listener;
}

std::string make_trace_id() {
  return fmt::format("Root=1-{:08x}-{};Parent={};Sampled=0",
                     static_cast<std::uint32_t>(std::time(nullptr)), base::random_hex(24),
                     base::random_hex(16));
}

base::Error lost_sandbox(const sandbox::Sandbox& sandbox) {
  return sandbox.failure().value_or(base::Error(
      base::ErrorKind::io_error, "sandbox: no answer within " + std::to_string(host_limit.count()) +
                                     " seconds. The host may be overloaded; try again."));
}

}  // namespace

base::Result<std::unique_ptr<ExecutionEnvironment>> ExecutionEnvironment::create(
    asio::any_io_executor executor, Plan plan, LogSink log) {
  std::unique_ptr<ExecutionEnvironment> environment(
      new ExecutionEnvironment(std::move(executor), std::move(plan), std::move(log)));
  TRY(environment->open_runtime_api());
  TRY(environment->make_sandbox());
  return environment;
}

ExecutionEnvironment::ExecutionEnvironment(asio::any_io_executor executor, Plan plan, LogSink log)
    : executor_(executor),
      plan_(std::move(plan)),
      log_(std::move(log)),
      changed_(executor),
      decided_at_(Clock::now()),
      session_(executor, [this] { changed_.notify(); }) {
  identity_.log_stream_name = make_log_stream_name(plan_.function.version);
}

ExecutionEnvironment::~ExecutionEnvironment() {
  destroy();
}

void ExecutionEnvironment::destroy() {
  session_.close();
  sandbox_.reset();
  output_.reset();
  companion_output_.reset();
  if (cgroup_) cgroup_->remove();
  cgroup_.reset();
}

base::Result<void> ExecutionEnvironment::open_runtime_api() {
  if (plan_.sandbox.network == sandbox::Network::none) {
    // Its listener is made inside and comes with the sandbox.
    identity_.runtime_api =
        plan_.sandbox.listen_address + ":" + std::to_string(plan_.sandbox.listen_port);
    return {};
  }
  TRY_ASSIGN(Listener listener, listen_on_loopback());
  identity_.runtime_api = "127.0.0.1:" + std::to_string(listener.port);
  return session_.listen(std::move(listener.socket));
}

base::Result<void> ExecutionEnvironment::make_sandbox() {
  sandbox::CgroupLimits limits;
  limits.memory_bytes = plan_.function.memory_size * megabyte;
  if (plan_.companion) limits.memory_bytes += plan_.companion->memory_bytes;
  limits.processes = most_processes;
  cgroup_ = sandbox::Cgroup::plan(sandbox::Cgroup::probe(), limits);
  plan_.sandbox.cgroups = cgroup_->plan();
  sandbox::Sandbox::Options options;
  options.init_program = plan_.init_program;
  options.on_change = [this] { changed_.notify(); };
  TRY_ASSIGN(sandbox_, sandbox::Sandbox::create(executor_, plan_.sandbox, std::move(options)));
  return {};
}

asio::awaitable<base::Result<void>> ExecutionEnvironment::wait_for_sandbox() {
  std::function<bool()> settled = [this] { return sandbox_->ready() || sandbox_->failure(); };
  co_await changed_.wait_until(Clock::now() + host_limit, settled);
  if (!sandbox_->ready()) co_return lost_sandbox(*sandbox_);
  if (base::UniqueFd listener = sandbox_->take_listener())
    CO_TRY(session_.listen(std::move(listener)));
  co_return base::Result<void>();
}

asio::awaitable<base::Result<void>> ExecutionEnvironment::start_companion() {
  CO_TRY_ASSIGN(base::FdPair pipe, base::make_pipe());
  CO_TRY_ASSIGN(const base::UniqueFd nothing, base::open_read_only("/dev/null"));
  sandbox::ProcessSpec process;
  process.arguments = plan_.companion->arguments;
  companion_ = sandbox_->launch(process, nothing.get(), pipe.second.get(), nothing.get());
  pipe.second.reset();
  companion_output_.emplace(executor_, std::move(pipe.first), [this](std::string_view bytes) {
    plan_.companion->on_output(bytes);
    companion_spoke_ = true;
    changed_.notify();
  });
  std::function<bool()> settled = [this] {
    return companion_spoke_ || companion_->ended() || sandbox_->failure();
  };
  co_await changed_.wait_until(Clock::now() + host_limit, settled);
  if (sandbox_->failure()) co_return lost_sandbox(*sandbox_);
  co_return base::Result<void>();
}

asio::awaitable<base::Result<void>> ExecutionEnvironment::end_companion() {
  if (!companion_) co_return base::Result<void>();
  sandbox_->signal(companion_, SIGTERM);
  std::function<bool()> settled = [this] { return companion_->ended() || sandbox_->failure(); };
  co_await changed_.wait_until(Clock::now() + host_limit, settled);
  if (!companion_->ended()) co_return lost_sandbox(*sandbox_);
  companion_output_->drain();
  co_return base::Result<void>();
}

base::Result<void> ExecutionEnvironment::launch_runtime() {
  TRY_ASSIGN(base::FdPair pipe, base::make_pipe());
  TRY_ASSIGN(const base::UniqueFd nothing, base::open_read_only("/dev/null"));
  sandbox::ProcessSpec process;
  process.arguments = {*plan_.bootstrap};
  process.environment = runtime_environment(plan_.function, identity_, plan_.credentials);
  process.environment.insert(process.environment.end(), plan_.more_variables.begin(),
                             plan_.more_variables.end());
  process.working_directory = "/var/task";
  runtime_ = sandbox_->launch(process, nothing.get(), pipe.second.get(), pipe.second.get());
  // One pipe for both streams keeps the order in which the function wrote.
  output_.emplace(executor_, std::move(pipe.first), [this](std::string_view bytes) {
    log_(bytes);
    output_ends_line_ = bytes.back() == '\n';
  });
  return {};
}

asio::awaitable<base::Result<InitOutcome>> ExecutionEnvironment::initialise(
    ChangeSignal::Time deadline, std::string request_id) {
  InitOutcome init;
  if (!plan_.bootstrap) {
    CO_TRY(co_await wait_for_sandbox());
    const RuntimeFailure failure = missing_bootstrap();
    init.status = InitOutcome::Status::error;
    init.error_type = failure.error_type;
    init.payload = failure_payload(failure, request_id);
    co_return init;
  }
  const auto asked_at = Clock::now();
  // Asked for before the sandbox stands: it is the supervisor's next message then.
  CO_TRY(launch_runtime());
  CO_TRY(co_await wait_for_sandbox());
  std::function<bool()> settled = [this] {
    return session_.init_done() || runtime_->ended() || sandbox_->failure();
  };
  const bool in_time = co_await changed_.wait_until(deadline, settled);
  if (sandbox_->failure()) co_return lost_sandbox(*sandbox_);
  finish_output();
  const auto started = runtime_->launched ? runtime_->started_at : asked_at;
  if (session_.init_done()) {
    init.duration = *session_.first_next_at() - started;
    // A runtime that names an impossible moment is not believed.
    if (const auto at = session_.runtime_started_at(); at && *at >= started)
      init.runtime_start = *at - started;
    initialised_ = true;
    co_return init;
  }
  init.duration = Clock::now() - started;
  if (!in_time) {
    init.status = InitOutcome::Status::timeout;
    co_return init;
  }
  init.status = InitOutcome::Status::error;
  if (session_.init_error() && !runtime_->failure) {
    init.error_type = session_.init_error()->error_type;
    init.payload = session_.init_error()->body;
    co_return init;
  }
  const RuntimeFailure failure = runtime_->failure
                                     ? launch_failure(*runtime_->failure, *plan_.bootstrap)
                                     : exit_failure(*runtime_->exit, out_of_memory());
  init.error_type = failure.error_type;
  init.payload = failure_payload(failure, request_id);
  co_return init;
}

asio::awaitable<base::Result<void>> ExecutionEnvironment::init() {
  if (!plan_.runtime_version.empty())
    log_(init_start_line(plan_.runtime_version, plan_.runtime_version_arn));
  if (plan_.companion) CO_TRY(co_await start_companion());
  CO_TRY_ASSIGN(InitOutcome init, co_await initialise(Clock::now() + init_limit, std::string()));
  timeline_.add("sandbox", sandbox_->ready_at() - decided_at_);
  timeline_.add("runtime init", init.duration);
  if (init.runtime_start) {
    timeline_.add_part("runtime start", *init.runtime_start, "runtime init");
    timeline_.add_part("function init", init.duration - *init.runtime_start, "runtime init");
  }
  if (init.status != InitOutcome::Status::success) {
    log_(init_report_line(init, "init"));
    co_await reset();
  }
  init_outcome_ = std::move(init);
  co_return base::Result<void>();
}

asio::awaitable<base::Result<InvocationOutcome>> ExecutionEnvironment::invoke(std::string payload) {
  const auto started = Clock::now();
  const auto deadline = started + plan_.function.timeout;
  const auto wall_deadline = std::chrono::system_clock::now() + plan_.function.timeout;
  const std::string request_id = base::random_uuid();
  const bool first = invocations_++ == 0;
  set_frozen(false);
  if (initialised_ && runtime_->ended()) co_await reset();

  std::optional<InitOutcome> failed_init;
  if (!initialised_) {
    // The second, "suppressed" init: inside the invocation and under its timeout.
    CO_TRY_ASSIGN(InitOutcome init, co_await initialise(deadline, request_id));
    if (init.status != InitOutcome::Status::success) {
      log_(init_report_line(init, "invoke"));
      failed_init = std::move(init);
    }
  }
  log_(start_line(request_id, plan_.function.version));

  const double share = plan_.function.memory_size / megabytes_per_processor;
  if (first && share < std::thread::hardware_concurrency()) cgroup_->set_processors(share);

  InvocationOutcome outcome;
  if (failed_init) {
    const bool timed_out = failed_init->status == InitOutcome::Status::timeout;
    const RuntimeFailure timeout = timeout_failure(plan_.function.timeout);
    outcome.kind = timed_out ? OutcomeKind::timed_out : OutcomeKind::environment_failed;
    outcome.error_type = timed_out ? timeout.error_type : failed_init->error_type;
    outcome.payload = timed_out ? failure_payload(timeout, request_id) : failed_init->payload;
    outcome.report_status = timed_out ? "timeout" : "error";
  } else {
    runtime_api::InvocationEvent event;
    event.request_id = request_id;
    event.deadline = wall_deadline;
    event.invoked_function_arn = function_arn(plan_.function);
    event.trace_id = make_trace_id();
    event.content_type = "application/json";
    event.payload = std::move(payload);
    session_.begin(std::move(event));
    std::function<bool()> settled = [this] {
      return session_.finished() || runtime_->ended() || sandbox_->failure();
    };
    const bool in_time = co_await changed_.wait_until(deadline, settled);
    if (sandbox_->failure()) co_return lost_sandbox(*sandbox_);
    outcome = judge(request_id, in_time);
  }
  outcome.request_id = request_id;
  outcome.duration =
      std::min<std::chrono::nanoseconds>(Clock::now() - started, plan_.function.timeout);
  if (outcome.report_status == "timeout") outcome.duration = plan_.function.timeout;
  outcome.cold_start = first;
  if (first && init_outcome_ && init_outcome_->status == InitOutcome::Status::success)
    outcome.init_duration = init_outcome_->duration;
  if (first) timeline_.add("first invocation", outcome.duration);
  outcome.max_memory_bytes = co_await peak_memory();
  finish_output();
  log_(end_line(request_id));
  log_(report_line(plan_.function, outcome));
  if (outcome.report_status.empty())
    set_frozen(true);
  else
    co_await reset();
  co_return outcome;
}

InvocationOutcome ExecutionEnvironment::judge(const std::string& request_id, bool in_time) {
  InvocationOutcome outcome;
  if (const auto& reply = session_.reply()) {
    // The invoker has its answer, whatever the runtime does afterwards.
    const bool good = reply->kind == runtime_api::InvocationReply::Kind::response;
    outcome.kind = good ? OutcomeKind::succeeded : OutcomeKind::function_error;
    outcome.error_type = reply->error_type;
    outcome.payload = reply->body;
    if (session_.handed_out_at() && session_.replied_at())
      outcome.handed_out_to_reply = *session_.replied_at() - *session_.handed_out_at();
  }
  if (session_.finished()) return outcome;

  const bool answered = session_.reply().has_value();
  const RuntimeFailure failure = !in_time ? timeout_failure(plan_.function.timeout)
                                 : runtime_->failure
                                     ? launch_failure(*runtime_->failure, *plan_.bootstrap)
                                     : exit_failure(*runtime_->exit, out_of_memory());
  outcome.report_status = in_time ? "error" : "timeout";
  session_.abandon();
  if (answered) {
    if (in_time) outcome.error_type = failure.error_type;
    return outcome;
  }
  outcome.kind = in_time ? OutcomeKind::environment_failed : OutcomeKind::timed_out;
  outcome.error_type = failure.error_type;
  outcome.payload = failure_payload(failure, request_id);
  return outcome;
}

asio::awaitable<base::Result<sandbox::ExitStatus>> ExecutionEnvironment::execute(
    std::vector<std::string> command) {
  CO_TRY(co_await wait_for_sandbox());
  sandbox::ProcessSpec process;
  process.arguments = std::move(command);
  process.environment = runtime_environment(plan_.function, identity_, plan_.credentials);
  process.working_directory = "/var/task";
  runtime_ = sandbox_->launch(process, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
  std::function<bool()> settled = [this] { return runtime_->ended() || sandbox_->failure(); };
  co_await changed_.wait_until(ChangeSignal::Time::max(), settled);
  if (runtime_->failure)
    co_return base::Error(
        base::ErrorKind::not_found,
        "command: " + launch_failure(*runtime_->failure, process.arguments.front()).message +
            ". It must be there inside: give its full path.");
  if (!runtime_->exit) co_return lost_sandbox(*sandbox_);
  co_return *runtime_->exit;
}

asio::awaitable<void> ExecutionEnvironment::reset() {
  set_frozen(false);
  sandbox_->kill_all();
  std::function<bool()> gone = [this] { return sandbox_->empty(); };
  co_await changed_.wait_until(Clock::now() + host_limit, gone);
  finish_output();
  output_.reset();
  session_.reset();
  initialised_ = false;
}

asio::awaitable<std::optional<std::uint64_t>> ExecutionEnvironment::peak_memory() {
  if (const auto peak = cgroup_->peak_memory_bytes()) co_return peak;
  constexpr std::uint64_t kibibyte = 1024;
  if (runtime_ && runtime_->exit) co_return runtime_->exit->max_resident_kib* kibibyte;
  sandbox_->measure();
  std::function<bool()> answered = [this] { return sandbox_->measured_kib().has_value(); };
  co_await changed_.wait_until(Clock::now() + measure_limit, answered);
  const auto kib = sandbox_->measured_kib();
  co_return kib && *kib != 0 ? std::optional(*kib * kibibyte) : std::nullopt;
}

bool ExecutionEnvironment::out_of_memory() {
  if (!runtime_->exit || runtime_->exit->signal != SIGKILL) return false;
  const std::uint64_t kills = cgroup_->out_of_memory_kills();
  const bool happened = kills > known_oom_kills_;
  known_oom_kills_ = kills;
  return happened;
}

void ExecutionEnvironment::finish_output() {
  if (output_) output_->drain();
  if (!output_ends_line_) log_("\n");
  output_ends_line_ = true;
}

void ExecutionEnvironment::set_frozen(bool frozen) {
  if (frozen == frozen_ || plan_.freezing == Freezing::off) return;
  if (frozen)
    sandbox_->freeze();
  else
    sandbox_->thaw();
  frozen_ = frozen;
}

}  // namespace emulator
