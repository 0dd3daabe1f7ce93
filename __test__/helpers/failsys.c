// A library for LD_PRELOAD that makes system calls of one process fail on purpose. Linux with glibc only; it sees what
// goes through libc, which is everything that Rust's standard library and Tokio do. Compiled by failsys.js.
//
// FAILSYS          "call:ERRNO[:from[:count[:every]]],…": from the `from`-th call on (1 is the first), `count` times
//                  (0 is for ever), each `every`-th call fails with ERRNO. Calls: socket bind listen accept4 connect
//                  shutdown setsockopt getsockopt getsockname getpeername ioctl (on sockets only) epoll_create1
//                  epoll_ctl (additions only) epoll_wait eventfd socketpair fcntl (duplication only) send sendmsg recv
//                  read write writev (these three on sockets only) open (fopen too) fileread getaddrinfo
//                  pthread_create memory (what OpenSSL allocates, in an addon with the feature fault-hooks).
//                  "shortsend:0" and "shortrecv:0" let one byte through at a time.
// FAILSYS_CONTROL  A file of sizeof (struct control) bytes, through which one rule can be changed while the process runs; see
//                  failsys.js.
// FAILSYS_THREAD   Only in threads whose name contains this. Ours are tokio-net and tcp-blocking.
// FAILSYS_CALLER   Only when called from a library whose file name contains this.
// FAILSYS_JITTER_US  Sleep for a random time, of at most so many microseconds, before each of these calls.
// FAILSYS_LOG      Report on stderr, at exit, how often each rule was looked at and how often it struck.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

// The one rule that changes: the `from`-th call after `armed` was set fails, and `count` - 1 after it. Written and read by
// failsys.js, so the order and the sizes of its members are the same there.
struct control {
  atomic_int armed;
  int error;
  atomic_long seen, struck;
  long from, count;
  char call[24];
};

static struct control *control;
static struct rule controlled;
static const char *only_thread, *only_caller;
static long jitter_us;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct { const char *name; int error; } ERRORS[] = {
#define ERROR(name) { #name, name }
  { "0", 0 }, ERROR(EACCES), ERROR(EADDRINUSE), ERROR(EADDRNOTAVAIL), ERROR(EAFNOSUPPORT), ERROR(EAGAIN),
  ERROR(EBADF), ERROR(ECONNABORTED), ERROR(ECONNREFUSED), ERROR(ECONNRESET), ERROR(EHOSTUNREACH), ERROR(EINTR),
  ERROR(EINVAL), ERROR(EIO), ERROR(EMFILE), ERROR(ENETDOWN), ERROR(ENETUNREACH), ERROR(ENFILE), ERROR(ENOBUFS),
  ERROR(ENOMEM), ERROR(ENOSPC), ERROR(ENOTCONN), ERROR(EPERM), ERROR(EPIPE), ERROR(EPROTO), ERROR(ETIMEDOUT), ERROR(EAI_AGAIN),
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
  if (getenv("FAILSYS_CONTROL")) {
    // Not by the function below, which would wait for this one to return.
    int fd = syscall(SYS_openat, AT_FDCWD, getenv("FAILSYS_CONTROL"), O_RDWR | O_CLOEXEC);
    void *shared = mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || shared == MAP_FAILED) {
      perror("failsys: FAILSYS_CONTROL");
      abort();
    }
    close(fd);
    control = shared;
  }
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

// Whether a rule is about this call. Cheap, unlike finding out who calls.
static int is_wanted(const char *call) {
  if (jitter_us > 0) return 1;
  if (control && control->armed && strcmp(control->call, call) == 0) return 1;
  for (int i = 0; i < rule_count; i++)
    if (strcmp(rules[i].call, call) == 0) return 1;
  return 0;
}

