// stopwatch COMMAND...: stamps the monotonic clock right before it spawns the command and right
// after the command has ended, and prints both on descriptor 3, with the peak of the command's
// resident memory in KiB. In C because a Python parent takes longer to start a process than what is
// measured here, and a child's peak begins with its parent's.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char** environ;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, 3);
  pid_t child;
  const long long started = now();
  if (posix_spawnp(&child, argv[1], &actions, NULL, argv + 1, environ) != 0) return 127;
  int status = 0;
  struct rusage usage;
  wait4(child, &status, 0, &usage);
  const long long ended = now();
  dprintf(3, "%lld %lld %ld\n", started, ended, usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
