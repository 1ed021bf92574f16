// A disk that is slower by a known time, as LD_PRELOAD: whoever reads the byte SLOW_READER_AT of a
// file named slow.zip waits SLOW_READER_MS first.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int is_slow(int fd) {
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  static const char name[] = "/slow.zip";
  const ssize_t size = sizeof name - 1;
  return length >= size && memcmp(path + length - size, name, (size_t)size) == 0;
}

static void wait_for(int fd, size_t count, long long offset) {
  const char* at = getenv("SLOW_READER_AT");
  const char* time = getenv("SLOW_READER_MS");
  if (!at || !time || !is_slow(fd)) return;
  const long long byte = atoll(at);
  if (byte < offset || byte >= offset + (long long)count) return;
  const long milliseconds = atol(time);
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

#define SLOW_PREAD(NAME, OFFSET)                                    \
  ssize_t NAME(int fd, void* buffer, size_t count, OFFSET offset) { \
    static ssize_t (*real)(int, void*, size_t, OFFSET);             \
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, #NAME);            \
    wait_for(fd, count, offset);                                    \
    return real(fd, buffer, count, offset);                         \
  }
SLOW_PREAD(pread, off_t)
SLOW_PREAD(pread64, off64_t)
