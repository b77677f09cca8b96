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
#include <linux/magic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
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
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// GNU: hidden by glibc's headers without _GNU_SOURCE (see above).
extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int ends[2], int flags);
extern ssize_t splice(int from, int64_t *from_at, int to, int64_t *to_at, size_t count,
                      unsigned flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern long syscall(long number, ...);
extern int mkostemp(char *path, int flags);
extern const char *strerrorname_np(int error);
extern const char *strerrordesc_np(int error);
#ifndef O_TMPFILE
#define O_TMPFILE (020000000 | O_DIRECTORY)
#endif

#define CLINUX_F_SETPIPE_SZ 1031
#define CLINUX_F_GETPIPE_SZ 1032
#define CLINUX_SPLICE_F_NONBLOCK 2
#define CLINUX_SCHED_IDLE 5

#define CLINUX_RETRY(call)                                                                      \
  do {                                                                                          \
    n = (call);                                                                                 \
  } while (n < 0 && errno == EINTR);                                                            \
  return n < 0 ? -errno : n

// The calls of every request go past glibc's wrappers: these make each call a point where a thread
// may be cancelled, which costs more instructions than all the rest of them, and nobody cancels
// threads here.
#define CLINUX_CALL(name, ...) syscall(SYS_##name, __VA_ARGS__)

// MARK: sockets

/// An address as Swift holds it: the 16 bytes of IPv6 as two big-endian numbers, IPv4 in the
/// last four bytes of `low`.
typedef struct {
  uint64_t high;
  uint64_t low;
  uint32_t scope;
  uint16_t port;
  uint8_t is_v6;
} clinux_address;

static inline socklen_t clinux_to_sockaddr(clinux_address a, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (a.is_v6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    uint64_t parts[2] = {__builtin_bswap64(a.high), __builtin_bswap64(a.low)};
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(a.port);
    v6->sin6_scope_id = a.scope;
    memcpy(&v6->sin6_addr, parts, 16);
    return sizeof *v6;
  }
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  v4->sin_family = AF_INET;
  v4->sin_port = htons(a.port);
  v4->sin_addr.s_addr = htonl((uint32_t)a.low);
  return sizeof *v4;
}

static inline clinux_address clinux_from_sockaddr(const struct sockaddr_storage *in) {
  clinux_address a = {0, 0, 0, 0, 0};
  if (in->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;
    uint64_t parts[2];
    memcpy(parts, &v6->sin6_addr, 16);
    a.high = __builtin_bswap64(parts[0]);
    a.low = __builtin_bswap64(parts[1]);
    a.scope = v6->sin6_scope_id;
    a.port = ntohs(v6->sin6_port);
    a.is_v6 = 1;
  } else if (in->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
    a.low = ntohl(v4->sin_addr.s_addr);
    a.port = ntohs(v4->sin_port);
  }
  return a;
}

static inline int clinux_stream_socket(int is_v6, int is_blocking) {
  int flags = SOCK_STREAM | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK);
  int n = socket(is_v6 ? AF_INET6 : AF_INET, flags, 0);
  return n < 0 ? -errno : n;
}

