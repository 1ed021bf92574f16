// A runtime for Lambda: asks for the next event, answers it, for ever.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "greeting.h"

static int connect_to_runtime_api(void) {
  const char* address = getenv("AWS_LAMBDA_RUNTIME_API");
  char host[64];
  int port = 0;
  if (!address || sscanf(address, "%63[^:]:%d", host, &port) != 2) return -1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  return connect(connection, (struct sockaddr*)&to, sizeof to) == 0 ? connection : -1;
}

// Sends a request and reads the reply. Events of this sample are small, so one buffer holds it.
static int call(int connection, const char* request, char* reply, size_t size) {
  if (write(connection, request, strlen(request)) < 0) return -1;
  size_t got = 0;
  for (;;) {
    ssize_t count = read(connection, reply + got, size - 1 - got);
    if (count <= 0) return -1;
    got += (size_t)count;
    reply[got] = '\0';
    const char* body = strstr(reply, "\r\n\r\n");
    const char* length = strcasestr(reply, "\r\ncontent-length:");
    if (body && (!length || strlen(body + 4) >= strtoul(length + 17, NULL, 10))) return 0;
  }
}

static void answer(char* text, size_t size) {
  char name[100] = "", greeting[200], command[300];
  FILE* file = fopen("name.txt", "r");  // the working directory is /var/task
  if (file && fgets(name, sizeof name, file)) fclose(file);
  greeting_for(name, greeting, sizeof greeting);
  snprintf(command, sizeof command, "shout '%s'", greeting);
  FILE* shout = popen(command, "r");
  char loud[300] = "";
  if (shout && fgets(loud, sizeof loud, shout)) pclose(shout);
  snprintf(text, size, "{\"quiet\":\"%s\",\"loud\":\"%s\"}", greeting, loud);
}

int main(void) {
  int connection = connect_to_runtime_api();
  if (connection < 0) return 1;
  static char reply[65536];
  for (;;) {
    if (call(connection, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n",
             reply, sizeof reply) != 0)
      return 0;
    const char* header = strcasestr(reply, "Lambda-Runtime-Aws-Request-Id: ");
    char id[64], text[1000], request[2000];
    if (!header || sscanf(header + 31, "%63[^\r\n]", id) != 1) return 1;
    answer(text, sizeof text);
    snprintf(request, sizeof request,
             "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: "
             "api\r\nContent-Length: %zu\r\n\r\n%s",
             id, strlen(text), text);
    if (call(connection, request, reply, sizeof reply) != 0) return 1;
  }
}
