// An observer between a runtime and its Runtime API, as AWS_LAMBDA_EXEC_WRAPPER: it stamps its own
// first instruction (the exec that the environment's start ends in) and the moment that the
// runtime's first bytes come, and passes everything on. It knows nothing of Lamina's own clock.
// Prints "observer: exec NS next NS" on standard error (CLOCK_MONOTONIC).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runtime_client.h"

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void pass_on(int from, int to) {
  char buffer[65536];
  ssize_t got = read(from, buffer, sizeof buffer);
  if (got <= 0) _exit(0);
  for (ssize_t sent = 0; sent < got;) {
    ssize_t count = write(to, buffer + sent, (size_t)(got - sent));
    if (count <= 0) _exit(0);
    sent += count;
  }
}

static void relay(int listener, long long exec_at) {
  int runtime = accept(listener, NULL, NULL);
  if (runtime < 0) _exit(4);
  int platform = connect_to_runtime_api();
  int first = 1;
  for (;;) {
    struct pollfd ends[2] = {{.fd = runtime, .events = POLLIN}, {.fd = platform, .events = POLLIN}};
    if (poll(ends, 2, -1) < 0) _exit(4);
    if (ends[0].revents && first) {
      fprintf(stderr, "observer: exec %lld next %lld\n", exec_at, now_ns());
      first = 0;
    }
    if (ends[0].revents) pass_on(runtime, platform);
    if (ends[1].revents) pass_on(platform, runtime);
  }
}

int main(int argc, char** argv) {
  const long long exec_at = now_ns();
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (argc < 2 || bind(listener, (struct sockaddr*)&address, size) != 0 ||
      listen(listener, 4) != 0 || getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
    perror("observer");
    return 4;
  }
  if (fork() == 0) relay(listener, exec_at);
  char api[32];
  snprintf(api, sizeof api, "127.0.0.1:%d", ntohs(address.sin_port));
  setenv("AWS_LAMBDA_RUNTIME_API", api, 1);
  execv(argv[1], argv + 1);
  perror("observer: exec");
  return 4;
}
