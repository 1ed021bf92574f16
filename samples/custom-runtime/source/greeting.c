#include "greeting.h"

#include <stdio.h>

void greeting_for(const char* name, char* text, unsigned long size) {
  snprintf(text, size, "hello %s, from the library", name);
}
