#include "runtime_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int connect_to_runtime_api(void) {
  const char* api = getenv("AWS_LAMBDA_RUNTIME_API");
  char host[64];
  int port = 0;
  if (!api || sscanf(api, "%63[^:]:%d", host, &port) != 2) {
    fprintf(stderr, "bootstrap: AWS_LAMBDA_RUNTIME_API is not host:port\n");
    exit(3);
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr*)&address, sizeof address) != 0) {
    perror("bootstrap: connect to the Runtime API");
    exit(3);
  }
  int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return connection;
}

static int send_all(int connection, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = send(connection, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) return 0;
    bytes += sent;
    size -= (size_t)sent;
  }
  return 1;
}

void header_of(const struct Reply* reply, const char* name, char* value, size_t size) {
  size_t length = strlen(name);
  value[0] = '\0';
  for (const char* line = reply->head; line; line = strstr(line, "\r\n")) {
    if (line != reply->head) line += 2;
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
      const char* from = line + length + 1;
      while (*from == ' ') from++;
      size_t count = strcspn(from, "\r\n");
      if (count >= size) count = size - 1;
      memcpy(value, from, count);
      value[count] = '\0';
      return;
    }
  }
}

static int read_reply(int connection, struct Reply* reply) {
  struct Buffer all = {0};
  char chunk[65536];
  char* end = NULL;
  while (!end) {
    ssize_t got = read(connection, chunk, sizeof chunk);
    if (got <= 0) {
      free(all.data);
      return 0;
    }
    append_bytes(&all, chunk, (size_t)got);
    end = strstr(all.data, "\r\n\r\n");
  }
  size_t head_size = (size_t)(end - all.data) + 4;
  reply->head = strndup(all.data, head_size);
  reply->status = atoi(all.data + strlen("HTTP/1.1 "));
  char length[32];
  header_of(reply, "Content-Length", length, sizeof length);
  reply->body_size = strtoul(length, NULL, 10);
  while (all.size < head_size + reply->body_size) {
    ssize_t got = read(connection, chunk, sizeof chunk);
    if (got <= 0) {
      free(all.data);
      return 0;
    }
    append_bytes(&all, chunk, (size_t)got);
  }
  reply->body = malloc(reply->body_size + 1);
  memcpy(reply->body, all.data + head_size, reply->body_size);
  reply->body[reply->body_size] = '\0';
  free(all.data);
  return 1;
}

int call(int connection, const char* method, const char* path, const char* headers,
         const void* body, size_t body_size, struct Reply* reply) {
  char head[2048];
  int size = snprintf(head, sizeof head,
                      "%s %s HTTP/1.1\r\nHost: runtime\r\n%sContent-Length: %zu\r\n\r\n", method,
                      path, headers ? headers : "", body_size);
  memset(reply, 0, sizeof *reply);
  // A server that refuses the body answers before it has read it all, so the reply is read anyway.
  if (send_all(connection, head, (size_t)size)) send_all(connection, body, body_size);
  return read_reply(connection, reply);
}

void free_reply(struct Reply* reply) {
  free(reply->head);
  free(reply->body);
  memset(reply, 0, sizeof *reply);
}
