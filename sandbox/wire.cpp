#include "sandbox/wire.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sandbox::wire {
namespace {

class Encoder {
 public:
  explicit Encoder(Kind kind) { number(static_cast<std::uint8_t>(kind)); }

  template <typename T>
  Encoder& number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof value);
    return *this;
  }
  Encoder& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
    return *this;
  }
  Encoder& texts(const std::vector<std::string>& values) {
    number(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) text(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Stays failed once a read has gone past the end, so that callers check once.
class Decoder {
 public:
  Decoder(std::string_view bytes, Kind expected) : rest_(bytes) {
    std::uint8_t kind = 0;
    number(kind);
    if (kind != static_cast<std::uint8_t>(expected)) ok_ = false;
  }

  template <typename T>
  Decoder& number(T& value) {
    if (!ok_ || rest_.size() < sizeof value) {
      ok_ = false;
      return *this;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return *this;
  }
  Decoder& flag(bool& value) {
    std::uint8_t byte = 0;
    number(byte);
    value = byte != 0;
    return *this;
  }
  template <typename Enum>
  Decoder& choice(Enum& value, Enum last) {
    std::uint8_t byte = 0;
    number(byte);
    if (byte > static_cast<std::uint8_t>(last))
      ok_ = false;
    else
      value = static_cast<Enum>(byte);
    return *this;
  }
  Decoder& text(std::string& value) {
    const std::uint32_t size = count(1);
    if (!ok_) return *this;
    value.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return *this;
  }
  Decoder& texts(std::vector<std::string>& values) {
    const std::uint32_t size = count(sizeof(std::uint32_t));
    values.clear();
    for (std::uint32_t i = 0; ok_ && i < size; ++i) text(values.emplace_back());
    return *this;
  }
  /// A number of elements that take at least `least` bytes each: never more than can be there.
  std::uint32_t count(std::size_t least) {
    std::uint32_t value = 0;
    number(value);
    if (value > rest_.size() / least) ok_ = false;
    return ok_ ? value : 0;
  }
  bool failed() const { return !ok_; }
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void encode_step(Encoder& out, const MountStep& step) {
  out.number(static_cast<std::uint8_t>(step.kind))
      .text(step.target)
      .text(step.source)
      .texts(step.lowers)
      .number(step.mode)
      .number(step.size)
      .number(static_cast<std::uint8_t>(step.read_only))
      .number(static_cast<std::uint8_t>(step.devices))
      .number(static_cast<std::uint8_t>(step.optional));
}

void decode_step(Decoder& in, MountStep& step) {
  in.choice(step.kind, StepKind::proc)
      .text(step.target)
      .text(step.source)
      .texts(step.lowers)
      .number(step.mode)
      .number(step.size)
      .flag(step.read_only)
      .flag(step.devices)
      .flag(step.optional);
}

}  // namespace

std::string encode(const SandboxSpec& spec) {
  Encoder out(Kind::setup);
  out.number(static_cast<std::uint32_t>(spec.steps.size()));
  for (const MountStep& step : spec.steps) encode_step(out, step);
  out.number(static_cast<std::uint8_t>(spec.network))
      .text(spec.listen_address)
      .number(spec.listen_port)
      .text(spec.hostname)
      .number(static_cast<std::uint8_t>(spec.ids.identity))
      .number(spec.ids.outer_uid)
      .number(spec.ids.outer_gid)
      .number(spec.ids.subordinate_uid)
      .number(spec.ids.subordinate_gid)
      .number(spec.process_uid)
      .number(spec.process_gid);
  out.number(static_cast<std::uint32_t>(spec.limits.size()));
  for (const ResourceLimit& limit : spec.limits)
    out.number(limit.resource).number(limit.soft).number(limit.hard);
  out.texts(spec.cgroups.directories);
  out.number(static_cast<std::uint32_t>(spec.cgroups.limits.size()));
  for (const ControlFile& limit : spec.cgroups.limits) out.text(limit.path).text(limit.value);
  out.texts(spec.cgroups.tasks);
  return out.take();
}

bool decode(std::string_view message, SandboxSpec& out) {
  Decoder in(message, Kind::setup);
  const std::uint32_t steps = in.count(16);
  out.steps.clear();
  for (std::uint32_t i = 0; i < steps && !in.failed(); ++i)
    decode_step(in, out.steps.emplace_back());
  in.choice(out.network, Network::none)
      .text(out.listen_address)
      .number(out.listen_port)
      .text(out.hostname)
      .choice(out.ids.identity, Identity::single_id)
      .number(out.ids.outer_uid)
      .number(out.ids.outer_gid)
      .number(out.ids.subordinate_uid)
      .number(out.ids.subordinate_gid)
      .number(out.process_uid)
      .number(out.process_gid);
  const std::uint32_t limits = in.count(sizeof(int) + 16);
  out.limits.clear();
  for (std::uint32_t i = 0; i < limits && !in.failed(); ++i) {
    ResourceLimit& limit = out.limits.emplace_back();
    in.number(limit.resource).number(limit.soft).number(limit.hard);
  }
  in.texts(out.cgroups.directories);
  const std::uint32_t controls = in.count(2 * sizeof(std::uint32_t));
  out.cgroups.limits.clear();
  for (std::uint32_t i = 0; i < controls && !in.failed(); ++i) {
    ControlFile& control = out.cgroups.limits.emplace_back();
    in.text(control.path).text(control.value);
  }
  in.texts(out.cgroups.tasks);
  return in.complete();
}

std::string encode(const Launch& message) {
  return Encoder(Kind::launch)
      .number(message.id)
      .texts(message.arguments)
      .texts(message.environment)
      .text(message.working_directory)
      .take();
}

bool decode(std::string_view message, Launch& out) {
  Decoder in(message, Kind::launch);
  in.number(out.id).texts(out.arguments).texts(out.environment).text(out.working_directory);
  return in.complete() && !out.arguments.empty();
}

std::string encode(const SignalRequest& message) {
  return Encoder(Kind::signal).number(message.id).number(message.number).take();
}

bool decode(std::string_view message, SignalRequest& out) {
  return Decoder(message, Kind::signal).number(out.id).number(out.number).complete();
}

std::string encode(const Launched& message) {
  return Encoder(Kind::launched).number(message.id).number(message.started_ns).take();
}

bool decode(std::string_view message, Launched& out) {
  return Decoder(message, Kind::launched).number(out.id).number(out.started_ns).complete();
}

std::string encode(const Ready& message) {
  return Encoder(Kind::ready).number(message.at_ns).take();
}

bool decode(std::string_view message, Ready& out) {
  return Decoder(message, Kind::ready).number(out.at_ns).complete();
}

std::string encode(const Measured& message) {
  return Encoder(Kind::measured).number(message.peak_resident_kib).take();
}

bool decode(std::string_view message, Measured& out) {
  return Decoder(message, Kind::measured).number(out.peak_resident_kib).complete();
}

std::string encode(const LaunchFailed& message) {
  return Encoder(Kind::launch_failed)
      .number(message.id)
      .number(message.error_number)
      .text(message.step)
      .take();
}

bool decode(std::string_view message, LaunchFailed& out) {
  return Decoder(message, Kind::launch_failed)
      .number(out.id)
      .number(out.error_number)
      .text(out.step)
      .complete();
}

std::string encode(const Exited& message) {
  return Encoder(Kind::exited)
      .number(message.id)
      .number(message.wait_status)
      .number(message.max_resident_kib)
      .take();
}

bool decode(std::string_view message, Exited& out) {
  return Decoder(message, Kind::exited)
      .number(out.id)
      .number(out.wait_status)
      .number(out.max_resident_kib)
      .complete();
}

std::string encode(const Failure& message) {
  return Encoder(Kind::setup_failed).text(message.step).number(message.error_number).take();
}

bool decode(std::string_view message, Failure& out) {
  return Decoder(message, Kind::setup_failed).text(out.step).number(out.error_number).complete();
}

std::string encode(Kind kind) {
  return Encoder(kind).take();
}

std::optional<Kind> kind_of(std::string_view message) {
  if (message.empty() ||
      static_cast<std::uint8_t>(message[0]) > static_cast<std::uint8_t>(Kind::emptied))
    return std::nullopt;
  return static_cast<Kind>(message[0]);
}

int send_packet(int socket, std::string_view bytes, const std::vector<int>& descriptors) {
  if (bytes.size() > max_message_bytes || descriptors.size() > max_descriptors) return EMSGSIZE;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(max_descriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
  }
  for (;;) {
    if (::sendmsg(socket, &header, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

Received receive_packet(int socket, Packet& packet) {
  // Kept between calls: clearing so much memory for each freeze would cost more than the freeze.
  static thread_local char buffer[max_message_bytes];
  packet.descriptors.clear();
  iovec part{buffer, sizeof buffer};
  alignas(cmsghdr) char control[CMSG_SPACE(max_descriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? Received::would_block : Received::failed;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t descriptors = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < descriptors; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
  packet.bytes.assign(buffer, static_cast<std::size_t>(count));
  if (count == 0) return Received::closed;
  return (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? Received::failed : Received::packet;
}

}  // namespace sandbox::wire