// The rule that strikes this call, or NULL.
static struct rule *strike(const char *call, void *caller) {
  static __thread unsigned seed;
  pthread_once(&once, read_rules);
  if (!is_wanted(call) || !concerns(caller)) return 0;
  if (jitter_us > 0) {
    if (seed == 0) seed = (unsigned)(unsigned long)&seed;
    usleep(rand_r(&seed) % jitter_us);
  }
  if (control && control->armed && strcmp(control->call, call) == 0) {
    long since = ++control->seen - control->from;
    if (since >= 0 && since < control->count) {
      control->struck++;
      controlled.error = control->error;
      return &controlled;
    }
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

static int is_file(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
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
// As FAIL_AS, where EAGAIN has a watcher wait for an edge.
#define FAIL_ON(call, fd)                         \
  do {                                            \
    struct rule *rule = strike(call, CALLER);     \
    if (rule) {                                   \
      if (rule->error == EAGAIN) make_edge(fd);   \
      errno = rule->error;                        \
      return -1;                                  \
    }                                             \
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
  if (rule->error == EAGAIN) make_edge(fd);
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

int getsockname(int fd, struct sockaddr *address, socklen_t *length) {
  REAL(int, getsockname, int, struct sockaddr *, socklen_t *);
  FAIL_AS("getsockname");
  return real(fd, address, length);
}

int ioctl(int fd, unsigned long request, ...) {
  REAL(int, ioctl, int, unsigned long, ...);
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (is_socket(fd)) FAIL_AS("ioctl");
  return real(fd, request, argument);
}

int fcntl(int fd, int command, ...) {
  REAL(int, fcntl, int, int, ...);
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (command == F_DUPFD_CLOEXEC || command == F_DUPFD) FAIL_AS("fcntl");
  return real(fd, command, argument);
}

int socketpair(int family, int type, int protocol, int ends[2]) {
  REAL(int, socketpair, int, int, int, int *);
  FAIL_AS("socketpair");
  return real(family, type, protocol, ends);
}

int epoll_create1(int flags) {
  REAL(int, epoll_create1, int);
  FAIL_AS("epoll_create1");
  return real(flags);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
  REAL(int, epoll_wait, int, struct epoll_event *, int, int);
  FAIL_AS("epoll_wait");
  return real(epoll, events, most, timeout);
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
  FAIL_ON("send", fd);
  int cut = length > 1 && strike("shortsend", CALLER);
  ssize_t done = real(fd, bytes, cut ? 1 : length, flags);
  if (cut && done > 0) make_edge(fd);
  return done;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
  FAIL_ON("sendmsg", fd);
  return real(fd, message, flags);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
  REAL(ssize_t, recv, int, void *, size_t, int);
  FAIL_ON("recv", fd);
  int cut = length > 1 && strike("shortrecv", CALLER);
  ssize_t done = real(fd, bytes, cut ? 1 : length, flags);
  if (cut && done > 0) make_edge(fd);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  int cut = 0;
  if (is_socket(fd)) {
    FAIL_ON("write", fd);
    cut = length > 1 && strike("shortsend", CALLER);
  }
  ssize_t done = real(fd, bytes, cut ? 1 : length);
  if (cut && done > 0) make_edge(fd);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (is_socket(fd)) {
    FAIL_ON("writev", fd);
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
    FAIL_ON("read", fd);
    cut = length > 1 && strike("shortrecv", CALLER);
  } else if (is_file(fd)) {
    FAIL_AS("fileread");
  }
  ssize_t done = real(fd, bytes, cut ? 1 : length);
  if (cut && done > 0) make_edge(fd);
  return done;
}

#define OPEN(name)                                \
  int name(const char *path, int flags, ...) {    \
    REAL(int, name, const char *, int, ...);      \
    va_list arguments;                            \
    va_start(arguments, flags);                   \
    mode_t mode = va_arg(arguments, mode_t);      \
    va_end(arguments);                            \
    FAIL_AS("open");                              \
    return real(path, flags, mode);               \
  }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                               \
  FILE *name(const char *path, const char *how) { \
    REAL(FILE *, name, const char *, const char *); \
    struct rule *rule = strike("open", CALLER);   \
    if (rule) {                                   \
      errno = rule->error;                        \
      return 0;                                   \
    }                                             \
    return real(path, how);                       \
  }
FOPEN(fopen)
FOPEN(fopen64)

// Called by src/fault.rs, which stands for OpenSSL.
int failsys_refuses_memory(void) { return strike("memory", CALLER) != 0; }

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
