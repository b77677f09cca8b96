/// Deadlines in buckets of one tick each (hashed timing wheel, Varghese and Lauck, scheme 6).
///
/// A timer belongs to whoever holds its number and carries a token that says what to look at
/// when it fires. To move a deadline further away, its owner keeps the new one to itself and
/// asks for it when the timer fires: no work for each request, one for each expiry.
public struct TimerWheel: ~Copyable {
  /// Names a timer. 0 is no timer.
  public typealias ID = UInt32

  private struct Timer {
    var token: Token
    var deadline: UInt64  // in ticks; 0 marks a free entry
    var next: UInt32
    var previous: UInt32
  }

  /// Nanoseconds in a tick: how much later than its deadline a timer may fire.
  public let tick: UInt64
  private let mask: UInt64
  private var heads: [UInt32]
  private var timers: [Timer] = [
    Timer(token: Token(rawValue: 0), deadline: 0, next: 0, previous: 0)
  ]
  private var firstFree: UInt32 = 0
  /// All ticks up to this one have been looked at.
  private var current: UInt64
  /// No timer has a deadline before this tick: what has been looked at is not looked at again in
  /// every turn.
  private var quietUntil: UInt64 = 0
  public private(set) var count = 0

  /// - Parameters:
  ///   - tick: in nanoseconds.
  ///   - buckets: a power of two; deadlines further away than `tick * buckets` wait in their
  ///     bucket for more than one round.
  public init(now: Instant, tick: UInt64 = 20_000_000, buckets: Int = 4096) {
    precondition(tick > 0 && buckets > 0 && buckets & (buckets - 1) == 0)
    self.tick = tick
    mask = UInt64(buckets - 1)
    heads = Array(repeating: 0, count: buckets)
    current = now / tick
  }

  /// Arms a timer; it fires at the first turn at or after `deadline`, at most a tick late.
  public mutating func schedule(_ token: Token, at deadline: Instant) -> ID {
    var id = firstFree
    if id == 0 {
      id = UInt32(timers.count)
      timers.append(Timer(token: token, deadline: 0, next: 0, previous: 0))
    } else {
      firstFree = timers[Int(id)].next
    }
    timers[Int(id)].token = token
    link(id, deadline)
    count += 1
    return id
  }

  /// Moves an armed timer.
  public mutating func reschedule(_ id: ID, at deadline: Instant) {
    precondition(timers[Int(id)].deadline != 0, "no such timer")
    unlink(id)
    link(id, deadline)
  }

  /// Disarms a timer: its number is free for others.
  public mutating func cancel(_ id: ID) {
    precondition(id != 0 && timers[Int(id)].deadline != 0, "no such timer")
    unlink(id)
    free(id)
  }

  /// The next timer that is due, disarmed by being told; nil when no more are due at `now`.
  public mutating func nextExpired(now: Instant) -> Token? {
    // No division in a turn that finds none.
    guard quietUntil &* tick <= now else { return nil }
    let target = now / tick
    current = max(current, quietUntil)
    while true {
      if let id = due(in: current, by: target) {
        let token = timers[Int(id)].token
        unlink(id)
        free(id)
        return token
      }
      guard current < target else { return nil }
      // After a long sleep one round of the buckets finds everything.
      current = max(current + 1, target > mask ? target - mask : 0)
    }
  }

  /// When to look again: milliseconds until the next timer may be due, at most `limit`; after a
  /// round of the buckets at the latest.
  public mutating func nextDelay(now: Instant, atMost limit: Int) -> Int {
    guard count > 0 else { return limit }
    // So far nothing is due, as is known mostly.
    if quietUntil &* tick >= now &+ UInt64(limit) &* 1_000_000 { return limit }
    current = max(current, min(now / tick, quietUntil))
    let horizon = current &+ min(mask, UInt64(limit) * 1_000_000 / tick + 1)
    quietUntil = max(quietUntil, current)
    // A bucket also holds timers of later rounds: they are not what it is waited for now.
    while quietUntil <= horizon, due(in: quietUntil, by: quietUntil) == nil { quietUntil += 1 }
    let instant = quietUntil * tick
    return instant <= now ? 0 : min(limit, Int((instant - now + 999_999) / 1_000_000))
  }

  private func due(in bucket: UInt64, by target: UInt64) -> UInt32? {
    var id = heads[Int(bucket & mask)]
    while id != 0 {
      if timers[Int(id)].deadline <= target { return id }
      id = timers[Int(id)].next
    }
    return nil
  }

  private mutating func link(_ id: ID, _ deadline: Instant) {
    // Rounded up: never early. Never in the past, where no turn would look.
    let at = max((deadline &+ (tick - 1)) / tick, current, 1)
    quietUntil = min(quietUntil, at)
    let bucket = Int(at & mask)
    let head = heads[bucket]
    timers[Int(id)].deadline = at
    timers[Int(id)].previous = 0
    timers[Int(id)].next = head
    if head != 0 { timers[Int(head)].previous = id }
    heads[bucket] = id
  }

  private mutating func unlink(_ id: ID) {
    let timer = timers[Int(id)]
    if timer.previous == 0 {
      heads[Int(timer.deadline & mask)] = timer.next
    } else {
      timers[Int(timer.previous)].next = timer.next
    }
    if timer.next != 0 { timers[Int(timer.next)].previous = timer.previous }
  }

  private mutating func free(_ id: ID) {
    timers[Int(id)].deadline = 0
    timers[Int(id)].next = firstFree
    firstFree = id
    count -= 1
  }
}
