// A library for LD_PRELOAD that makes system calls of one process fail on purpose. Linux with glibc only; it sees what
// goes through libc, which is everything that Rust's standard library and Tokio do. Compiled by failsys.js.
//
// FAILSYS          "call:ERRNO[:from[:count[:every]]],…": from the `from`-th call on (1 is the first), `count` times
//                  (0 is for ever), each `every`-th call fails with ERRNO. Calls: socket bind listen accept4 connect
//                  shutdown setsockopt getsockopt getpeername epoll_ctl (additions only) eventfd send sendmsg recv
//                  read write writev (the last three on sockets only) getaddrinfo pthread_create.
//                  "shortsend:0" and "shortrecv:0" let one byte through at a time.
// FAILSYS_THREAD   Only in threads whose name contains this. Ours are tokio-net and tokio-blocking.
// FAILSYS_CALLER   Only when called from a library whose file name contains this.
// FAILSYS_JITTER_US  Sleep for a random time, of at most so many microseconds, before each of these calls.
// FAILSYS_LOG      Report on stderr, at exit, how often each rule was looked at and how often it struck.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct rule {
  char call[24];
  int error;
  long from, count, every;
  atomic_long seen, struck;
};

static struct rule rules[32];
static int rule_count;
static const char *only_thread, *only_caller;
static long jitter_us;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct { const char *name; int error; } ERRORS[] = {
#define ERROR(name) { #name, name }
  { "0", 0 }, ERROR(EACCES), ERROR(EADDRINUSE), ERROR(EADDRNOTAVAIL), ERROR(EAFNOSUPPORT), ERROR(EAGAIN),
  ERROR(EBADF), ERROR(ECONNABORTED), ERROR(ECONNREFUSED), ERROR(ECONNRESET), ERROR(EHOSTUNREACH), ERROR(EINTR),
  ERROR(EINVAL), ERROR(EIO), ERROR(EMFILE), ERROR(ENETDOWN), ERROR(ENETUNREACH), ERROR(ENFILE), ERROR(ENOBUFS),
  ERROR(ENOMEM), ERROR(ENOTCONN), ERROR(EPERM), ERROR(EPIPE), ERROR(EPROTO), ERROR(ETIMEDOUT), ERROR(EAI_AGAIN),
  ERROR(EAI_FAIL), ERROR(EAI_MEMORY), ERROR(EAI_NONAME), ERROR(EAI_SYSTEM),
#undef ERROR
};

static void report(void) {
  for (int i = 0; i < rule_count; i++)
    fprintf(stderr, "failsys %s seen=%ld struck=%ld\n", rules[i].call, rules[i].seen, rules[i].struck);
}

static int error_number(const char *name) {
  for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
    if (strcmp(ERRORS[i].name, name) == 0) return ERRORS[i].error;
  // A misspelt rule would make a test pass that tested nothing.
  fprintf(stderr, "failsys: unknown error %s\n", name);
  abort();
}

static void read_rules(void) {
  only_thread = getenv("FAILSYS_THREAD");
  only_caller = getenv("FAILSYS_CALLER");
  if (getenv("FAILSYS_JITTER_US")) jitter_us = atol(getenv("FAILSYS_JITTER_US"));
  if (!getenv("FAILSYS")) return;
  char *position, *text = strdup(getenv("FAILSYS"));
  for (char *one = strtok_r(text, ",", &position); one && rule_count < 32; one = strtok_r(0, ",", &position)) {
    struct rule *rule = &rules[rule_count++];
    char name[24] = "";
    rule->from = rule->every = 1;
    sscanf(one, "%23[^:]:%23[^:]:%ld:%ld:%ld", rule->call, name, &rule->from, &rule->count, &rule->every);
    rule->error = error_number(name);
  }
  free(text);
  if (getenv("FAILSYS_LOG")) atexit(report);
}

static int concerns(void *caller) {
  if (only_thread) {
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    if (!strstr(name, only_thread)) return 0;
  }
  if (only_caller) {
    Dl_info library;
    if (!dladdr(caller, &library) || !strstr(library.dli_fname, only_caller)) return 0;
  }
  return 1;
}

// The rule that strikes this call, or NULL.
static struct rule *strike(const char *call, void *caller) {
  static __thread unsigned seed;
  pthread_once(&once, read_rules);
  if (rule_count == 0 && jitter_us == 0) return 0;
  if (!concerns(caller)) return 0;
  if (jitter_us > 0) {
    if (seed == 0) seed = (unsigned)(unsigned long)&seed;
    usleep(rand_r(&seed) % jitter_us);
  }
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->call, call) != 0) continue;
    long since = ++rule->seen - rule->from;
    if (since < 0 || since % rule->every != 0) continue;
    if (rule->count > 0 && since / rule->every >= rule->count) continue;
    rule->struck++;
    return rule;
  }
  return 0;
}

