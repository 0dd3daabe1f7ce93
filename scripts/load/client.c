// The other side of a server under load: holds thousands of TCP connections in one process, at 100 bytes each, and counts
// what goes wrong on them. A client in JavaScript would need more memory than the server that it measures. Linux only.
// Built and driven by client.js.
//
// client HOST PORT SOURCE: takes commands on standard input, a line each, and answers each with a line of JSON. SOURCE is the
// address to connect from (127.0.0.2): one address has only some 28 000 ports.
//
// open COUNT ATONCE             connects COUNT more, ATONCE of them at a time
// busy COUNT RATE SECONDS SIZE  the first COUNT send RATE messages a second each, and wait for the echo of each
// call SIZE                     every connection sends one message, and waits for its echo
// hear MESSAGES SIZE            every connection is sent MESSAGES of SIZE bytes by the server, which begin with the time
// churn RATE SECONDS SIZE       RATE new connections a second: a message, its echo, and FIN or RST in turn
// close fin|rst                 ends every connection
// ended SECONDS                 waits until the server has ended every connection
//
// "lost" counts connections that ended or failed though nobody asked for it, "wrong" bytes that are not those that were sent,
// "unheard" connections that still waited when SECONDS (or a minute) had passed without anything from the server.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { MOST = 200000, LARGEST = 65536, PATIENCE = 60 };
#define SECOND UINT64_C(1000000000)

enum state { GONE, CONNECTING, OPEN };

struct connection {
  int fd;
  enum state state;
  uint32_t sequence;  // of its messages
  uint32_t size;      // of what it waits for; 0 when it waits for nothing
  uint32_t arrived;   // of that
  uint32_t heard;     // messages of the server
  bool due;           // the next message waits for the last one's echo
  uint64_t since;     // when what it waits for was sent
  uint64_t due_since;
  uint64_t stamp;     // what a message of the server begins with
};

static struct connection connections[MOST];
static int count;
static int epoll;
static struct sockaddr_in server, source;

// What the command under way has led to.
static struct {
  long opened, failed, lost, wrong, messages, ended, reset, waiting, late;
  int error;
} sum;

// Nanoseconds, in steps of 1/32 of their power of two.
static uint64_t steps[64 * 32], longest;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static void took(uint64_t nanoseconds) {
  int power = nanoseconds < 32 ? 0 : 63 - __builtin_clzll(nanoseconds) - 5;
  steps[power * 32 + (nanoseconds >> power)]++;
  if (nanoseconds > longest) longest = nanoseconds;
}

/// Milliseconds that `share` of what was measured took at most.
static double percentile(double share) {
  uint64_t all = 0, seen = 0;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) all += steps[i];
  if (all == 0) return 0;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    seen += steps[i];
    if (seen < share * all) continue;
    // Values from 32 on are in the upper half of their power's steps.
    int power = i < 64 ? 0 : i / 32 - 1;
    uint64_t end = ((uint64_t)(i - power * 32) + 1) << power;
    return (end < longest ? end : longest) / 1e6;
  }
  return longest / 1e6;
}

static void begin(void) {
  memset(&sum, 0, sizeof sum);
  memset(steps, 0, sizeof steps);
  longest = 0;
}

static void answer(uint64_t started) {
  int open = 0;
  for (int i = 0; i < count; i++) open += connections[i].state == OPEN;
  printf("{\"open\":%d,\"opened\":%ld,\"failed\":%ld,\"lost\":%ld,\"wrong\":%ld,\"unheard\":%ld,\"messages\":%ld,\"late\":%ld,"
         "\"ended\":%ld,\"reset\":%ld,\"error\":\"%s\",\"ms\":%.1f,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}\n",
         open, sum.opened, sum.failed, sum.lost, sum.wrong, sum.waiting, sum.messages, sum.late, sum.ended, sum.reset,
         sum.error ? strerror(sum.error) : "", (now() - started) / 1e6, percentile(.5), percentile(.99), percentile(.999),
         longest / 1e6);
  fflush(stdout);
}

static void drop(struct connection *one) {
  if (one->size) sum.waiting--;
  close(one->fd);
  one->state = GONE;
  one->size = 0;
  one->due = false;
}

static void lose(struct connection *one, int error) {
  if (error) sum.error = error;
  if (one->state == CONNECTING) sum.failed++;
  else sum.lost++;
  drop(one);
}

/// What the byte at `at` of a message is: another in each message and on each connection.
static uint8_t byte_of(const struct connection *one, uint32_t at) {
  return (uint8_t)((one - connections) * 31 + one->sequence * 7 + at * 13 + (at >> 8));
}

static void expect(struct connection *one, uint32_t size) {
  one->size = size;
  one->arrived = 0;
  sum.waiting++;
}

