#include "json_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void append_bytes(struct Buffer* buffer, const void* bytes, size_t size) {
  if (buffer->size + size + 1 > buffer->capacity) {
    buffer->capacity = (buffer->size + size + 1) * 2;
    buffer->data = realloc(buffer->data, buffer->capacity);
    if (!buffer->data) abort();
  }
  memcpy(buffer->data + buffer->size, bytes, size);
  buffer->size += size;
  buffer->data[buffer->size] = '\0';
}

void append_text(struct Buffer* buffer, const char* text) {
  append_bytes(buffer, text, strlen(text));
}

void append_number(struct Buffer* buffer, long long number) {
  char text[32];
  snprintf(text, sizeof text, "%lld", number);
  append_text(buffer, text);
}

void append_json_string(struct Buffer* buffer, const char* text) {
  append_text(buffer, "\"");
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') {
      char escaped[3] = {'\\', (char)c, 0};
      append_text(buffer, escaped);
    } else if (c < 0x20) {
      char escaped[8];
      snprintf(escaped, sizeof escaped, "\\u%04x", c);
      append_text(buffer, escaped);
    } else {
      append_bytes(buffer, &c, 1);
    }
  }
  append_text(buffer, "\"");
}

void append_key(struct Buffer* buffer, const char* key) {
  char last = buffer->size ? buffer->data[buffer->size - 1] : '{';
  if (last != '{' && last != '[') append_text(buffer, ",");
  append_json_string(buffer, key);
  append_text(buffer, ":");
}

void append_text_member(struct Buffer* buffer, const char* key, const char* value) {
  append_key(buffer, key);
  append_json_string(buffer, value);
}

void append_number_member(struct Buffer* buffer, const char* key, long long value) {
  append_key(buffer, key);
  append_number(buffer, value);
}

int strings_of_json(char* json, char** strings, int limit) {
  int count = 0;
  while (*json && count < limit) {
    if (*json++ != '"') continue;
    char* out = json;
    strings[count++] = out;
    while (*json && *json != '"') {
      if (*json == '\\' && json[1]) {
        json++;
        *out++ = *json == 'n' ? '\n' : *json == 't' ? '\t' : *json;
        json++;
      } else {
        *out++ = *json++;
      }
    }
    if (*json) json++;
    *out = '\0';
  }
  return count;
}
