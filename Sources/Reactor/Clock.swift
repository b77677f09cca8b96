private import CLinux

/// A point on the clock that never goes back: nanoseconds since some start.
public typealias Instant = UInt64

/// The time as one turn of a loop sees it: read once, so that everything in a turn agrees.
public struct Clock: Sendable {
  /// Monotonic, for deadlines and durations.
  public var now: Instant
  /// Since 1970 in UTC, for what people and other machines read.
  public var wall: UInt64

  public init(now: Instant, wall: UInt64) {
    self.now = now
    self.wall = wall
  }

  /// What the kernel's clocks say.
  public static func read() -> Clock {
    Clock(now: clinux_monotonic(), wall: clinux_realtime())
  }
}

extension Duration {
  /// Whole nanoseconds, at least 0 and at most what 64 bits hold.
  public var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : whole &+ UInt64(attoseconds / 1_000_000_000)
  }
}