/// Sends a message to an empty send buffer, which always takes it whole.
static void say(struct connection *one, uint32_t size, uint64_t since) {
  static uint8_t message[LARGEST];
  one->sequence++;
  for (uint32_t at = 0; at < size; at++) message[at] = byte_of(one, at);
  one->since = since;
  expect(one, size);
  ssize_t sent = send(one->fd, message, size, MSG_NOSIGNAL);
  if (sent != (ssize_t)size) lose(one, sent < 0 ? errno : EMSGSIZE);
}

/// Begins a connection. False when not even that was possible.
static bool begin_one(struct connection *one) {
  memset(one, 0, sizeof *one);
  one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (one->fd < 0) {
    sum.error = errno;
    sum.failed++;
    return false;
  }
  int on = 1;
  setsockopt(one->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event interest = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = one };
  one->state = CONNECTING;
  one->since = now();
  if (bind(one->fd, (void *)&source, sizeof source) == 0 &&
      (connect(one->fd, (void *)&server, sizeof server) == 0 || errno == EINPROGRESS) &&
      epoll_ctl(epoll, EPOLL_CTL_ADD, one->fd, &interest) == 0)
    return true;
  lose(one, errno);
  return false;
}

static bool is_hearing;

/// Takes what has arrived, and gives it up at its end. True when a message is complete.
static bool take(struct connection *one) {
  static uint8_t bytes[LARGEST];
  bool complete = false;
  while (one->state == OPEN) {
    ssize_t got = recv(one->fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      if (got == 0) sum.ended++;
      else sum.reset++;
      lose(one, got < 0 ? errno : 0);
      break;
    }
    for (ssize_t i = 0; i < got; i++) {
      if (one->size == 0) {
        sum.wrong++;
        continue;
      }
      if (is_hearing) {
        if (one->arrived < 8) one->stamp = one->stamp >> 8 | (uint64_t)bytes[i] << 56;
        else if (bytes[i] != 'b') sum.wrong++;
      } else if (bytes[i] != byte_of(one, one->arrived)) sum.wrong++;
      if (++one->arrived < one->size) continue;
      took(now() - (is_hearing ? one->stamp : one->since));
      sum.messages++;
      one->arrived = 0;
      if (is_hearing && --one->heard > 0) continue;
      one->size = 0;
      sum.waiting--;
      complete = true;
    }
  }
  return complete;
}

/// Waits, until `until` at most, for what happens on connections, of which `each` is told. False when nothing did.
static bool turn(uint64_t until, void (*each)(struct connection *, bool complete)) {
  struct epoll_event events[512];
  uint64_t moment = now();
  int patience = until > moment ? (int)((until - moment + 999999) / 1000000) : 0;
  int ready = epoll_wait(epoll, events, 512, patience);
  for (int i = 0; i < ready; i++) {
    struct connection *one = events[i].data.ptr;
    if (one->state == CONNECTING) {
      int error = 0;
      socklen_t length = sizeof error;
      getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &length);
      if (error) {
        lose(one, error);
        continue;
      }
      if (!(events[i].events & EPOLLOUT)) continue;
      one->state = OPEN;
      sum.opened++;
      took(now() - one->since);
      each(one, true);
    }
    // Not "else": what came with the opening is told only once.
    if (one->state == OPEN && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) each(one, take(one));
  }
  return ready > 0;
}

static void nothing(struct connection *one, bool complete) { (void)one, (void)complete; }

static void open_more(int more, int at_once) {
  int end = count + more;
  if (end > MOST) end = MOST;
  uint64_t deadline = now() + PATIENCE * SECOND;
  long finished = sum.opened + sum.failed;
  int first = count;
  while (count < end || sum.opened + sum.failed < end - first) {
    while (count < end && count - first - (sum.opened + sum.failed) < at_once) begin_one(&connections[count++]);
    turn(deadline, nothing);
    if (sum.opened + sum.failed > finished) {
      finished = sum.opened + sum.failed;
      deadline = now() + PATIENCE * SECOND;
    } else if (now() > deadline) {
      for (int i = first; i < count; i++)
        if (connections[i].state == CONNECTING) lose(&connections[i], ETIMEDOUT);
      return;
    }
  }
}

/// Until nobody waits for anything, or nothing has come for a minute.
static void settle(void) {
  uint64_t deadline = now() + PATIENCE * SECOND;
  while (sum.waiting > 0 && now() < deadline)
    if (turn(deadline, nothing)) deadline = now() + PATIENCE * SECOND;
}

static uint32_t busy_size;

static void next_message(struct connection *one, bool complete) {
  if (!complete || !one->due) return;
  // Its time has come already: the wait counts, or a server that stalls would be asked less, and look fast.
  one->due = false;
  say(one, busy_size, one->due_since);
}

