// /var/runtime/bootstrap of the managed runtimes: sets what Lambda's own shell script sets, and
// becomes the interpreter. It runs at every cold start, and starting a shell takes longer than all
// that it does; so it is a static program without a shell's habits. AWS_EXECUTION_ENV says which
// runtime it serves.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { most_arguments = 16, exit_not_found = 127, exit_not_executable = 126 };

static char* arguments[most_arguments];
static size_t argument_count;

static char* text(const char* format, ...) {
  char* made = NULL;
  va_list values;
  va_start(values, format);
  if (vasprintf(&made, format, values) < 0) exit(exit_not_found);
  va_end(values);
  return made;
}

static void argue(char* argument) {
  // One place stays empty: the list ends with it.
  if (argument_count + 1 < most_arguments) arguments[argument_count++] = argument;
}

static int is_set(const char* name) {
  const char* value = getenv(name);
  return value != NULL && *value != '\0';
}

static void fail(const char* program, const char* why, int code) {
  printf("%s: %s\n", program, why);
  exit(code);
}

/// The mark that the cold-start lab asks for an import profile with, or NULL. The function never
/// sees it: its own variables begin with a letter.
static char* take_import_profile(void) {
  const char* mark = getenv("_LAMINA_IMPORT_PROFILE");
  if (mark == NULL || *mark == '\0') return NULL;
  char* kept = text("%s", mark);
  unsetenv("_LAMINA_IMPORT_PROFILE");
  return kept;
}

static void start_python(const char* runtime) {
  char* const profile = take_import_profile();
  argue(text("/var/lang/bin/%s", runtime));
  argue(profile ? "/var/runtime/lamina_import_profile.py" : "/var/runtime/bootstrap.py");
  if (profile) argue(profile);

  // From 3.12 on the Lambda image has no en_US locale, and the interpreter settles for C.UTF-8 and
  // says so in its environment. A host that has en_US must look the same.
  const int minor = atoi(runtime + strlen("python3."));
  if (minor >= 12 && !is_set("LC_ALL") && !is_set("LC_CTYPE")) setenv("LC_CTYPE", "C.UTF-8", 1);
}

static void start_nodejs(const char* runtime) {
  char* const profile = take_import_profile();
  const int major = atoi(runtime + strlen("nodejs"));
  if (!is_set("NODE_PATH"))
    setenv(
        "NODE_PATH",
        text("/opt/nodejs/node%d/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:"
             "/var/runtime:/var/task",
             major),
        1);
  // Node.js warns about a file of extra certificates that it cannot read, so only where there is
  // one.
  static const char certificates[] = "/var/runtime/ca-cert.pem";
  if (major <= 18 && !is_set("NODE_EXTRA_CA_CERTS") && access(certificates, F_OK) == 0)
    setenv("NODE_EXTRA_CA_CERTS", certificates, 1);

  // A tenth of the memory for the young generation, in two halves, and the rest for the old one: a
  // heap that grows too large then fails as JavaScript does, before the kernel ends the process.
  const char* const size = getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
  const int memory = size ? atoi(size) : 0;
  const int young = memory / 10;
  argue("/var/lang/bin/node");
  argue("--expose-gc");
  argue("--max-http-header-size");
  argue("81920");
  argue(text("--max-semi-space-size=%d", young / 2));
  argue(text("--max-old-space-size=%d", memory - young));
  argue(profile ? "/var/runtime/import-profile.cjs" : "/var/runtime/index.cjs");
  if (profile) argue(profile);
}

/// Puts the program that AWS_LAMBDA_EXEC_WRAPPER names in front.
static void wrap(void) {
  if (!is_set("AWS_LAMBDA_EXEC_WRAPPER")) return;
  char* const wrapper = text("%s", getenv("AWS_LAMBDA_EXEC_WRAPPER"));
  struct stat status;
  if (stat(wrapper, &status) != 0 || !S_ISREG(status.st_mode))
    fail(wrapper, "does not exist", exit_not_found);
  if (access(wrapper, X_OK) != 0) fail(wrapper, "is not an executable", exit_not_executable);
  memmove(arguments + 1, arguments, argument_count * sizeof *arguments);
  arguments[0] = wrapper;
}

int main(void) {
  const char* const environment = getenv("AWS_EXECUTION_ENV");
  const char* const runtime = environment ? environment + strlen("AWS_Lambda_") : "";
  if (environment &&
      strncmp(environment, "AWS_Lambda_python3.", strlen("AWS_Lambda_python3.")) == 0)
    start_python(runtime);
  else if (environment &&
           strncmp(environment, "AWS_Lambda_nodejs", strlen("AWS_Lambda_nodejs")) == 0)
    start_nodejs(runtime);
  else
    fail("/var/runtime/bootstrap", "AWS_EXECUTION_ENV names no managed runtime", exit_not_found);

  // On Lambda the shell that starts the runtime exports these two.
  char* const folder = getcwd(NULL, 0);
  setenv("PWD", folder ? folder : "/", 1);
  setenv("SHLVL", "0", 1);

  wrap();
  execv(arguments[0], arguments);
  if (errno == ENOEXEC) {
    // A script without a first line that names its interpreter is a shell's, as exec in a shell has
    // it.
    memmove(arguments + 1, arguments, (most_arguments - 1) * sizeof *arguments);
    arguments[0] = "/bin/sh";
    execv(arguments[0], arguments);
  }
  fail(arguments[0], errno == ENOENT ? "does not exist" : "is not an executable",
       errno == ENOENT ? exit_not_found : exit_not_executable);
}
