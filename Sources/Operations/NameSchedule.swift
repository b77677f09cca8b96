import Reactor

/// When each name is looked up: as its lifetime says, within bounds, and after failures at
/// growing intervals. Decisions only.
struct NameSchedule {
  /// An answer is kept for at least so long, however short its lifetime; and no new question is
  /// asked sooner because servers fail.
  static let shortest: Duration = .seconds(1)
  /// An answer is kept for at most so long: names move sooner than their lifetimes promise.
  static let longest: Duration = .seconds(300)
  /// What says no lifetime, as /etc/hosts does, or 0.
  static let unlimited: Duration = .seconds(10)
  /// After the first failure a name is asked for again after `shortest`, then after twice as
  /// long each time, up to this.
  static let longestBackoff: Duration = .seconds(30)

  private struct Entry {
    var due: Instant
    /// A question is on its way; `due` counts from its answer.
    var isAsked = false
    var lastAsked: Instant?
    var failures = 0
    var isHurried = false
  }

  private var entries: [String: Entry] = [:]

  /// The names to keep: new ones are due at once, others are forgotten.
  mutating func track(_ names: some Sequence<String>, now: Instant) {
    var kept: [String: Entry] = [:]
    for name in names { kept[name] = entries[name] ?? Entry(due: now) }
    entries = kept
  }

  func contains(_ name: String) -> Bool { entries[name] != nil }

  /// Names whose time has come; they count as asked.
  mutating func takeDue(now: Instant) -> [String] {
    let due = entries.filter { !$0.value.isAsked && $0.value.due <= now }.keys.sorted()
    for name in due {
      entries[name]?.isAsked = true
      entries[name]?.isHurried = false
      entries[name]?.lastAsked = now
    }
    return due
  }

  /// When the next name is due; nil while none is, or all are asked.
  var nextDue: Instant? {
    entries.values.filter { !$0.isAsked }.map(\.due).min()
  }

  mutating func answered(_ name: String, lifetime: Duration?, now: Instant) {
    guard let lifetime else {
      answered(name, after: Self.longest, now: now)
      return
    }
    let kept = lifetime <= .zero ? Self.unlimited : lifetime
    answered(name, after: min(max(kept, Self.shortest), Self.longest), now: now)
  }

  private mutating func answered(_ name: String, after wait: Duration, now: Instant) {
    guard var entry = entries[name] else { return }
    entry.failures = 0
    entry.isAsked = false
    entry.due = now + (entry.isHurried ? Self.shortest : wait).nanoseconds
    entries[name] = entry
  }

  /// - Returns: how many times in a row it has failed, and when it is tried again.
  mutating func failed(_ name: String, now: Instant) -> (failures: Int, wait: Duration)? {
    guard var entry = entries[name] else { return nil }
    entry.failures += 1
    entry.isAsked = false
    let doublings = min(entry.failures - 1, 10)
    let wait = min(Self.shortest * (1 << doublings), Self.longestBackoff)
    entry.due = now + wait.nanoseconds
    entries[name] = entry
    return (entry.failures, wait)
  }

  /// A server that goes by this name does not answer: perhaps it has moved.
  mutating func hurry(_ name: String, now: Instant) {
    guard var entry = entries[name] else { return }
    // A name that fails keeps its backoff; one that was just asked waits a moment.
    guard entry.failures == 0 else { return }
    entry.isHurried = true
    let soonest = (entry.lastAsked ?? 0) + Self.shortest.nanoseconds
    entry.due = min(entry.due, max(now, soonest))
    entries[name] = entry
  }
}
