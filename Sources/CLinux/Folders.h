// Folders and small files, for what is set up once. Each answers 0 or -errno.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/// Makes a folder under a name that nobody has yet: the XXXXXX at the end of `path` become it.
static inline int clinux_make_unique_folder(char *path) { return mkdtemp(path) ? 0 : -errno; }

static inline int clinux_make_folder(const char *path) {
  return mkdir(path, 0755) < 0 ? -errno : 0;
}

/// A new file that all may read and its owner may write.
static inline int clinux_create_file(const char *path) {
  int n = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  return n < 0 ? -errno : n;
}

static inline int clinux_remove_file(const char *path) { return unlink(path) < 0 ? -errno : 0; }

static inline int clinux_remove_folder(const char *path) { return rmdir(path) < 0 ? -errno : 0; }
