// Two hosts and the wires between them, for kernels without `tc netem`: makes two network namespaces, and forwards packets between
// a TUN device in each, on the way losing, delaying, doubling, reordering or damaging some. Compiled and driven by hosts.js.
//
// Prints "ready FD FD": /proc/PID/fd/FD are the namespaces. They exist as long as this process, which ends with its standard input;
// so nothing is left of a test, however it ended. Each line on standard input is an order, answered by a line on standard output:
//
//   set WAY KEY VALUE …   WAY: forth (first host to second), back, both. KEY:
//                         delay MS, jitter MS (more or less than delay, so packets overtake each other),
//                         loss, duplicate, damage %: of the packets, reorder %: of the packets skip the delay,
//                         mtu BYTES: larger packets vanish without a word. "cut 1" lets nothing through, "cut 0" does again.
//   count                 {"seen":…,"lost":…,"doubled":…,"reordered":…,"damaged":…,"toolong":…,"carried":…}
//   seed N                Chance begins anew.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 65535, BURST = 64, MOST_WAITING = 20000, HEADERS = 40 };

struct way {
  double delay, jitter, loss, duplicate, damage, reorder, mtu, cut;
  int from, to;
};

// A packet that waits until it is due. `number` keeps the order of those that are due at once.
struct packet {
  uint64_t due, number;
  int to;
  size_t length;
  unsigned char *bytes;
};

static struct way ways[2] = { { .mtu = LARGEST }, { .mtu = LARGEST } };
static struct { unsigned long seen, lost, doubled, reordered, damaged, too_long, carried; } counts;

// A binary heap, the packet that is due first on top.
static struct packet waiting[MOST_WAITING];
static size_t waiting_count;
static uint64_t next_number;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int happens(double percent) {
  return percent > 0 && drand48() * 100 < percent;
}

static int is_before(const struct packet *a, const struct packet *b) {
  return a->due < b->due || (a->due == b->due && a->number < b->number);
}

static void swap(size_t a, size_t b) {
  struct packet kept = waiting[a];
  waiting[a] = waiting[b];
  waiting[b] = kept;
}

