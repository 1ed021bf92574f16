#include "sandbox/wire.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

using namespace sandbox;

namespace {

SandboxSpec sample_spec() {
  SandboxSpec spec;
  spec.steps = {bind_read_only("/usr", "/usr"),
                mount_overlay({"/a", "/b with, comma:colon"}, "/opt"),
                write_file("/etc/hosts", std::string("x\0y", 3), 0600),
                if_present(bind_device("/dev/null")),
                cover_directory("/usr/lib/node_modules"),
                mount_proc("/proc")};
  spec.network = Network::none;
  spec.listen_address = "169.254.100.1";
  spec.listen_port = 9001;
  spec.hostname = "sandbox";
  spec.ids = {Identity::two_ids, 1000, 1001, 100000, 200000};
  spec.process_uid = 993;
  spec.process_gid = 990;
  spec.limits = {{7, 1024, 4096}};
  spec.cgroups = {
      {"/sys/fs/cgroup/x"}, {{"/sys/fs/cgroup/x/memory.max", "1"}}, {"/sys/fs/cgroup/x/tasks"}};
  return spec;
}

}  // namespace

TEST_CASE("a plan arrives as it was sent") {
  const SandboxSpec sent = sample_spec();
  SandboxSpec received;
  REQUIRE(wire::decode(wire::encode(sent), received));
  CHECK(to_string(received) == to_string(sent));
  CHECK(received.steps[2].source == sent.steps[2].source);
  CHECK(received.ids.subordinate_gid == 200000);
  CHECK(received.limits[0].hard == 4096);
  CHECK(received.cgroups.directories == sent.cgroups.directories);
  CHECK(received.cgroups.limits[0].path == sent.cgroups.limits[0].path);
  CHECK(received.cgroups.tasks == sent.cgroups.tasks);
  CHECK(received.listen_port == 9001);
}

TEST_CASE("a launch arrives as it was sent") {
  wire::Launch sent;
  sent.id = 7;
  sent.arguments = {"/var/runtime/bootstrap", ""};
  sent.environment = {"A=1", "TZ=:UTC"};
  sent.working_directory = "/var/task";
  wire::Launch received;
  REQUIRE(wire::decode(wire::encode(sent), received));
  CHECK(received.id == 7);
  CHECK(received.arguments == sent.arguments);
  CHECK(received.environment == sent.environment);
  CHECK(received.working_directory == "/var/task");
}

TEST_CASE("a message cut short at any byte, or with a byte too many, is refused") {
  const std::string whole = wire::encode(sample_spec());
  SandboxSpec spec;
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(wire::decode(std::string_view(whole).substr(0, length), spec));
  CHECK_FALSE(wire::decode(whole + "x", spec));
}

TEST_CASE("a count larger than the message cannot make memory") {
  std::string message = wire::encode(sample_spec());
  for (std::size_t i = 1; i < 5; ++i) message[i] = '\xff';
  SandboxSpec spec;
  CHECK_FALSE(wire::decode(message, spec));
}

TEST_CASE("a message is not taken for one of another kind") {
  wire::SignalRequest signal;
  wire::Exited exited;
  CHECK_FALSE(wire::decode(wire::encode(wire::Launched{1, 2}), signal));
  CHECK_FALSE(wire::decode(wire::encode(signal), exited));
  CHECK(wire::kind_of(wire::encode(wire::Kind::emptied)) == wire::Kind::emptied);
  CHECK_FALSE(wire::kind_of(""));
  CHECK_FALSE(wire::kind_of("\x7f"));
}

TEST_CASE("every byte changed in turn never crashes the decoder") {
  const std::string whole = wire::encode(sample_spec());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    SandboxSpec spec;
    (void)wire::decode(changed, spec);
  }
}

TEST_CASE("descriptors travel beside a packet and arrive close-on-exec") {
  auto sockets = base::make_seqpacket_pair();
  auto pipe = base::make_pipe();
  REQUIRE(sockets.has_value());
  REQUIRE(pipe.has_value());
  REQUIRE(wire::send_packet(sockets->first.get(), "hello", {pipe->second.get()}) == 0);
  wire::Packet packet;
  REQUIRE(wire::receive_packet(sockets->second.get(), packet) == wire::Received::packet);
  CHECK(packet.bytes == "hello");
  REQUIRE(packet.descriptors.size() == 1);
  CHECK((::fcntl(packet.descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  sockets->first.reset();
  CHECK(wire::receive_packet(sockets->second.get(), packet) == wire::Received::closed);
}
