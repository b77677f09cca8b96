// What the operating side asks of the kernel: files read and written whole, and facts about
// the process. Answers as in CLinux.h.
#pragma once
#include "CLinux.h"
#include <dirent.h>
#include <sys/syscall.h>

static inline int clinux_open_to_read(const char *path) {
  int n;
  do n = open(path, O_RDONLY | O_CLOEXEC);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/// The same of what may be anything: a pipe without a writer does not hold up who asks.
static inline int clinux_open_at_once(const char *path) {
  int n;
  do n = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static inline int clinux_open_to_append(const char *path) {
  int n;
  do n = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static inline int clinux_open_to_write(const char *path, int mode) {
  int n;
  do n = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, mode);
  while (n < 0 && errno == EINTR);
  // A file that was there before keeps its own mode.
  if (n >= 0) (void)fchmod(n, (mode_t)mode);
  return n < 0 ? -errno : n;
}

static inline int clinux_duplicate(int fd) {
  int n = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return n < 0 ? -errno : n;
}

/// How many entries a directory has, itself and its parent not counted.
static inline int clinux_count_entries(const char *path) {
  DIR *directory = opendir(path);
  if (!directory) return -errno;
  int count = 0;
  while (readdir(directory)) count++;
  closedir(directory);
  return count > 2 ? count - 2 : 0;
}

/// How many processors the scheduler may run this process on.
static inline int clinux_processor_count(void) {
  static const int limit = 65536;
  uint64_t *mask = (uint64_t *)calloc(limit / 64, sizeof *mask);
  if (!mask) return -ENOMEM;
  // The system call itself, for glibc's needs _GNU_SOURCE; it answers the bytes it has written.
  long bytes = syscall(SYS_sched_getaffinity, 0, limit / 8, mask);
  int error = errno;
  int count = 0;
  for (int i = 0; i < limit / 64; i++) count += __builtin_popcountll(mask[i]);
  free(mask);
  return bytes < 0 ? -error : count;
}

/// Nanoseconds of processor time that all threads of the process have used.
static inline uint64_t clinux_processor_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline long clinux_page_size(void) { return sysconf(_SC_PAGESIZE); }

/// Waits until `fd` takes bytes, for at most so many milliseconds, -1 without end; 0 if it does
/// not by then. Files always do.
static inline int clinux_wait_writable(int fd, int milliseconds) {
  struct pollfd p = {fd, POLLOUT, 0};
  int n;
  do n = poll(&p, 1, milliseconds);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/// What a path leads to: 0 nothing, 1 a directory, 2 a file, 3 something else, 4 a symbolic link
/// that leads to nothing.
static inline int clinux_path_kind(const char *path) {
  struct stat s;
  if (stat(path, &s) < 0) return lstat(path, &s) == 0 && S_ISLNK(s.st_mode) ? 4 : 0;
  return S_ISDIR(s.st_mode) ? 1 : S_ISREG(s.st_mode) ? 2 : 3;
}

/// What a symbolic link says, not ended by a NUL; its length, which `capacity` bounds.
static inline ssize_t clinux_read_link(const char *path, void *text, size_t capacity) {
  ssize_t n = readlink(path, (char *)text, capacity);
  return n < 0 ? -errno : n;
}

/// The names of what is in a directory, itself and its parent, too, each ended by a NUL; how many
/// bytes they take, or -ERANGE if that is more than `capacity`.
static inline ssize_t clinux_list_names(const char *path, void *names, size_t capacity) {
  DIR *directory = opendir(path);
  if (!directory) return -errno;
  size_t used = 0;
  struct dirent *entry;
  errno = 0;
  while ((entry = readdir(directory))) {
    size_t length = strlen(entry->d_name) + 1;
    if (length > capacity - used) {
      errno = ERANGE;
      break;
    }
    memcpy((char *)names + used, entry->d_name, length);
    used += length;
  }
  int error = errno;
  closedir(directory);
  return error ? -error : (ssize_t)used;
}
