// Hostile bytes against the HTTP server with the session behind it, over a real loopback
// connection. The first byte of the input cuts the rest in two writes, so that the parser also
// meets half lines. Beyond what the sanitizers see: each answer is HTTP, none is a 500, the
// connection always ends, and afterwards a well-behaved runtime gets its event.
#include "base/unique_fd.hpp"
#include "runtime-api/session.hpp"

#include <boost/asio/io_context.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using runtime_api::InvocationEvent;
using runtime_api::Session;

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

class Bench {
 public:
  Bench() {
    base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* address = reinterpret_cast<sockaddr*>(&address_);
    require(::bind(listener.get(), address, size) == 0 && ::listen(listener.get(), 16) == 0);
    ::getsockname(listener.get(), address, &size);
    require(session_.listen(std::move(listener)).has_value());
  }

  void run(std::string_view first, std::string_view second) {
    session_.reset();
    session_.begin(InvocationEvent("id", "{}"));
    const std::string answers = talk(first, second);
    if (!answers.empty()) require(answers.starts_with("HTTP/1.1 "));
    require(answers.find("HTTP/1.1 500") == std::string::npos);

    session_.reset();
    session_.begin(InvocationEvent("id", "{}"));
    const std::string event =
        talk("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nConnection: close\r\n\r\n", "");
    require(event.starts_with("HTTP/1.1 200 OK"));
  }

 private:
  /// The fuzzer's clock ticks by SIGALRM, which would interrupt a connect() or send() in here.
  class Undisturbed {
   public:
    Undisturbed() {
      sigset_t alarm;
      ::sigemptyset(&alarm);
      ::sigaddset(&alarm, SIGALRM);
      ::pthread_sigmask(SIG_BLOCK, &alarm, &before_);
    }
    ~Undisturbed() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;

   private:
    sigset_t before_;
  };

  std::string talk(std::string_view first, std::string_view second) {
    const Undisturbed undisturbed;
    base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Closed with a reset, or the ports of many thousand runs would all be in TIME_WAIT.
    const linger abort{1, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    require(::connect(client.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0);
    std::string received;
    for (const std::string_view part : {first, second}) {
      ::send(client.get(), part.data(), part.size(), MSG_NOSIGNAL);
      turn(client.get(), received);
    }
    ::shutdown(client.get(), SHUT_WR);
    for (int turns = 0; !turn(client.get(), received); ++turns) require(turns < 100'000);
    return received;
  }

  /// Lets the server work and collects its answers; true once it has closed the connection.
  bool turn(int client, std::string& received) {
    context_.restart();
    context_.poll();
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(client, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      received.append(buffer, static_cast<std::size_t>(count));
    }
    return count == 0 || (errno != EAGAIN && errno != EINTR);
  }

  asio::io_context context_{1};
  Session session_{context_.get_executor(), [] {}};
  sockaddr_in address_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = input.size() * data[0] / 255;
  bench.run(input.substr(0, cut), input.substr(cut));
  return 0;
}
