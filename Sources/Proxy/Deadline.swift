import Reactor

/// One connection's next deadline and its place in the timer wheel.
///
/// Deadlines mostly move away: then only the number here changes, and the wheel is asked to
/// look again when the old one passes. So a request costs the wheel nothing.
struct Deadline {
  private var timer: TimerWheel.ID = 0
  private var scheduled: Instant = .max
  private(set) var instant: Instant = .max

  mutating func set(_ instant: Instant, token: Token, _ wheel: inout TimerWheel) {
    self.instant = instant
    guard instant < scheduled else { return }
    scheduled = instant
    if timer == 0 {
      timer = wheel.schedule(token, at: instant)
    } else {
      wheel.reschedule(timer, at: instant)
    }
  }

  /// No deadline until the next is set.
  mutating func clear() { instant = .max }

  /// What the wheel told has come: true when the deadline has passed, false when it has moved
  /// away and the wheel is to look again.
  mutating func hasPassed(now: Instant, token: Token, _ wheel: inout TimerWheel) -> Bool {
    timer = 0
    scheduled = .max
    if instant <= now { return true }
    if instant != .max { set(instant, token: token, &wheel) }
    return false
  }

  /// Leaves the wheel: nothing will be told of this connection any more.
  mutating func cancel(_ wheel: inout TimerWheel) {
    if timer != 0 { wheel.cancel(timer) }
    timer = 0
    scheduled = .max
    instant = .max
  }
}
