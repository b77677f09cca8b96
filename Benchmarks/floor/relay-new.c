// The floor for a new connection per request: accept, recv, send, recv, send, close.
//
// A yardstick like relay.c. Connections to the origin stay and are used again, as a proxy's are, so
// it asks the origin for the same thing in its own words, and tells the client that the connection
// ends. It reads a request, and an answer, as "some bytes came".
//
// usage: relay-new LISTEN_ADDRESS LISTEN_PORT ORIGIN_ADDRESS ORIGIN_PORT
#define _GNU_SOURCE
#include "common.h"

struct upstream {
  int fd;
  // Who waits for its answer; -1 while it is idle.
  int client;
  struct upstream *next;
};

static const char request[] = "GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char ending[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
static struct upstream *idle;
static char buffer[64 * 1024];

static struct upstream *upstream(int epoll, const struct sockaddr_in *origin) {
  struct upstream *one = idle;
  if (one) {
    idle = one->next;
    return one;
  }
  one = calloc(1, sizeof *one);
  one->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(one->fd, (struct sockaddr *)origin, sizeof *origin) < 0) exit(1);
  nonblocking(one->fd);
  without_delay(one->fd);
  watch(epoll, one->fd, one);
  return one;
}

static void answer(struct upstream *from) {
  ssize_t count = recv(from->fd, buffer, sizeof buffer, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0 || from->client < 0) exit(1);
  // Its status line is replaced by ours, which has a field more.
  char *fields = memchr(buffer, '\n', count);
  if (!fields++) exit(1);
  static char reply[sizeof ending + sizeof buffer];
  size_t rest = buffer + count - fields;
  memcpy(reply, ending, sizeof ending - 1);
  memcpy(reply + sizeof ending - 1, fields, rest);
  send(from->client, reply, sizeof ending - 1 + rest, MSG_NOSIGNAL);
  close(from->client);
  from->client = -1;
  from->next = idle;
  idle = from;
}

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  struct sockaddr_in origin = address(argv[3], argv[4]);
  int listener = listening(argv[1], argv[2]);
  // A connection is accepted when its request has come.
  int seconds = 10;
  setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
  int epoll = epoll_create1(0);
  watch(epoll, listener, NULL);
  struct epoll_event events[512];
  while (1) {
    int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr) {
        answer(events[i].data.ptr);
        continue;
      }
      for (int client; (client = accept4(listener, NULL, NULL, 0)) >= 0;) {
        // Here already: see TCP_DEFER_ACCEPT.
        if (recv(client, buffer, sizeof buffer, 0) <= 0) {
          close(client);
          continue;
        }
        struct upstream *to = upstream(epoll, &origin);
        to->client = client;
        send(to->fd, request, sizeof request - 1, MSG_NOSIGNAL);
      }
    }
  }
}
