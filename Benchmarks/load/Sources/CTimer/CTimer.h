// The kernel's timers as descriptors: each call answers a descriptor, 0, or -errno.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

static inline int ctimer_create(void) {
  int n = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return n < 0 ? -errno : n;
}

/// @param at nanoseconds of the monotonic clock, not 0; a time that has passed fires at once.
static inline int ctimer_arm(int fd, uint64_t at) {
  struct itimerspec when = {{0, 0}, {(time_t)(at / 1000000000u), (long)(at % 1000000000u)}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) < 0 ? -errno : 0;
}
