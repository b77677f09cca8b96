// The kernel's calls as Swift can use them: each answers a count or -errno, for Swift cannot
// import `errno` and its runtime may overwrite it before anyone looks. EINTR is retried here,
// in one place, except where Linux says the work is done all the same (close) or where the
// caller wants to wake up (epoll_wait).
//
// _GNU_SOURCE stays undefined: with it glibc's headers differ from those that Swift's own Glibc
// module was made from, and a module that imports both this one and Synchronization does not
// compile. The few GNU calls are declared here instead.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// GNU: hidden by glibc's headers without _GNU_SOURCE (see above).
extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int ends[2], int flags);
extern ssize_t splice(int from, int64_t *from_at, int to, int64_t *to_at, size_t count, unsigned flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
