private import CTimer
import Reactor

/// Ends a loop's wait at an exact time.
///
/// A timerfd, because `epoll_wait` counts whole milliseconds, `epoll_pwait2` is as late as the
/// thread's timer slack (50 µs), and spinning would take from the origin, which shares the core,
/// the time that it answers in.
struct PreciseTimer: ~Copyable {
  let descriptor: Descriptor
  private var armed: Instant = 0

  init() throws(SystemError) {
    let number = ctimer_create()
    guard number >= 0 else { throw SystemError(call: "timerfd_create", errno: -number) }
    descriptor = Descriptor(owning: number)
  }

  /// Moves the end of the wait. Its event needs no reading: arming again starts anew.
  mutating func arm(at instant: Instant) throws(SystemError) {
    guard instant != armed else { return }
    let result = ctimer_arm(descriptor.number, max(instant, 1))
    guard result >= 0 else { throw SystemError(call: "timerfd_settime", errno: -result) }
    armed = instant
  }
}