static inline int clinux_bind(int fd, clinux_address address) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr(address, &storage);
  return bind(fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static inline int clinux_connect(int fd, clinux_address address) {
  struct sockaddr_storage storage;
  socklen_t length = clinux_to_sockaddr(address, &storage);
  return connect(fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static inline int clinux_listen(int fd, int backlog) {
  return listen(fd, backlog) < 0 ? -errno : 0;
}

static inline int clinux_accept(int fd, int is_blocking, clinux_address *peer) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  storage.ss_family = AF_UNSPEC;
  int n;
  do {
    n = accept4(fd, (struct sockaddr *)&storage, &length,
                SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  *peer = clinux_from_sockaddr(&storage);
  return n;
}

static inline int clinux_local_address(int fd, clinux_address *local) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
  *local = clinux_from_sockaddr(&storage);
  return 0;
}

static inline int clinux_set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static inline int clinux_set_timeout(int fd, int name, int64_t milliseconds) {
  struct timeval t = {milliseconds / 1000, (milliseconds % 1000) * 1000};
  return setsockopt(fd, SOL_SOCKET, name, &t, sizeof t) < 0 ? -errno : 0;
}

/// The error that waits on a socket, 0 if none, or -errno if that cannot be told.
static inline int clinux_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
  return error;
}

static inline int clinux_reset_on_close(int fd) {
  struct linger linger = {1, 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0 ? -errno : 0;
}

static inline ssize_t clinux_recv(int fd, void *bytes, size_t count) {
  ssize_t n;
  CLINUX_RETRY(CLINUX_CALL(recvfrom, fd, bytes, count, 0, NULL, NULL));
}

static inline ssize_t clinux_peek(int fd, void *bytes, size_t count) {
  ssize_t n;
  CLINUX_RETRY(recv(fd, bytes, count, MSG_PEEK | MSG_DONTWAIT));
}

static inline ssize_t clinux_send(int fd, const void *bytes, size_t count, int more) {
  ssize_t n;
  CLINUX_RETRY(
      CLINUX_CALL(sendto, fd, bytes, count, MSG_NOSIGNAL | (more ? MSG_MORE : 0), NULL, 0));
}

/// Two pieces in one call: a head and the body that stands elsewhere.
static inline ssize_t clinux_send_pair(int fd, const void *first, size_t first_count,
                                       const void *second, size_t second_count, int more) {
  struct iovec pieces[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
  struct msghdr message = {0};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  ssize_t n;
  CLINUX_RETRY(CLINUX_CALL(sendmsg, fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

static inline int clinux_shutdown(int fd, int how) { return shutdown(fd, how) < 0 ? -errno : 0; }

// Linux frees the number even on EINTR: never close again.
static inline int clinux_close(int fd) { return close(fd) < 0 ? -errno : 0; }

static inline ssize_t clinux_sendfile(int socket, int file, int64_t offset, size_t count) {
  off_t at = offset;
  ssize_t n;
  CLINUX_RETRY(sendfile(socket, file, &at, count));
}

// MARK: pipes

typedef struct {
  int entrance, exit;
} clinux_pipe_ends;

/// Opens a pipe that never blocks and asks for room for `size` bytes; answers what it has got.
static inline int clinux_pipe(clinux_pipe_ends *out, int size) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  *out = (clinux_pipe_ends){.entrance = ends[1], .exit = ends[0]};
  // A user who has many pipes already gets no larger ones, and in the end smaller ones.
  int n = fcntl(ends[1], CLINUX_F_SETPIPE_SZ, size);
  if (n < 0) n = fcntl(ends[1], CLINUX_F_GETPIPE_SZ);
  return n < 0 ? 0 : n;
}

/// Moves bytes between a socket and a pipe, one of which `from` is.
static inline ssize_t clinux_splice(int from, int to, size_t count) {
  ssize_t n;
  CLINUX_RETRY(splice(from, NULL, to, NULL, count, CLINUX_SPLICE_F_NONBLOCK));
}

// MARK: epoll

static inline int clinux_epoll_create(void) {
  int n = epoll_create1(EPOLL_CLOEXEC);
  return n < 0 ? -errno : n;
}

static inline int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events,
                                       uint64_t token) {
  struct epoll_event event;
  event.events = events;
  event.data.u64 = token;
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

// EINTR is an answer here: the caller's turn goes on with no events.
static inline int clinux_epoll_wait(int epoll, struct epoll_event *events, int count,
                                    int milliseconds) {
  int n = epoll_wait(epoll, events, count, milliseconds);
  return n < 0 ? -errno : n;
}

static inline int clinux_eventfd(void) {
  int n = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return n < 0 ? -errno : n;
}

static inline int64_t clinux_read(int fd, void *bytes, size_t count) {
  ssize_t n;
  CLINUX_RETRY(read(fd, bytes, count));
}

static inline int64_t clinux_write(int fd, const void *bytes, size_t count) {
  ssize_t n;
  CLINUX_RETRY(write(fd, bytes, count));
}

// MARK: time, randomness, threads, signals

static inline uint64_t clinux_monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clinux_realtime(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int clinux_random(void *bytes, size_t count) {
  ssize_t n;
  CLINUX_RETRY(getrandom(bytes, count, 0));
}

static inline int clinux_error_text(int error, char *text, size_t size) {
  const char *words = strerrordesc_np(error);
  if (!words) words = "unknown error";
  size_t length = strnlen(words, size);
  memcpy(text, words, length);
  return (int)length;
}

static inline int clinux_error_name(int error, char *text, size_t size) {
  const char *words = strerrorname_np(error);
  if (!words) words = "?";
  size_t length = strnlen(words, size);
  memcpy(text, words, length);
  return (int)length;
}

/// The thread takes no signals but those of its own faults: they are for the thread that reads
/// them, even if it has not begun to.
static inline int clinux_thread_start(void *(*body)(void *), void *argument) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
  sigset_t others, before;
  sigfillset(&others);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&others, faults[i]);
  pthread_sigmask(SIG_SETMASK, &others, &before);
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  int error = pthread_create(&thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, 0);
  return -error;
}

static inline void clinux_thread_name(const char *name) {
  pthread_setname_np(pthread_self(), name);
}

/// The calling thread runs when no other wants to.
static inline void clinux_thread_stand_back(void) {
  struct sched_param none = {0};
  pthread_setschedparam(pthread_self(), CLINUX_SCHED_IDLE, &none);
}

/// A condition whose deadlines are of the monotonic clock.
static inline void clinux_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

/// False when the deadline has passed.
static inline bool clinux_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                                         uint64_t deadline) {
  struct timespec t = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
  return pthread_cond_timedwait(condition, lock, &t) != ETIMEDOUT;
}

/// Blocks the signals in this thread and in all that it starts, and offers them as a descriptor.
static inline int clinux_signalfd(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int error = pthread_sigmask(SIG_BLOCK, &set, 0);
  if (error) return -error;
  int n = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return n < 0 ? -errno : n;
}

static inline int clinux_next_signal(int fd) {
  struct signalfd_siginfo info;
  ssize_t n;
  do n = read(fd, &info, sizeof info);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  return n == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static inline int clinux_ignore_signal(int number) {
  return signal(number, SIG_IGN) == SIG_ERR ? -errno : 0;
}

static inline void clinux_reap_children(void) {
  while (waitpid(-1, 0, WNOHANG) > 0) {}
}

static inline int clinux_raise_descriptor_limit(uint64_t *limit) {
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r) < 0) return -errno;
  r.rlim_cur = r.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &r) < 0) return -errno;
  *limit = r.rlim_cur;
  return 0;
}

// MARK: spill files

/// A file in `directory` that has no name from the start, or loses it at once where the file
/// system knows no nameless files.
static inline int clinux_nameless_file(const char *directory) {
  int n = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (n >= 0) return n;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return -errno;
  char path[4096];
  size_t length = strnlen(directory, sizeof path);
  static const char name[] = "/martlet.XXXXXX";
  if (length + sizeof name > sizeof path) return -ENAMETOOLONG;
  memcpy(path, directory, length);
  memcpy(path + length, name, sizeof name);
  n = mkostemp(path, O_CLOEXEC);
  if (n < 0) return -errno;
  unlink(path);
  return n;
}

static inline ssize_t clinux_pwrite(int fd, const void *bytes, size_t count, int64_t offset) {
  ssize_t n;
  CLINUX_RETRY(pwrite(fd, bytes, count, offset));
}

static inline ssize_t clinux_pread(int fd, void *bytes, size_t count, int64_t offset) {
  ssize_t n;
  CLINUX_RETRY(pread(fd, bytes, count, offset));
}

// MARK: files

#ifndef O_PATH  // GNU: see above
#define O_PATH 010000000
#endif

/// What a file server wants to know of a file.
typedef struct {
  uint64_t device;
  uint64_t inode;
  int64_t size;
  int64_t modified_seconds;
  int64_t changed_seconds;
  uint32_t modified_nanoseconds;
  uint32_t changed_nanoseconds;
  int is_regular;
} clinux_file_status;

static inline clinux_file_status clinux_to_file_status(const struct stat *s) {
  clinux_file_status status = {s->st_dev,
                               s->st_ino,
                               s->st_size,
                               s->st_mtim.tv_sec,
                               s->st_ctim.tv_sec,
                               (uint32_t)s->st_mtim.tv_nsec,
                               (uint32_t)s->st_ctim.tv_nsec,
                               S_ISREG(s->st_mode)};
  return status;
}

/// What stands at a path, symbolic links followed.
static inline int clinux_file_status_at(const char *path, clinux_file_status *status) {
  struct stat s;
  int n;
  do n = stat(path, &s);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  *status = clinux_to_file_status(&s);
  return 0;
}

/// What stands under a name in a directory; a symbolic link is itself.
static inline int clinux_file_status_in(int directory, const char *name,
                                        clinux_file_status *status) {
  struct stat s;
  int n;
  do n = fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  *status = clinux_to_file_status(&s);
  return 0;
}

static inline int clinux_file_status_of(int file, clinux_file_status *status) {
  struct stat s;
  if (fstat(file, &s) < 0) return -errno;
  *status = clinux_to_file_status(&s);
  return 0;
}

// O_NONBLOCK: opening a FIFO that nobody writes to would wait for a writer.
#define CLINUX_READ_FILE (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static inline int clinux_open_file(const char *path) {
  int n;
  CLINUX_RETRY(open(path, CLINUX_READ_FILE));
}

