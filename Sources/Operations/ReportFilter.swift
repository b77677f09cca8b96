import Reactor

/// Keeps a log readable: the same thing is said once a minute, with how often it was not said.
struct ReportFilter {
  static let interval: Duration = .seconds(60)
  /// Things to remember; beyond it all are forgotten, and said again.
  static let limit = 1000

  private struct Entry {
    var said: Instant
    var unsaid = 0
  }

  private var entries: [String: Entry] = [:]

  /// How often this has come to pass since it was last said; nil when it is not to be said now.
  mutating func admit(_ text: String, now: Instant) -> Int? {
    if entries.count >= Self.limit { entries = [:] }
    guard var entry = entries[text] else {
      entries[text] = Entry(said: now)
      return 1
    }
    entry.unsaid += 1
    guard now >= entry.said + Self.interval.nanoseconds else {
      entries[text] = entry
      return nil
    }
    entries[text] = Entry(said: now)
    return entry.unsaid
  }
}