static void push(struct packet packet) {
  size_t at = waiting_count++;
  waiting[at] = packet;
  while (at > 0 && is_before(&waiting[at], &waiting[(at - 1) / 2])) {
    swap(at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

static struct packet pop(void) {
  struct packet first = waiting[0];
  waiting[0] = waiting[--waiting_count];
  for (size_t at = 0;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < waiting_count; child++)
      if (is_before(&waiting[child], &waiting[least])) least = child;
    if (least == at) return first;
    swap(at, least);
    at = least;
  }
}

// Takes one packet from a host, and decides what becomes of it.
static void accept_packet(const struct way *way, const unsigned char *bytes, size_t length) {
  counts.seen++;
  if (way->cut != 0 || happens(way->loss)) {
    counts.lost++;
    return;
  }
  if (length > way->mtu) {
    counts.too_long++;
    return;
  }
  int copies = 1;
  if (happens(way->duplicate)) {
    copies = 2;
    counts.doubled++;
  }
  while (copies-- > 0) {
    double wait = way->delay + (drand48() * 2 - 1) * way->jitter;
    if (happens(way->reorder)) {
      wait = 0;
      counts.reordered++;
    }
    if (waiting_count == MOST_WAITING) {
      counts.lost++;
      return;
    }
    struct packet packet = { microseconds(), next_number++, way->to, length, malloc(length) };
    if (packet.bytes == NULL) fail("malloc");
    if (wait > 0) packet.due += (uint64_t)(wait * 1000);
    memcpy(packet.bytes, bytes, length);
    if (length > HEADERS && happens(way->damage)) {
      // Behind the headers: the checksum of TCP has to find it.
      packet.bytes[HEADERS + (size_t)(drand48() * (double)(length - HEADERS))] ^= 0x10;
      counts.damaged++;
    }
    push(packet);
  }
}

static void take_packets(const struct way *way) {
  static unsigned char bytes[LARGEST];
  for (int i = 0; i < BURST; i++) {
    ssize_t length = read(way->from, bytes, sizeof bytes);
    if (length <= 0) return;
    accept_packet(way, bytes, (size_t)length);
  }
}

static void deliver_due(void) {
  uint64_t now = microseconds();
  while (waiting_count > 0 && waiting[0].due <= now) {
    struct packet packet = pop();
    // It fails while the device is down, which is a loss as any other.
    if (write(packet.to, packet.bytes, packet.length) == (ssize_t)packet.length) counts.carried++;
    else counts.lost++;
    free(packet.bytes);
  }
}

// Milliseconds until the next packet is due, rounded up; -1 without one.
static int until_due(void) {
  if (waiting_count == 0) return -1;
  uint64_t now = microseconds();
  return waiting[0].due <= now ? 0 : (int)((waiting[0].due - now + 999) / 1000);
}

// Moves this process into a namespace of its own, and returns a descriptor of it.
static int new_namespace(void) {
  if (unshare(CLONE_NEWNET) != 0) fail("unshare");
  int namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (namespace < 0) fail("/proc/self/ns/net");
  return namespace;
}

// A TUN device in the namespace that this process is in.
static int new_device(void) {
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) fail("/dev/net/tun");
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  strcpy(request.ifr_name, "wire");
  if (ioctl(device, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  return device;
}

static double *setting(struct way *way, const char *key) {
  const struct { const char *key; double *value; } settings[] = {
    { "delay", &way->delay },   { "jitter", &way->jitter },   { "loss", &way->loss }, { "duplicate", &way->duplicate },
    { "damage", &way->damage }, { "reorder", &way->reorder }, { "mtu", &way->mtu },   { "cut", &way->cut },
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (strcmp(settings[i].key, key) == 0) return settings[i].value;
  return NULL;
}

// The rest of a line, after "set". Returns what is wrong, or NULL.
static const char *set(void) {
  const char *name = strtok(NULL, " ");
  if (name == NULL) return "which way?";
  int forth = strcmp(name, "back") != 0, back = strcmp(name, "forth") != 0;
  if (forth && back && strcmp(name, "both") != 0) return "no such way";
  for (const char *key, *value; (key = strtok(NULL, " ")) != NULL;) {
    if ((value = strtok(NULL, " ")) == NULL) return "a key without a value";
    for (int i = 0; i < 2; i++) {
      double *place = setting(&ways[i], key);
      if (place == NULL) return "no such key";
      if (i == 0 ? forth : back) *place = atof(value);
    }
  }
  return NULL;
}

static void obey(char *line) {
  const char *wrong = NULL, *order = strtok(line, " "), *seed;
  if (order == NULL) wrong = "an empty line";
  else if (strcmp(order, "set") == 0) wrong = set();
  else if (strcmp(order, "seed") == 0 && (seed = strtok(NULL, " ")) != NULL) srand48(atol(seed));
  else if (strcmp(order, "count") == 0)
    printf("{\"seen\":%lu,\"lost\":%lu,\"doubled\":%lu,\"reordered\":%lu,\"damaged\":%lu,\"toolong\":%lu,\"carried\":%lu}\n",
           counts.seen, counts.lost, counts.doubled, counts.reordered, counts.damaged, counts.too_long, counts.carried);
  else wrong = "no such order";
  if (wrong != NULL) printf("wrong: %s\n", wrong);
  else if (strcmp(order, "count") != 0) printf("done\n");
  fflush(stdout);
}

// Obeys what has come on standard input. Returns whether more may come.
static int read_orders(void) {
  static char line[1024];
  static size_t length;
  ssize_t count = read(STDIN_FILENO, line + length, sizeof line - 1 - length);
  if (count <= 0) return count < 0 && errno == EINTR;
  length += (size_t)count;
  line[length] = 0;
  for (char *end; (end = strchr(line, '\n')) != NULL;) {
    *end = 0;
    obey(line);
    length -= (size_t)(end + 1 - line);
    memmove(line, end + 1, length + 1);
  }
  return length < sizeof line - 1;
}

int main(void) {
  // Of a terminal, or of whoever ends the test: it is its standard input that ends this process.
  signal(SIGINT, SIG_IGN);
  int first = new_namespace();
  ways[0].from = ways[1].to = new_device();
  int second = new_namespace();
  ways[1].from = ways[0].to = new_device();
  srand48(1);
  printf("ready %d %d\n", first, second);
  fflush(stdout);
  for (;;) {
    struct pollfd sources[] = {
      { STDIN_FILENO, POLLIN, 0 }, { ways[0].from, POLLIN, 0 }, { ways[1].from, POLLIN, 0 },
    };
    if (poll(sources, 3, until_due()) < 0 && errno != EINTR) fail("poll");
    if (sources[0].revents != 0 && !read_orders()) return 0;
    for (int i = 0; i < 2; i++)
      if (sources[i + 1].revents & POLLIN) take_packets(&ways[i]);
    deliver_due();
  }
}
