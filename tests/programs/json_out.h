// A growing buffer and the few JSON shapes that the subjects answer with.
#pragma once

#include <stddef.h>

struct Buffer {
  char* data;
  size_t size;
  size_t capacity;
};

void append_bytes(struct Buffer* buffer, const void* bytes, size_t size);
void append_text(struct Buffer* buffer, const char* text);
void append_number(struct Buffer* buffer, long long number);
// Bytes outside of ASCII pass through: what the subjects print is UTF-8 or plain ASCII.
void append_json_string(struct Buffer* buffer, const char* text);
void append_key(struct Buffer* buffer,
                const char* key);  // writes the comma as well where one is due
void append_text_member(struct Buffer* buffer, const char* key, const char* value);
void append_number_member(struct Buffer* buffer, const char* key, long long value);

// The strings in a JSON document, in order, as the subjects' arguments. Escapes are not interpreted
// except for \" \\ \n \t: the tests write the events.
int strings_of_json(char* json, char** strings, int limit);
