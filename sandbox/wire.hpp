#pragma once

#include "base/unique_fd.hpp"
#include "sandbox/sandbox_spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The messages between lamina and lamina-sandbox-init over one SOCK_SEQPACKET pair: one message a
/// packet, descriptors beside it. Both ends are built from the same sources, so integers travel in
/// the host's own form. Free of exceptions and of Boost's compiled parts: sandbox-init links it.
namespace sandbox::wire {

enum class Kind : std::uint8_t {
  // to sandbox-init
  setup,    ///< SandboxSpec
  launch,   ///< Launch; descriptors: standard input, output, error
  signal,   ///< SignalRequest
  measure,  ///< asks for `measured`
  // from sandbox-init
  ready,          ///< Ready: the file system stands; descriptor: the listener for Network::none
  setup_failed,   ///< Failure; sandbox-init ends
  launched,       ///< Launched
  launch_failed,  ///< LaunchFailed
  exited,         ///< Exited
  measured,       ///< Measured
  emptied,        ///< no process but PID 1 is left
};

/// Longest message; the kernel's default socket buffer holds it.
inline constexpr std::size_t max_message_bytes = 160 * 1024;
inline constexpr std::size_t max_descriptors = 8;

struct Launch {
  std::uint32_t id = 0;
  std::vector<std::string> arguments;    ///< the first is the program's path
  std::vector<std::string> environment;  ///< NAME=value
  std::string working_directory;
};

/// id 0: every process inside but PID 1.
struct SignalRequest {
  std::uint32_t id = 0;
  std::int32_t number = 0;
};

struct Ready {
  std::int64_t at_ns = 0;  ///< CLOCK_MONOTONIC
};

struct Launched {
  std::uint32_t id = 0;
  std::int64_t started_ns = 0;  ///< CLOCK_MONOTONIC, just before the fork
};

struct Measured {
  std::uint64_t peak_resident_kib = 0;  ///< peaks of all living processes but PID 1, added up
};

struct LaunchFailed {
  std::uint32_t id = 0;
  std::int32_t error_number = 0;
  std::string step;
};

struct Exited {
  std::uint32_t id = 0;
  std::int32_t wait_status = 0;
  std::uint64_t max_resident_kib = 0;
};

struct Failure {
  std::string step;  ///< "mount overlay on /opt"
  std::int32_t error_number = 0;
};

std::string encode(const SandboxSpec& spec);
std::string encode(const Launch& message);
std::string encode(const SignalRequest& message);
std::string encode(const Ready& message);
std::string encode(const Launched& message);
std::string encode(const Measured& message);
std::string encode(const LaunchFailed& message);
std::string encode(const Exited& message);
std::string encode(const Failure& message);
/// measure, emptied.
std::string encode(Kind kind);

std::optional<Kind> kind_of(std::string_view message);
/// False when the message is cut short, too long, or of another kind; `out` is then unspecified.
bool decode(std::string_view message, SandboxSpec& out);
bool decode(std::string_view message, Launch& out);
bool decode(std::string_view message, SignalRequest& out);
bool decode(std::string_view message, Ready& out);
bool decode(std::string_view message, Launched& out);
bool decode(std::string_view message, Measured& out);
bool decode(std::string_view message, LaunchFailed& out);
bool decode(std::string_view message, Exited& out);
bool decode(std::string_view message, Failure& out);

struct Packet {
  std::string bytes;
  std::vector<base::UniqueFd> descriptors;
};

/// 0, or the errno. Blocks unless the socket is non-blocking.
int send_packet(int socket, std::string_view bytes, const std::vector<int>& descriptors = {});

enum class Received { packet, would_block, closed, failed };
Received receive_packet(int socket, Packet& packet);

}  // namespace sandbox::wire
