// Stands between a program and libc (LD_PRELOAD) and makes directories look like shares of a
// slow network.
//
//   SHARES        directories, with colons between them
//   SHARE_DELAY   milliseconds that each call takes there
//   SHARE_CALLS   a file that gets a line for each call: the thread's name, the call, the path
//
// As long as DIRECTORY.hang exists, calls to that directory do not return.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#define SHARES 8
#define DESCRIPTORS 65536

static char shares[SHARES][PATH_MAX];
static int share_count;
static long delay;
static int calls = -1;
// The path of each open descriptor that belongs to a share. Only who opened it closes it.
static char *paths[DESCRIPTORS];

static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_sendfile)(int, int, off_t *, size_t);
static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_stat)(const char *, struct stat *);
static int (*real_fstat)(int, struct stat *);
static int (*real_fstatat)(int, const char *, struct stat *, int);
static int (*real_fstatfs)(int, struct statfs *);
static int (*real_close)(int);

static void begin(void) {
  real_pread = dlsym(RTLD_NEXT, "pread");
  real_sendfile = dlsym(RTLD_NEXT, "sendfile");
  real_open = dlsym(RTLD_NEXT, "open");
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_stat = dlsym(RTLD_NEXT, "stat");
  real_fstat = dlsym(RTLD_NEXT, "fstat");
  real_fstatat = dlsym(RTLD_NEXT, "fstatat");
  real_fstatfs = dlsym(RTLD_NEXT, "fstatfs");
  real_close = dlsym(RTLD_NEXT, "close");
  char list[SHARES * PATH_MAX] = "";
  if (getenv("SHARES")) snprintf(list, sizeof list, "%s", getenv("SHARES"));
  for (char *name = strtok(list, ":"); name && share_count < SHARES; name = strtok(NULL, ":"))
    snprintf(shares[share_count++], PATH_MAX, "%s", name);
  if (getenv("SHARE_DELAY")) delay = atol(getenv("SHARE_DELAY"));
  if (getenv("SHARE_CALLS"))
    calls = real_open(getenv("SHARE_CALLS"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

// Before anything else: other libraries make calls before it is our turn to be set up.
static void ready(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, begin);
}

static void rest(long milliseconds) {
  struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&t, &t) < 0 && errno == EINTR) {}
}

static const char *share_of(const char *path) {
  for (int i = 0; path && i < share_count; i++) {
    size_t length = strlen(shares[i]);
    if (!strncmp(path, shares[i], length) && (path[length] == '/' || !path[length]))
      return shares[i];
  }
  return NULL;
}

// Takes the time that a call takes on the share, if it goes to one.
static void travel(const char *call, const char *path) {
  ready();
  const char *share = share_of(path);
  if (!share) return;
  char thread[17] = "", line[PATH_MAX + 64], gate[PATH_MAX + 8];
  prctl(PR_GET_NAME, thread);
  int count = snprintf(line, sizeof line, "%s|%s|%s\n", thread, call, path);
  if (calls >= 0 && write(calls, line, count) < 0) abort();
  snprintf(gate, sizeof gate, "%s.hang", share);
  while (!access(gate, F_OK)) rest(2);
  if (delay) rest(delay);
}

static const char *path_of(int fd) { return fd >= 0 && fd < DESCRIPTORS ? paths[fd] : NULL; }

static int opened(int fd, const char *path) {
  if (fd >= 0 && fd < DESCRIPTORS && share_of(path)) paths[fd] = strdup(path);
  return fd;
}

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  travel("open", path);
  return opened(real_open(path, flags, mode), path);
}

int openat(int directory, const char *name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  char path[2 * PATH_MAX] = "";
  if (path_of(directory)) snprintf(path, sizeof path, "%s/%s", path_of(directory), name);
  travel("openat", path);
  return opened(real_openat(directory, name, flags, mode), path);
}

int stat(const char *path, struct stat *status) {
  travel("stat", path);
  return real_stat(path, status);
}

int fstat(int fd, struct stat *status) {
  travel("fstat", path_of(fd));
  return real_fstat(fd, status);
}

int fstatat(int directory, const char *name, struct stat *status, int flags) {
  travel("fstatat", path_of(directory));
  return real_fstatat(directory, name, status, flags);
}

int fstatfs(int fd, struct statfs *status) {
  travel("fstatfs", path_of(fd));
  int result = real_fstatfs(fd, status);
  if (path_of(fd)) status->f_type = NFS_SUPER_MAGIC;
  return result;
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at) {
  travel("pread", path_of(fd));
  return real_pread(fd, bytes, count, at);
}

ssize_t sendfile(int socket, int fd, off_t *at, size_t count) {
  travel("sendfile", path_of(fd));
  return real_sendfile(socket, fd, at, count);
}

int close(int fd) {
  ready();
  if (path_of(fd)) {
    travel("close", paths[fd]);
    free(paths[fd]);
    paths[fd] = NULL;
  }
  return real_close(fd);
}