/// Fails with ELOOP where the name is a symbolic link.
static inline int clinux_open_file_in(int directory, const char *name) {
  int n;
  CLINUX_RETRY(openat(directory, name, CLINUX_READ_FILE | O_NOFOLLOW));
}

/// A directory to look names up in, which takes no right to list it.
static inline int clinux_open_directory(const char *path) {
  int n;
  CLINUX_RETRY(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/// Fails with ENOTDIR where the name is a symbolic link.
static inline int clinux_open_directory_in(int directory, const char *name) {
  int n;
  CLINUX_RETRY(openat(directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

// Not in linux/magic.h, or not in old ones: the file systems' own.
#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#define CLINUX_GPFS_MAGIC 0x47504653
#define CLINUX_LUSTRE_MAGIC 0x0bd00bd0

/// Whether a file lies on a file system that asks somebody else, who may be far or silent: of
/// another machine, of the host, or of a process. One that cannot be told counts as such.
static inline bool clinux_is_remote(int file) {
  struct statfs s;
  int n;
  do n = fstatfs(file, &s);
  while (n < 0 && errno == EINTR);
  if (n < 0) return true;
  switch ((uint32_t)s.f_type) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:  // virtiofs as well
    case V9FS_MAGIC:
    case CEPH_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case CODA_SUPER_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case CLINUX_GPFS_MAGIC:
    case CLINUX_LUSTRE_MAGIC:
      return true;
    default:
      return false;
  }
}
