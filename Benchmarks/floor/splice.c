// The floor for large bodies: what comes from the origin goes through a pipe and is never copied.
//
// A yardstick like relay.c: requests are copied, and each client has an upstream connection of its
// own.
//
// usage: splice LISTEN_ADDRESS LISTEN_PORT ORIGIN_ADDRESS ORIGIN_PORT
#define _GNU_SOURCE
#include "common.h"
#include <signal.h>

// Half of that makes it a twentieth to a tenth dearer, twice that no cheaper.
enum { PIPE = 512 * 1024 };

struct pair {
  int client, upstream, pipe[2];
  // Bytes in the pipe.
  size_t held;
};

// What epoll tells of: either end of a pair.
struct end {
  struct pair *pair;
  int is_client;
};

static char buffer[64 * 1024];

static void drop(struct pair *pair) {
  if (pair->client < 0) return;
  close(pair->client);
  close(pair->upstream);
  close(pair->pipe[0]);
  close(pair->pipe[1]);
  // Kept: events of this batch may still name it.
  pair->client = pair->upstream = -1;
}

static void ask(struct pair *pair) {
  ssize_t count = recv(pair->client, buffer, sizeof buffer, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0 || send(pair->upstream, buffer, count, MSG_NOSIGNAL) != count) drop(pair);
}

// Until the origin has no more, or the client takes no more: either will be an edge.
static void answer(struct pair *pair) {
  while (pair->client >= 0) {
    if (pair->held < PIPE) {
      ssize_t got = splice(pair->upstream, NULL, pair->pipe[1], NULL, PIPE - pair->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (got > 0) pair->held += got;
      // A pipe may be full before it holds that many bytes: then the client's turn helps.
      else if (got == 0 || errno != EAGAIN) return drop(pair);
      else if (!pair->held) return;
    }
    ssize_t sent = splice(pair->pipe[0], NULL, pair->client, NULL, pair->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent > 0) pair->held -= sent;
    else if (errno == EAGAIN) return;
    else return drop(pair);
  }
}

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  struct sockaddr_in origin = address(argv[3], argv[4]);
  // Neither call can be told not to raise it.
  signal(SIGPIPE, SIG_IGN);
  int listener = listening(argv[1], argv[2]);
  int epoll = epoll_create1(0);
  watch(epoll, listener, NULL);
  struct epoll_event events[512];
  while (1) {
    int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; i++) {
      struct end *end = events[i].data.ptr;
      if (end) {
        if (end->is_client && events[i].events & EPOLLIN) ask(end->pair);
        answer(end->pair);
        continue;
      }
      for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        struct pair *pair = calloc(1, sizeof *pair);
        pair->client = client;
        pair->upstream = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(pair->upstream, (struct sockaddr *)&origin, sizeof origin) < 0 || pipe2(pair->pipe, O_NONBLOCK) < 0) exit(1);
        fcntl(pair->pipe[1], F_SETPIPE_SZ, PIPE);
        nonblocking(pair->upstream);
        for (int is_client = 0; is_client < 2; is_client++) {
          struct end *end = calloc(1, sizeof *end);
          *end = (struct end){pair, is_client};
          int fd = is_client ? pair->client : pair->upstream;
          without_delay(fd);
          struct epoll_event event = {.events = EPOLLIN | EPOLLET | (is_client ? EPOLLOUT : 0), .data.ptr = end};
          epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
      }
    }
  }
}
