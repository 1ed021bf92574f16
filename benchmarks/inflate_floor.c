/* The floor of an extraction: every member of a zip inflated in memory by libdeflate on all
   processors, nothing written, nothing checked.

   inflate_floor ARCHIVE     -DWITH_ISAL takes ISA-L instead. Prints the nanoseconds from the first
   thread's start until the last has ended. For well-formed zips without zip64 only. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <libdeflate.h>
#endif

enum { most_threads = 256 };

struct member {
  const unsigned char* header;
  uint32_t packed;
  uint32_t unpacked;
  unsigned method;
};

static struct member* members;
static size_t member_count;
static size_t largest;
static atomic_size_t next_member;

static unsigned u16(const unsigned char* at) {
  return at[0] | (unsigned)at[1] << 8;
}
static uint32_t u32(const unsigned char* at) {
  return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static void fail(const char* what) {
  fprintf(stderr, "inflate_floor: %s\n", what);
  exit(1);
}

static int larger_first(const void* a, const void* b) {
  const uint32_t one = ((const struct member*)a)->unpacked;
  const uint32_t two = ((const struct member*)b)->unpacked;
  return one < two ? 1 : one > two ? -1 : 0;
}

static void read_directory(const unsigned char* bytes, size_t size) {
  if (size < 22) fail("not a zip");
  const unsigned char* end = bytes + size - 22;
  while (end > bytes && u32(end) != 0x06054b50) --end;
  member_count = u16(end + 10);
  members = calloc(member_count, sizeof *members);
  if (members == NULL) fail("out of memory");
  const unsigned char* at = bytes + u32(end + 16);
  for (size_t i = 0; i < member_count; ++i) {
    members[i].method = u16(at + 10);
    members[i].packed = u32(at + 20);
    members[i].unpacked = u32(at + 24);
    members[i].header = bytes + u32(at + 42);
    if (members[i].unpacked > largest) largest = members[i].unpacked;
    at += 46 + u16(at + 28) + u16(at + 30) + u16(at + 32);
  }
  qsort(members, member_count, sizeof *members, larger_first);
}

static void* work(void* unused) {
  unsigned char* output = malloc(largest + 1);
  if (output == NULL) fail("out of memory");
#ifdef WITH_ISAL
  struct inflate_state* state = malloc(sizeof *state);
  if (state == NULL) fail("out of memory");
#else
  struct libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
#endif
  for (size_t first; (first = atomic_fetch_add(&next_member, 1)) < member_count;) {
    const struct member* m = &members[first];
    if (m->method != 8) continue;
    const unsigned char* data = m->header + 30 + u16(m->header + 26) + u16(m->header + 28);
#ifdef WITH_ISAL
    isal_inflate_init(state);
    state->next_in = (unsigned char*)data;
    state->avail_in = m->packed;
    state->next_out = output;
    state->avail_out = m->unpacked;
    if (isal_inflate_stateless(state) != ISAL_DECOMP_OK) fail("broken data");
#else
    if (libdeflate_deflate_decompress(decompressor, data, m->packed, output, m->unpacked, NULL) !=
        LIBDEFLATE_SUCCESS)
      fail("broken data");
#endif
  }
  return unused;
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc != 2) fail("usage: inflate_floor ARCHIVE");
  const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) fail("cannot open the archive");
  const unsigned char* bytes =
      mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (bytes == MAP_FAILED) fail("cannot map the archive");
  read_directory(bytes, (size_t)status.st_size);
  const long long started = now_ns();
  long threads = sysconf(_SC_NPROCESSORS_ONLN);
  if (threads > most_threads) threads = most_threads;
  pthread_t others[most_threads];
  for (long i = 1; i < threads; ++i)
    if (pthread_create(&others[i], NULL, work, NULL) != 0) fail("cannot start a thread");
  work(NULL);
  for (long i = 1; i < threads; ++i) pthread_join(others[i], NULL);
  printf("%lld\n", now_ns() - started);
  return 0;
}
