// A custom runtime that does what its handler's name says: `echo`, `exit:3`, `run`, ... Events
// carry the arguments as JSON strings. Linked statically: if it does not start, that is the
// sandbox's doing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json_out.h"
#include "runtime_client.h"

enum { max_strings = 256 };
extern char** environ;

struct Invocation {
  int connection;
  const char* argument;  // what follows the colon in the handler's name
  const char* request_id;
  const struct Reply* next;
  char* event;
  char* strings[max_strings];  // the strings in the event
  int string_count;
  struct Buffer answer;
};

static double monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_ms(long milliseconds) {
  struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}

static void say(struct Invocation* i, const char* key, const char* value) {
  append_text_member(&i->answer, key, value);
}

// Linux names of the errors that the tests ask for; strerror's wording differs between libraries.
static const char* error_name(int number) {
  const char* name = strerrorname_np(number);
  return name ? name : "unknown";
}

// ---- what a function answers ----

static void echo(struct Invocation* i) {
  append_text(&i->answer, i->event);
}

static void env(struct Invocation* i) {
  append_text(&i->answer, "[");
  for (char** variable = environ; *variable; variable++) {
    if (variable != environ) append_text(&i->answer, ",");
    append_json_string(&i->answer, *variable);
  }
  append_text(&i->answer, "]");
}

static void headers(struct Invocation* i) {
  append_json_string(&i->answer, i->next->head);
}

static void descriptors(struct Invocation* i) {
  append_text(&i->answer, "{");
  // Descriptor 3 is the connection to the Runtime API, which this program opened itself.
  for (int fd = 0; fd < 1024; fd++) {
    char link[64], target[256];
    if (fcntl(fd, F_GETFD) < 0 || fd == i->connection) continue;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = '\0';
    snprintf(link, sizeof link, "%d", fd);
    say(i, link, target);
  }
  append_text(&i->answer, "}");
}

static void limit_member(struct Buffer* out, const char* name, int resource) {
  struct rlimit limit;
  getrlimit(resource, &limit);
  append_key(out, name);
  append_text(out, "[");
  append_number(out, limit.rlim_cur == RLIM_INFINITY ? -1 : (long long)limit.rlim_cur);
  append_text(out, ",");
  append_number(out, limit.rlim_max == RLIM_INFINITY ? -1 : (long long)limit.rlim_max);
  append_text(out, "]");
}

static void process(struct Invocation* i) {
  struct Buffer* out = &i->answer;
  char text[4096];
  append_text(out, "{");
  append_number_member(out, "uid", getuid());
  append_number_member(out, "gid", getgid());
  append_number_member(out, "euid", geteuid());
  append_number_member(out, "egid", getegid());
  append_number_member(out, "pid", getpid());
  append_number_member(out, "noNewPrivileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  mode_t mask = umask(0);
  umask(mask);
  append_number_member(out, "umask", mask);
  gethostname(text, sizeof text);
  say(i, "hostname", text);
  say(i, "cwd", getcwd(text, sizeof text) ? text : error_name(errno));
  append_key(out, "groups");
  append_text(out, "[");
  gid_t groups[64];
  int count = getgroups(64, groups);
  for (int g = 0; g < count; g++) {
    if (g) append_text(out, ",");
    append_number(out, groups[g]);
  }
  append_text(out, "]");
  append_key(out, "arguments");
  append_text(out, "[");
  FILE* arguments = fopen("/proc/self/cmdline", "r");
  size_t size = arguments ? fread(text, 1, sizeof text - 1, arguments) : 0;
  text[size] = '\0';
  for (char* argument = text; argument < text + size; argument += strlen(argument) + 1) {
    if (argument != text) append_text(out, ",");
    append_json_string(out, argument);
  }
  if (arguments) fclose(arguments);
  append_text(out, "]");
  append_key(out, "limits");
  append_text(out, "{");
  limit_member(out, "NOFILE", RLIMIT_NOFILE);
  limit_member(out, "NPROC", RLIMIT_NPROC);
  limit_member(out, "CORE", RLIMIT_CORE);
  limit_member(out, "MEMLOCK", RLIMIT_MEMLOCK);
  limit_member(out, "STACK", RLIMIT_STACK);
  limit_member(out, "AS", RLIMIT_AS);
  limit_member(out, "FSIZE", RLIMIT_FSIZE);
  append_text(out, "}}");
}

static const char* type_of(mode_t mode) {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISREG(mode)) return "file";
  if (S_ISLNK(mode)) return "link";
  if (S_ISCHR(mode)) return "character device";
  if (S_ISBLK(mode)) return "block device";
  return "other";
}

