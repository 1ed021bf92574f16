// The Runtime API as a runtime sees it: one blocking keep-alive connection.
#pragma once

#include <stddef.h>

#include "json_out.h"

struct Reply {
  int status;
  char* head;  // status line and headers
  char* body;
  size_t body_size;
};

// A new connection to AWS_LAMBDA_RUNTIME_API; ends the process when there is none.
int connect_to_runtime_api(void);

// False when the connection ended before a whole reply was there.
int call(int connection, const char* method, const char* path, const char* headers,
         const void* body, size_t body_size, struct Reply* reply);

// The value of a header, copied into `value`; empty when the reply has none.
void header_of(const struct Reply* reply, const char* name, char* value, size_t size);

void free_reply(struct Reply* reply);
