// The floor for large files: a recv, a send of the head, and sendfile until all has gone.
//
// A yardstick like relay.c. It reads a request as "some bytes came".
//
// usage: sendfile LISTEN_ADDRESS LISTEN_PORT FILE
#define _GNU_SOURCE
#include "common.h"
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

struct client {
  int fd;
  // Of the file, what still has to go.
  off_t place;
};

static int file;
static off_t size;
static char head[512], buffer[64 * 1024];

static void drop(struct client *client) {
  close(client->fd);
  free(client);
}

// Until all has gone, or the client takes no more: that it does again is an edge. 0 when it is gone.
static int send_rest(struct client *client) {
  while (client->place < size) {
    ssize_t sent = sendfile(client->fd, file, &client->place, size - client->place);
    if (sent > 0) continue;
    return errno == EAGAIN;
  }
  return 1;
}

static int serve(struct client *client, unsigned events) {
  if (client->place < size) return send_rest(client);
  if (!(events & EPOLLIN)) return 1;
  ssize_t got = recv(client->fd, buffer, sizeof buffer, 0);
  if (got < 0) return errno == EAGAIN;
  ssize_t length = strlen(head);
  if (got == 0 || send(client->fd, head, length, MSG_NOSIGNAL | MSG_MORE) != length) return 0;
  client->place = 0;
  return send_rest(client);
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  struct stat about;
  file = open(argv[3], O_RDONLY);
  if (file < 0 || fstat(file, &about) < 0) return 66;
  size = about.st_size;
  // The same fields that a file server sends.
  snprintf(
      head, sizeof head,
      "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/javascript\r\n"
      "Content-Length: %lld\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
      "ETag: \"65920080-100000\"\r\nAccept-Ranges: bytes\r\n\r\n",
      (long long)size);

  // Neither call can be told not to raise it.
  signal(SIGPIPE, SIG_IGN);
  int listener = listening(argv[1], argv[2]);
  int epoll = epoll_create1(0);
  watch(epoll, listener, NULL);
  struct epoll_event events[512];
  while (1) {
    int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; i++) {
      struct client *client = events[i].data.ptr;
      if (client) {
        if (!serve(client, events[i].events)) drop(client);
        continue;
      }
      for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        without_delay(fd);
        client = calloc(1, sizeof *client);
        *client = (struct client){.fd = fd, .place = size};
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}
