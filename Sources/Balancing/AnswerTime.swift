/// How long a server takes from being asked to the first byte of its answer: a moving average that
/// takes peaks at once (Finagle: "peak EWMA"), in one word, so that workers share it as an atomic.
///
/// An answer that took longer than the average becomes the average. One that was faster draws it
/// down as the time since the last change weighs: by half in each `halfLife`. While no answers
/// come it fades as if they took no time, so that a server that was slow is asked again.
struct AnswerTime: Equatable, Sendable {
  enum Estimate: Equatable, Sendable {
    case unknown
    /// Not 0 unless it has faded away.
    case microseconds(UInt32)
  }

  /// In milliseconds: 5 s. Long enough that a server with a second's pause gets less for a while;
  /// short enough that one a hundred times as slow as the others is tried anew in half a minute.
  static var halfLife: UInt32 { 5000 }

  /// Microseconds, up to 71 minutes; above them the millisecond of the last change, which may
  /// wrap around. 0 while nothing is known.
  let bits: UInt64

  init(bits: UInt64 = 0) { self.bits = bits }

  private init(microseconds: UInt32, at moment: UInt32) {
    bits = UInt64(moment) << 32 | UInt64(microseconds)
  }

  private var microseconds: UInt32 { UInt32(truncatingIfNeeded: bits) }

  func estimate(at now: UInt64) -> Estimate {
    guard microseconds > 0 else { return .unknown }
    return .microseconds(AnswerTime.faded(microseconds, over: elapsed(at: now)))
  }

  /// The average with one answer more; times are in nanoseconds.
  func adding(_ time: UInt64, at now: UInt64) -> AnswerTime {
    let sample = UInt32(clamping: max(time / 1000, 1))
    guard sample < microseconds else {
      return AnswerTime(microseconds: sample, at: AnswerTime.moment(now))
    }
    let elapsed = elapsed(at: now)
    let average =
      AnswerTime.faded(microseconds, over: elapsed)
      + (sample - AnswerTime.faded(sample, over: elapsed))
    // Less than a microsecond is left to add up until it shows: as long as nothing changes, the
    // last change stays where it was.
    guard average < microseconds else { return self }
    return AnswerTime(microseconds: average, at: AnswerTime.moment(now))
  }

  private static func moment(_ now: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: now / 1_000_000)
  }

  /// Milliseconds since the last change; 0 for a worker whose clock is behind the one that made it.
  private func elapsed(at now: UInt64) -> UInt32 {
    let span = AnswerTime.moment(now) &- UInt32(truncatingIfNeeded: bits >> 32)
    return UInt32(max(Int32(truncatingIfNeeded: span), 0))
  }

  /// Half of it after each half-life; in between the line from one to the next.
  private static func faded(_ value: UInt32, over elapsed: UInt32) -> UInt32 {
    let halvings = elapsed / halfLife
    guard halvings < 32 else { return 0 }
    let whole = UInt64(value >> halvings)
    return UInt32(whole - whole * UInt64(elapsed % halfLife) / UInt64(2 * halfLife))
  }
}
