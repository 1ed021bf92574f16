// ping_pong N: the floor of a warm invocation. Two processes exchange, by blocking calls over
// loopback TCP and with nothing between, the messages of an invocation: event, response, its
// acknowledgement, the request for the next event. Prints as a JSON list how many microseconds
// passed from each event sent to its response received.
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// About as long as the real ones, with their headers.
enum { event_size = 400, response_size = 250, acknowledgement_size = 120, next_size = 100 };

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static char bytes[1024];

static void give(int socket, size_t size) {
  if (send(socket, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) _exit(1);
}

static void take(int socket, size_t size) {
  if (recv(socket, bytes, size, MSG_WAITALL) != (ssize_t)size) _exit(1);
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 1000;
  const int one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&address, size) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, (struct sockaddr*)&address, &size) != 0)
    return 1;
  if (fork() == 0) {
    const int runtime = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(runtime, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(runtime, (struct sockaddr*)&address, size) != 0) return 1;
    give(runtime, next_size);
    for (int i = 0; i < rounds; ++i) {
      take(runtime, event_size);
      give(runtime, response_size);
      take(runtime, acknowledgement_size);
      give(runtime, next_size);
    }
    return 0;
  }
  const int platform = accept(listener, NULL, NULL);
  setsockopt(platform, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  take(platform, next_size);
  for (int i = 0; i < rounds; ++i) {
    const double sent = now_us();
    give(platform, event_size);
    take(platform, response_size);
    printf("%c%.2f", i == 0 ? '[' : ',', now_us() - sent);
    give(platform, acknowledgement_size);
    take(platform, next_size);
  }
  puts("]");
  return 0;
}