static int is_socket(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int is_internet(int family) { return family == AF_INET || family == AF_INET6; }

// Who watches a descriptor edge-triggered, as Tokio does. Such a watcher takes a short read or write as proof that the
// kernel has no more bytes, or room, and waits for the next edge; where we cut it short there would be none.
static struct { int epoll; struct epoll_event event; } watched[65536];

static void make_edge(int fd) {
  static int (*real)(int, int, int, struct epoll_event *);
  if (!real) real = (int (*)(int, int, int, struct epoll_event *))dlsym(RTLD_NEXT, "epoll_ctl");
  if (fd < 65536 && (watched[fd].event.events & EPOLLET)) {
    struct epoll_event event = watched[fd].event;
    int before = errno;
    real(watched[fd].epoll, EPOLL_CTL_MOD, fd, &event);
    errno = before;
  }
}

#define CALLER __builtin_return_address(0)
#define REAL(result, name, ...)                                     \
  static result (*real)(__VA_ARGS__);                               \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define FAIL_AS(call)                        \
  do {                                       \
    struct rule *rule = strike(call, CALLER); \
    if (rule) {                              \
      errno = rule->error;                   \
      return -1;                             \
    }                                        \
  } while (0)

int socket(int family, int type, int protocol) {
  REAL(int, socket, int, int, int);
  if (is_internet(family)) FAIL_AS("socket");
  return real(family, type, protocol);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  REAL(int, accept4, int, struct sockaddr *, socklen_t *, int);
  struct rule *rule = strike("accept4", CALLER);
  if (!rule) return real(fd, address, length, flags);
  if (rule->error == ECONNABORTED) {
    // As in the kernel, the connection is gone afterwards.
    int accepted = real(fd, address, length, flags);
    if (accepted >= 0) close(accepted);
  }
  errno = rule->error;
  return -1;
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  REAL(int, connect, int, const struct sockaddr *, socklen_t);
  if (is_internet(address->sa_family)) FAIL_AS("connect");
  return real(fd, address, length);
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  REAL(int, bind, int, const struct sockaddr *, socklen_t);
  FAIL_AS("bind");
  return real(fd, address, length);
}

int listen(int fd, int backlog) {
  REAL(int, listen, int, int);
  FAIL_AS("listen");
  return real(fd, backlog);
}

int shutdown(int fd, int how) {
  REAL(int, shutdown, int, int);
  FAIL_AS("shutdown");
  return real(fd, how);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  REAL(int, setsockopt, int, int, int, const void *, socklen_t);
  FAIL_AS("setsockopt");
  return real(fd, level, name, value, length);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
  REAL(int, getsockopt, int, int, int, void *, socklen_t *);
  FAIL_AS("getsockopt");
  return real(fd, level, name, value, length);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length) {
  REAL(int, getpeername, int, struct sockaddr *, socklen_t *);
  FAIL_AS("getpeername");
  return real(fd, address, length);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  REAL(int, epoll_ctl, int, int, int, struct epoll_event *);
  if (operation == EPOLL_CTL_ADD) {
    FAIL_AS("epoll_ctl");
    if (fd >= 0 && fd < 65536) {
      watched[fd].epoll = epoll;
      watched[fd].event = *event;
    }
  }
  return real(epoll, operation, fd, event);
}

int eventfd(unsigned value, int flags) {
  REAL(int, eventfd, unsigned, int);
  FAIL_AS("eventfd");
  return real(value, flags);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  REAL(ssize_t, send, int, const void *, size_t, int);
  FAIL_AS("send");
  int cut = length > 1 && strike("shortsend", CALLER);
  ssize_t done = real(fd, bytes, cut ? 1 : length, flags);
  if (cut && done > 0) make_edge(fd);
  return done;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
  FAIL_AS("sendmsg");
  return real(fd, message, flags);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
  REAL(ssize_t, recv, int, void *, size_t, int);
  FAIL_AS("recv");
  int cut = length > 1 && strike("shortrecv", CALLER);
  ssize_t done = real(fd, bytes, cut ? 1 : length, flags);
  if (cut && done > 0) make_edge(fd);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  int cut = 0;
  if (is_socket(fd)) {
    FAIL_AS("write");
    cut = length > 1 && strike("shortsend", CALLER);
  }
  ssize_t done = real(fd, bytes, cut ? 1 : length);
  if (cut && done > 0) make_edge(fd);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (is_socket(fd)) {
    FAIL_AS("writev");
    if (strike("shortsend", CALLER)) {
      while (count > 1 && parts->iov_len == 0) parts++, count--;
      struct iovec one = { parts->iov_base, parts->iov_len > 1 ? 1 : parts->iov_len };
      ssize_t done = real(fd, &one, 1);
      if (done > 0) make_edge(fd);
      return done;
    }
  }
  return real(fd, parts, count);
}

ssize_t read(int fd, void *bytes, size_t length) {
  REAL(ssize_t, read, int, void *, size_t);
  int cut = 0;
  if (is_socket(fd)) {
    FAIL_AS("read");
    cut = length > 1 && strike("shortrecv", CALLER);
  }
  ssize_t done = real(fd, bytes, cut ? 1 : length);
  if (cut && done > 0) make_edge(fd);
  return done;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  REAL(int, getaddrinfo, const char *, const char *, const struct addrinfo *, struct addrinfo **);
  struct rule *rule = strike("getaddrinfo", CALLER);
  if (rule) return rule->error;
  return real(host, service, hints, found);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  struct rule *rule = strike("pthread_create", CALLER);
  if (rule) return rule->error;
  return real(thread, attributes, start, argument);
}