static void status_of_paths(struct Invocation* i) {
  struct Buffer* out = &i->answer;
  append_text(out, "{");
  for (int n = 0; n < i->string_count; n++) {
    struct stat status;
    append_key(out, i->strings[n]);
    if (lstat(i->strings[n], &status) != 0) {
      append_json_string(out, error_name(errno));
      continue;
    }
    char text[4096];
    append_text(out, "{");
    say(i, "type", type_of(status.st_mode));
    snprintf(text, sizeof text, "%04o", status.st_mode & 07777);
    say(i, "mode", text);
    append_number_member(out, "uid", status.st_uid);
    append_number_member(out, "gid", status.st_gid);
    append_number_member(out, "size", status.st_size);
    if (S_ISLNK(status.st_mode)) {
      ssize_t size = readlink(i->strings[n], text, sizeof text - 1);
      text[size < 0 ? 0 : size] = '\0';
      say(i, "target", text);
    }
    append_text(out, "}");
  }
  append_text(out, "}");
}

static void read_files(struct Invocation* i) {
  append_text(&i->answer, "{");
  for (int n = 0; n < i->string_count; n++) {
    static char text[1 << 20];
    int fd = open(i->strings[n], O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size < 0) {
      say(i, i->strings[n], error_name(errno));
    } else {
      text[size] = '\0';
      say(i, i->strings[n], text);
    }
    if (fd >= 0) close(fd);
  }
  append_text(&i->answer, "}");
}

static void list_folders(struct Invocation* i) {
  append_text(&i->answer, "{");
  for (int n = 0; n < i->string_count; n++) {
    struct dirent** entries;
    int count = scandir(i->strings[n], &entries, NULL, alphasort);
    if (count < 0) {
      say(i, i->strings[n], error_name(errno));
      continue;
    }
    append_key(&i->answer, i->strings[n]);
    append_text(&i->answer, "[");
    for (int e = 0, written = 0; e < count; e++) {
      if (strcmp(entries[e]->d_name, ".") == 0 || strcmp(entries[e]->d_name, "..") == 0) continue;
      if (written++) append_text(&i->answer, ",");
      append_json_string(&i->answer, entries[e]->d_name);
    }
    append_text(&i->answer, "]");
  }
  append_text(&i->answer, "}");
}

// Tries to make a file in each folder, and removes it again.
static void write_into_folders(struct Invocation* i) {
  append_text(&i->answer, "{");
  for (int n = 0; n < i->string_count; n++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/lamina-write-probe", i->strings[n]);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    say(i, i->strings[n], fd < 0 ? error_name(errno) : "written");
    if (fd >= 0) {
      close(fd);
      unlink(path);
    }
  }
  append_text(&i->answer, "}");
}

