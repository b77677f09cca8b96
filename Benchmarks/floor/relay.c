// The floor for proxied exchanges: bytes from one socket to another, and nothing else.
//
// A yardstick, not a part of Martlet, and in C so that nobody asks what the language costs. For
// each exchange it does what no epoll proxy can leave out: recv, send, recv, send, and a shared
// epoll_wait. It parses nothing, so each client has an upstream connection of its own.
//
// usage: relay LISTEN_ADDRESS LISTEN_PORT ORIGIN_ADDRESS ORIGIN_PORT
#define _GNU_SOURCE
#include "common.h"

struct end {
  int fd;
  struct end *other;
};

static char buffer[256 * 1024];

static void drop(struct end *end) {
  struct end *other = end->other;
  close(end->fd);
  close(other->fd);
  // The other end's events of this batch must find nothing: freed after the batch.
  end->fd = other->fd = -1;
}

static void relay(struct end *from) {
  while (from->fd >= 0) {
    ssize_t count = recv(from->fd, buffer, sizeof buffer, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return drop(from);
    if (count < 0) return;
    for (ssize_t done = 0; done < count;) {
      ssize_t sent = send(from->other->fd, buffer + done, count - done, MSG_NOSIGNAL);
      if (sent > 0) {
        done += sent;
      } else if (errno == EAGAIN) {
        struct pollfd room = {.fd = from->other->fd, .events = POLLOUT};
        poll(&room, 1, -1);
      } else {
        return drop(from);
      }
    }
    // A short read means that there is no more: the next arrival is a new edge.
    if (count < (ssize_t)sizeof buffer) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  struct sockaddr_in origin = address(argv[3], argv[4]);
  int listener = listening(argv[1], argv[2]);
  int epoll = epoll_create1(0);
  struct epoll_event entry = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &entry);
  struct epoll_event events[512];
  while (1) {
    int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr) {
        relay(events[i].data.ptr);
        continue;
      }
      for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int upstream = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(upstream, (struct sockaddr *)&origin, sizeof origin) < 0) {
          close(client);
          close(upstream);
          continue;
        }
        nonblocking(upstream);
        struct end *pair = calloc(2, sizeof *pair);
        for (int side = 0; side < 2; side++) {
          pair[side] = (struct end){.fd = side ? upstream : client, .other = &pair[!side]};
          without_delay(pair[side].fd);
          watch(epoll, pair[side].fd, &pair[side]);
        }
      }
    }
  }
}
