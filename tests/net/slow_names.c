/* Preloaded into a child process of a test (see lookups.rs). Each name that ends in ".test" is 127.0.0.1, and one that ends in
   ".held.test" is so only once the file $LOOKUPS_GATE exists. "begin NAME" and "end NAME" are appended to $LOOKUPS_LOG. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ends_with(const char *text, const char *end) {
  size_t length = strlen(text), ending = strlen(end);
  return length >= ending && strcmp(text + length - ending, end) == 0;
}

static void note(const char *what, const char *name) {
  char line[300];
  int length = snprintf(line, sizeof line, "%s %s\n", what, name);
  int file = open(getenv("LOOKUPS_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (file < 0 || write(file, line, length) != length) abort();
  close(file);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (!real) real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (!node || !ends_with(node, ".test")) return real(node, service, hints, result);
  note("begin", node);
  while (ends_with(node, ".held.test") && access(getenv("LOOKUPS_GATE"), F_OK) != 0) usleep(1000);
  note("end", node);
  return real("127.0.0.1", service, hints, result);
}