static void be_busy(int some, double rate, double seconds, uint32_t size) {
  busy_size = size;
  uint64_t started = now(), end = started + seconds * SECOND;
  double between = SECOND / (rate * some);
  for (uint64_t number = 0;; number++) {
    uint64_t at = started + number * between;
    if (at >= end) break;
    while (now() < at) turn(at, next_message);
    if (number % 64 == 0) turn(0, next_message);
    struct connection *one = &connections[number % some];
    if (one->state != OPEN) continue;
    if (one->size == 0) say(one, size, now());
    else if (!one->due) {
      one->due = true;
      one->due_since = at;
      sum.late++;
    }
  }
  for (int i = 0; i < some; i++) connections[i].due = false;
  settle();
}

static void end_one(struct connection *one, bool reset) {
  struct linger hard = { .l_onoff = 1 };
  if (reset) setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  drop(one);
}

static void churn_step(struct connection *one, bool complete) {
  if (one->state != OPEN || !complete) return;
  // It has just opened, or its message has come back.
  if (one->sequence == 0) say(one, busy_size, now());
  else end_one(one, (one - connections) % 2);
}

static void churn(double rate, double seconds, uint32_t size) {
  busy_size = size;
  uint64_t started = now(), end = started + seconds * SECOND;
  // Places are used again, long after their connection was closed.
  int places = MOST - count, first = count;
  for (uint64_t number = 0;; number++) {
    uint64_t at = started + number * (SECOND / rate);
    if (at >= end) break;
    while (now() < at) turn(at, churn_step);
    struct connection *one = &connections[first + number % places];
    if (one->state == GONE) begin_one(one);
    else sum.late++;
  }
  uint64_t deadline = now() + PATIENCE * SECOND;
  while (now() < deadline) {
    int left = 0;
    for (int i = first; i < MOST; i++) left += connections[i].state != GONE;
    if (left == 0) return;
    turn(now() + SECOND / 10, churn_step);
  }
  for (int i = first; i < MOST; i++)
    if (connections[i].state != GONE) lose(&connections[i], ETIMEDOUT);
}

static void wait_for_ends(double seconds) {
  uint64_t deadline = now() + seconds * SECOND;
  for (;;) {
    int left = 0;
    for (int i = 0; i < count; i++) left += connections[i].state == OPEN;
    if (left == 0) break;
    if (now() >= deadline) {
      sum.waiting = left;
      break;
    }
    uint64_t soon = now() + SECOND / 10;
    turn(soon < deadline ? soon : deadline, nothing);
  }
  sum.lost -= sum.ended;
}

static void run(const char *line) {
  int some, at_once;
  double rate, seconds;
  uint32_t size;
  char how[8];
  uint64_t started = now();
  begin();
  if (sscanf(line, "open %d %d", &some, &at_once) == 2) open_more(some, at_once);
  else if (sscanf(line, "busy %d %lf %lf %" SCNu32, &some, &rate, &seconds, &size) == 4 && size <= LARGEST && some <= count)
    be_busy(some, rate, seconds, size);
  else if (sscanf(line, "call %" SCNu32, &size) == 1 && size <= LARGEST) {
    for (int i = 0; i < count; i++)
      if (connections[i].state == OPEN) say(&connections[i], size, now());
    settle();
  } else if (sscanf(line, "hear %d %" SCNu32, &some, &size) == 2 && size >= 8) {
    is_hearing = true;
    for (int i = 0; i < count; i++) {
      if (connections[i].state != OPEN) continue;
      connections[i].heard = some;
      expect(&connections[i], size);
    }
    settle();
    is_hearing = false;
  } else if (sscanf(line, "churn %lf %lf %" SCNu32, &rate, &seconds, &size) == 3 && size <= LARGEST) churn(rate, seconds, size);
  else if (sscanf(line, "ended %lf", &seconds) == 1) wait_for_ends(seconds);
  else if (sscanf(line, "close %7s", how) == 1) {
    for (int i = 0; i < count; i++)
      if (connections[i].state == OPEN) end_one(&connections[i], strcmp(how, "rst") == 0);
    count = 0;
  } else {
    fprintf(stderr, "client: no such command: %s", line);
    exit(2);
  }
  answer(started);
}

int main(int argc, char **argv) {
  // It may be in the middle of a command that takes minutes.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  server.sin_family = source.sin_family = AF_INET;
  if (argc != 4 || epoll < 0 || !inet_aton(argv[1], &server.sin_addr) || !inet_aton(argv[3], &source.sin_addr)) {
    fprintf(stderr, "usage: client HOST PORT SOURCE\n");
    return 2;
  }
  server.sin_port = htons(atoi(argv[2]));
  char line[128];
  while (fgets(line, sizeof line, stdin)) run(line);
  return 0;
}
