// The socket calls of the Node.js bootstrap that `fs` has not: everything else there reads and
// writes a plain descriptor. Node.js' own `net` costs a cold start 15 ms: the heap flags with which
// Lambda starts Node.js make it compile that module from source, because they differ from those of
// its code cache.
//
//   connect(address, port)  a blocking, connected TCP socket: its descriptor. `address` is a dotted
//   quad. readable(descriptor)    whether a read finds something now or within a millisecond.
//   shutdown(descriptor)    ends the socket, and with it a read that waits on it in another thread.
//
// Node-API is a C interface that stays the same in all versions of Node.js
// (https://nodejs.org/api/n-api.html); what is used of it is declared here, so that building Lamina
// needs no headers of Node.js.
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct napi_env__* napi_env;
typedef struct napi_value__* napi_value;
typedef struct napi_callback_info__* napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
typedef int napi_status;  // an enumeration there; 0 is success

napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t* count, napi_value* arguments,
                             napi_value* self, void** data);
napi_status napi_get_value_string_utf8(napi_env, napi_value, char* text, size_t size,
                                       size_t* length);
napi_status napi_get_value_int32(napi_env, napi_value, int32_t* number);
napi_status napi_create_int32(napi_env, int32_t number, napi_value* result);
napi_status napi_get_boolean(napi_env, bool, napi_value* result);
napi_status napi_create_function(napi_env, const char* name, size_t length, napi_callback,
                                 void* data, napi_value* result);
napi_status napi_set_named_property(napi_env, napi_value object, const char* name,
                                    napi_value value);
napi_status napi_throw_error(napi_env, const char* code, const char* message);

static napi_value fail(napi_env env, const char* call, int reason) {
  char message[160];
  snprintf(message, sizeof message, "Runtime API: %s: %s", call, strerror(reason));
  napi_throw_error(env, reason == ECONNREFUSED ? "ECONNREFUSED" : NULL, message);
  return NULL;
}

static napi_value open_connection(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  char text[INET_ADDRSTRLEN] = "";
  int32_t port = 0;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != 0 || count != 2 ||
      napi_get_value_string_utf8(env, arguments[0], text, sizeof text, NULL) != 0 ||
      napi_get_value_int32(env, arguments[1], &port) != 0)
    return fail(env, "arguments", EINVAL);

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) return fail(env, "address", EINVAL);
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(env, "socket", errno);
  int connected;
  do connected = connect(descriptor, (const struct sockaddr*)&address, sizeof address);
  while (connected != 0 && errno == EINTR);
  if (connected != 0 && errno != EISCONN) {
    const int reason = errno;
    close(descriptor);
    return fail(env, "connect", reason);
  }
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  napi_value result = NULL;
  napi_create_int32(env, descriptor, &result);
  return result;
}

static int descriptor_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t descriptor = -1;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != 0 || count != 1 ||
      napi_get_value_int32(env, argument, &descriptor) != 0)
    return -1;
  return descriptor;
}

static napi_value is_readable(napi_env env, napi_callback_info info) {
  struct pollfd waiting = {.fd = descriptor_of(env, info), .events = POLLIN};
  napi_value result = NULL;
  napi_get_boolean(env, poll(&waiting, 1, 1) == 1, &result);
  return result;
}

static napi_value end_connection(napi_env env, napi_callback_info info) {
  shutdown(descriptor_of(env, info), SHUT_RDWR);
  return NULL;
}

static void add_function(napi_env env, napi_value exports, const char* name,
                         napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, strlen(name), function, NULL, &value) == 0)
    napi_set_named_property(env, exports, name, value);
}

// Node.js calls this by its name after loading the file.
__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
                                                                          napi_value exports) {
  add_function(env, exports, "connect", open_connection);
  add_function(env, exports, "readable", is_readable);
  add_function(env, exports, "shutdown", end_connection);
  return exports;
}