// The event's strings are an argument list; looks the program up on PATH.
static void run(struct Invocation* i) {
  int out[2];
  if (i->string_count == 0 || pipe2(out, O_CLOEXEC) != 0) exit(3);
  i->strings[i->string_count] = NULL;
  pid_t child = fork();
  if (child == 0) {
    dup2(out[1], 1);
    dup2(out[1], 2);
    execvp(i->strings[0], i->strings);
    fprintf(stderr, "%s", error_name(errno));
    _exit(127);
  }
  close(out[1]);
  struct Buffer text = {0};
  char chunk[4096];
  ssize_t size;
  while ((size = read(out[0], chunk, sizeof chunk)) > 0) append_bytes(&text, chunk, (size_t)size);
  close(out[0]);
  int status = 0;
  waitpid(child, &status, 0);
  append_text(&i->answer, "{");
  append_number_member(&i->answer, "status", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  say(i, "output", text.data ? text.data : "");
  append_text(&i->answer, "}");
  free(text.data);
}

static void fill_tmp(struct Invocation* i) {
  static char block[1 << 20];
  memset(block, 7, sizeof block);  // zeros could be kept without taking room
  long long written = 0;
  int fd = open("/tmp/fill", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ssize_t size = -1;
  while (fd >= 0 && (size = write(fd, block, sizeof block)) > 0) written += size;
  append_text(&i->answer, "{");
  say(i, "error", error_name(errno));
  append_number_member(&i->answer, "bytes", written);
  append_text(&i->answer, "}");
  if (fd >= 0) close(fd);
  unlink("/tmp/fill");
}

static void* wait_for_ever(void* unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static void start_threads(struct Invocation* i) {
  int wanted = atoi(i->argument), started = 0, error = 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (; started < wanted && !error; started += !error) {
    pthread_t thread;
    error = pthread_create(&thread, &small, wait_for_ever, NULL);
  }
  append_text(&i->answer, "{");
  append_number_member(&i->answer, "started", started);
  say(i, "error", error ? error_name(error) : "");
  append_text(&i->answer, "}");
}

// The event's strings are host:port.
static void connect_outside(struct Invocation* i) {
  append_text(&i->answer, "{");
  for (int n = 0; n < i->string_count; n++) {
    char host[64];
    int port = 0;
    sscanf(i->strings[n], "%63[^:]:%d", host, &port);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = connect(fd, (struct sockaddr*)&address, sizeof address) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      struct pollfd ready = {.fd = fd, .events = POLLOUT};
      socklen_t size = sizeof error;
      if (poll(&ready, 1, 500) == 0) {
        error = ETIMEDOUT;
      } else {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    say(i, i->strings[n], error ? error_name(error) : "connected");
    close(fd);
  }
  append_text(&i->answer, "}");
}

static void big_response(struct Invocation* i) {
  size_t size = strtoul(i->argument, NULL, 10);  // of the whole body, quotes included
  char* text = malloc(size);
  memset(text, 'x', size);
  text[0] = text[size - 1] = '"';
  append_bytes(&i->answer, text, size);
  free(text);
}

static void print_lines(struct Invocation* i) {
  for (int n = 0; n < i->string_count; n++) {
    FILE* stream = n % 2 ? stderr : stdout;
    fputs(i->strings[n], stream);
    fflush(stream);
  }
  append_text(&i->answer, "null");
}

static int invocations_so_far;

static void identity(struct Invocation* i) {
  append_text(&i->answer, "{");
  append_number_member(&i->answer, "pid", getpid());
  append_number_member(&i->answer, "invocation", invocations_so_far);
  append_number_member(&i->answer, "earlierRunsInTmp", access("/tmp/seen", F_OK) == 0);
  append_text(&i->answer, "}");
  int fd = open("/tmp/seen", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) close(fd);
}

static void dies_on_second(struct Invocation* i) {
  identity(i);
  if (invocations_so_far == 2) exit(5);
}

// ---- processes that try to stay ----

static void stay_behind(void) {
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  for (;;) pause();
}

static void leave_children(struct Invocation* i) {
  if (fork() == 0) stay_behind();
  if (fork() == 0) {
    setsid();
    if (fork() == 0) stay_behind();  // a daemon: its parent is gone, its session its own
    _exit(0);
  }
  append_text(&i->answer, "null");
}

// ---- freezing ----

static atomic_llong ticks;

static void* count_milliseconds(void* unused) {
  (void)unused;
  for (;;) {
    sleep_ms(1);
    ticks++;
  }
  return NULL;
}

// How often the background thread ran since the last answer, beside the time that passed. The
// argument is the size of the answer: a reader that waits holds back who prints it.
static void count_in_background(struct Invocation* i) {
  static double answered_at;
  static long long ticks_then;
  static int started;
  if (!started++) {
    pthread_t thread;
    pthread_create(&thread, NULL, count_milliseconds, NULL);
    sleep_ms(20);
  }
  append_text(&i->answer, "{");
  append_number_member(&i->answer, "ticksBetween", answered_at ? ticks - ticks_then : 0);
  append_number_member(&i->answer, "millisecondsBetween",
                       answered_at ? (long long)(monotonic_ms() - answered_at) : 0);
  append_key(&i->answer, "padding");
  append_text(&i->answer, "\"");
  for (long n = atol(i->argument); n > 0; n--) append_text(&i->answer, "x");
  append_text(&i->answer, "\"}");
  answered_at = monotonic_ms();
  ticks_then = ticks;
}

// ---- the protocol ----

static void note_call(struct Invocation* i, const char* method, const char* path,
                      const char* request_headers, const char* body) {
  struct Reply reply;
  int connection = connect_to_runtime_api();
  char name[256];
  snprintf(name, sizeof name, "%s %s", method, path);
  append_text(&i->answer, i->answer.data[i->answer.size - 1] == '[' ? "" : ",");
  append_text(&i->answer, "{");
  say(i, "call", name);
  if (call(connection, method, path, request_headers, body, strlen(body), &reply)) {
    append_number_member(&i->answer, "status", reply.status);
    say(i, "body", reply.body);
  }
  append_text(&i->answer, "}");
  free_reply(&reply);
  close(connection);
}

static void protocol(struct Invocation* i) {
  append_text(&i->answer, "[");
  note_call(i, "GET", "/2018-06-01/ping", "", "");
  note_call(i, "GET", "/2018-06-01/runtime/invocation/next", "", "");
  note_call(i, "POST", "/2018-06-01/runtime/invocation/not-it/response", "", "{}");
  note_call(i, "POST", "/2018-06-01/runtime/invocation/not-it/error", "", "{}");
  note_call(i, "POST", "/2018-06-01/runtime/init/error", "", "{}");
  note_call(i, "GET", "/2018-06-01/runtime/restore/next", "", "");
  note_call(i, "GET", "/2018-06-01/nothing/here", "", "");
  note_call(i, "POST", "/2018-06-01/runtime/invocation/next", "", "");
  append_text(&i->answer, "]");
}

static void garbage(struct Invocation* i) {
  static const char* const rubbish[] = {
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "GET\r\n\r\n",
      "\r\n\r\n\r\n",
      "POST / HTTP/9.9\r\n\r\n",
      "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
      "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "POST /ping HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
  };
  for (size_t n = 0; n < sizeof rubbish / sizeof *rubbish; n++) {
    int connection = connect_to_runtime_api();
    send(connection, rubbish[n], strlen(rubbish[n]), MSG_NOSIGNAL);
    shutdown(connection, SHUT_WR);
    char answer[512];
    struct pollfd ready = {.fd = connection, .events = POLLIN};
    if (poll(&ready, 1, 200) > 0) (void)!read(connection, answer, sizeof answer);
    close(connection);
  }
  append_text(&i->answer, "\"still here\"");
}

static void fail(struct Invocation* i) {
  struct Reply reply;
  char path[256];
  snprintf(path, sizeof path, "/2018-06-01/runtime/invocation/%s/error", i->request_id);
  const char* body =
      i->string_count ? i->strings[0]
                      : "{\"errorMessage\":\"as asked\",\"errorType\":\"Asked\",\"stackTrace\":[]}";
  call(i->connection, "POST", path, "Lambda-Runtime-Function-Error-Type: Function.Asked\r\n", body,
       strlen(body), &reply);
  free_reply(&reply);
}

// ---- ways to die ----

static void leave(struct Invocation* i) {
  exit(atoi(i->argument));
}
static void take_signal(struct Invocation* i) {
  signal(atoi(i->argument), SIG_DFL);
  kill(getpid(), atoi(i->argument));
  sleep_ms(1000);
}
static void segfault(struct Invocation* i) {
  *(volatile int*)(size_t)i->request_id[0] = 1;  // an address in the first page
}
static void nap(struct Invocation* i) {
  sleep_ms(atol(i->argument));
  append_text(&i->answer, "\"slept\"");
}
static void hog(struct Invocation* i) {
  (void)i;
  for (;;) {
    char* block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) exit(9);
    memset(block, 1, 1 << 20);
  }
}
static void use_memory(struct Invocation* i) {
  size_t size = strtoul(i->argument, NULL, 10) << 20;
  char* memory = malloc(size);
  // Byte by page through a volatile: the compiler would drop a memset that nobody reads.
  for (size_t at = 0; memory && at < size; at += 4096) *(volatile char*)(memory + at) = 1;
  append_text(&i->answer, "null");
}

static const struct {
  const char* name;
  void (*act)(struct Invocation*);
  int answers;  // else the mode has sent its own answer, or has not come back
} modes[] = {
    {"echo", echo, 1},
    {"env", env, 1},
    {"headers", headers, 1},
    {"descriptors", descriptors, 1},
    {"process", process, 1},
    {"status", status_of_paths, 1},
    {"read", read_files, 1},
    {"list", list_folders, 1},
    {"write", write_into_folders, 1},
    {"run", run, 1},
    {"fill_tmp", fill_tmp, 1},
    {"threads", start_threads, 1},
    {"connect", connect_outside, 1},
    {"big", big_response, 1},
    {"print", print_lines, 1},
    {"identity", identity, 1},
    {"dies_on_second", dies_on_second, 1},
    {"leave_children", leave_children, 1},
    {"count", count_in_background, 1},
    {"protocol", protocol, 1},
    {"garbage", garbage, 1},
    {"sleep", nap, 1},
    {"use", use_memory, 1},
    {"fail", fail, 0},
    {"exit", leave, 0},
    {"signal", take_signal, 0},
    {"segfault", segfault, 0},
    {"hog", hog, 0},
};

// Modes that begin with init_ do their deed before the first /next.
static void act_before_init_is_done(const char* handler) {
  struct Invocation none = {.argument = strchr(handler, ':') ? strchr(handler, ':') + 1 : ""};
  if (strncmp(handler, "init_", 5) == 0) printf("init of %s\n", handler), fflush(stdout);
  if (strncmp(handler, "init_exit:", 10) == 0) leave(&none);
  if (strncmp(handler, "init_signal:", 12) == 0) take_signal(&none);
  if (strncmp(handler, "init_hog", 8) == 0) hog(&none);
  if (strncmp(handler, "init_sleep:", 11) == 0) sleep_ms(atol(none.argument));
  if (strncmp(handler, "init_error", 10) == 0) {
    struct Reply reply;
    const char* body = "{\"errorMessage\":\"init as asked\",\"errorType\":\"Asked.Init\"}";
    call(connect_to_runtime_api(), "POST", "/2018-06-01/runtime/init/error",
         "Lambda-Runtime-Function-Error-Type: Runtime.AskedFor\r\n", body, strlen(body), &reply);
    exit(1);
  }
}

int main(void) {
  const char* handler = getenv("_HANDLER");
  if (!handler) handler = "echo";
  act_before_init_is_done(handler);
  if (strncmp(handler, "init_", 5) == 0) handler = "echo";

  struct Invocation i = {.connection = connect_to_runtime_api()};
  const char* colon = strchr(handler, ':');
  i.argument = colon ? colon + 1 : "";
  size_t name_size = colon ? (size_t)(colon - handler) : strlen(handler);
  size_t mode = 0;
  size_t mode_count = sizeof modes / sizeof *modes;
  while (mode < mode_count && (strlen(modes[mode].name) != name_size ||
                               strncmp(modes[mode].name, handler, name_size) != 0)) {
    mode++;
  }
  if (mode == mode_count) {
    fprintf(stderr, "bootstrap: no mode %s\n", handler);
    return 4;
  }

  for (;;) {
    struct Reply next, posted;
    if (!call(i.connection, "GET", "/2018-06-01/runtime/invocation/next", "", "", 0, &next))
      return 0;
    char request_id[64], path[256];
    header_of(&next, "Lambda-Runtime-Aws-Request-Id", request_id, sizeof request_id);
    char* event = strdup(next.body);
    i.next = &next;
    i.request_id = request_id;
    i.event = next.body;
    i.string_count = strings_of_json(event, i.strings, max_strings - 1);
    i.answer.size = 0;
    invocations_so_far++;
    modes[mode].act(&i);
    if (modes[mode].answers) {
      snprintf(path, sizeof path, "/2018-06-01/runtime/invocation/%s/response", request_id);
      if (!call(i.connection, "POST", path, "Content-Type: application/json\r\n", i.answer.data,
                i.answer.size, &posted)) {
        // A refused body can cost the connection; a runtime goes on with a new one.
        close(i.connection);
        i.connection = connect_to_runtime_api();
      } else if (posted.status != 202) {
        fprintf(stderr, "bootstrap: response refused with %d\n", posted.status);
      }
      free_reply(&posted);
    }
    free_reply(&next);
    free(event);
  }
}
