// The smallest runtime that does its work: one connection, one buffer, the stamp as the answer.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

long long first_instruction_ns(void);

static int connection;
static char buffer[1 << 16];

static void ask(const char* request, size_t size) {
  if (write(connection, request, size) != (ssize_t)size) exit(0);
  size_t got = 0;
  for (;;) {
    const ssize_t count = read(connection, buffer + got, sizeof buffer - 1 - got);
    if (count <= 0) exit(0);
    got += (size_t)count;
    buffer[got] = '\0';
    const char* body = strstr(buffer, "\r\n\r\n");
    const char* length = strcasestr(buffer, "\r\ncontent-length: ");
    if (body && length && got >= (size_t)(body + 4 - buffer) + strtoul(length + 18, NULL, 10))
      return;
  }
}

int main(void) {
  const char* api = getenv("AWS_LAMBDA_RUNTIME_API");
  if (!api) {
    printf("%lld\n", first_instruction_ns());
    return 0;
  }
  char host[64];
  int port = 0;
  sscanf(api, "%63[^:]:%d", host, &port);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(connection, (struct sockaddr*)&address, sizeof address) != 0) return 1;
  const int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);

  static const char next[] =
      "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n";
  char answer[64], request[512];
  const int answer_size =
      snprintf(answer, sizeof answer, "{\"firstInstructionNs\":%lld}", first_instruction_ns());
  for (;;) {
    ask(next, sizeof next - 1);
    const char* id = strcasestr(buffer, "Lambda-Runtime-Aws-Request-Id: ");
    if (!id) return 1;
    const int size =
        snprintf(request, sizeof request,
                 "POST /2018-06-01/runtime/invocation/%.36s/response HTTP/1.1\r\nHost: api\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 id + 31, answer_size, answer);
    ask(request, (size_t)size);
  }
}
