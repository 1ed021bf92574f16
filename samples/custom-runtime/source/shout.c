// Prints its argument in capitals.
#include <ctype.h>
#include <stdio.h>

int main(int argc, char** argv) {
  for (const char* c = argc > 1 ? argv[1] : ""; *c; c++) putchar(toupper((unsigned char)*c));
  return 0;
}
