// The floor for small files: one recv, one send of an answer that is ready in memory.
//
// A yardstick like relay.c. It reads a request as "some bytes came".
//
// usage: sender LISTEN_ADDRESS LISTEN_PORT FILE
#define _GNU_SOURCE
#include "common.h"

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  FILE *file = fopen(argv[3], "rb");
  if (!file) return 66;
  static char body[1 << 20], reply[(1 << 20) + 512], buffer[64 * 1024];
  size_t size = fread(body, 1, sizeof body, file);
  // The same fields that a file server sends.
  int head = snprintf(
      reply, 512,
      "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/css\r\n"
      "Content-Length: %zu\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
      "ETag: \"65920080-1000\"\r\nAccept-Ranges: bytes\r\n\r\n",
      size);
  memcpy(reply + head, body, size);
  size_t length = head + size;

  int listener = listening(argv[1], argv[2]);
  int epoll = epoll_create1(0);
  watch_number(epoll, listener, EPOLLIN);
  struct epoll_event events[512];
  while (1) {
    int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          without_delay(client);
          watch_number(epoll, client, EPOLLIN | EPOLLET);
        }
        continue;
      }
      ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0 || send(fd, reply, length, MSG_NOSIGNAL) != (ssize_t)length) close(fd);
    }
  }
}
