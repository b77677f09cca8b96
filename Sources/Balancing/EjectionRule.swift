public import Configuration

/// When failures of live traffic take a server out, for how long, and how many at once: numbers
/// and pure functions. Spans of time are in nanoseconds.
///
/// Failures count in a row: a success in between starts anew, so that a server that fails one
/// request in a hundred stays in however busy it is. When its time is over, one request at a
/// time tries the server: a success brings it back, a failure ejects it again for twice as long.
public struct EjectionRule: Equatable, Sendable {
  /// So many in a row within `window` eject.
  public var failures: Int
  /// From the first failure on.
  public var window: UInt64
  /// The first ejection's length; each one that follows closely is twice as long.
  public var duration: UInt64
  /// Never more than this share of a pool's servers is out.
  public var maxPercent: Int

  public init(failures: Int, window: UInt64, duration: UInt64, maxPercent: Int) {
    precondition(failures > 0 && maxPercent >= 0)
    self.failures = failures
    self.window = window
    self.duration = duration
    self.maxPercent = maxPercent
  }

  public init(_ settings: Ejection) {
    self.init(
      failures: settings.failures, window: nanoseconds(settings.window),
      duration: nanoseconds(settings.duration), maxPercent: settings.maxPercent)
  }

  /// How many times as long as the first an ejection gets.
  static var growthLimit: UInt64 { 8 }

  /// How long the `number`th ejection in a row lasts, from 1.
  public func duration(ofEjection number: UInt64) -> UInt64 {
    let factor = number > 4 ? EjectionRule.growthLimit : 1 << (max(number, 1) - 1)
    let (product, overflow) = duration.multipliedReportingOverflow(by: factor)
    return overflow ? .max / 2 : product
  }

  /// How many of `count` servers may be out at once; never all of them.
  public func limit(ofServers count: Int) -> Int {
    min(count * maxPercent / 100, count - 1)
  }

  /// Which one in a row an ejection is that begins at `now`: the first, unless the last one
  /// ended not longer ago than it would last again.
  func number(after previous: UInt64, endedAt end: UInt64, at now: UInt64) -> UInt64 {
    guard previous > 0 else { return 1 }
    let isRecent = now < end || now - end <= duration(ofEjection: previous)
    return isRecent ? previous + 1 : 1
  }
}

/// Whole nanoseconds, not below 0.
func nanoseconds(_ duration: Duration) -> UInt64 {
  let (seconds, attoseconds) = duration.components
  guard seconds >= 0, attoseconds >= 0 else { return 0 }
  let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
  return overflow ? .max / 2 : whole &+ UInt64(attoseconds / 1_000_000_000)
}
