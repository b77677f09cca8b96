import Memory
import Reactor

/// What an exchange knows about being given to one server after another.
struct RetryState: ~Copyable {
  /// Tries that are beside those which the pool allows: see `RetryCause.costsTry`.
  var freeTries: UInt8 = 0
  /// A kept connection had died of old age: the next one is fresh, or a request that its server
  /// answers by closing would go through all that are kept.
  var wantsFresh = false
  /// The head of an answer is here, and nothing of it goes to the client before all of it is.
  var isHolding = false
  /// When all servers together have had their time to begin an answer; 0 where each try has it.
  var waitEnd: Instant = 0
  /// Why the request was last given to another server, `ok` if it never was.
  var reason = Termination.ok

  /// The client gets an answer that speaks against its server.
  var isBad = false
  /// The server whose answer was not taken from it alone, −1 for none.
  var doubted = -1
  /// That answer, head and body, for the case that no other server has one.
  var kept = ByteBuffer()
}

/// Some of the statuses 400 to 599.
struct FailureStatuses: Sendable {
  private var words = InlineArray<4, UInt64>(repeating: 0)
  private(set) var isEmpty = true

  init() {}

  init(_ ranges: [ClosedRange<Int>]) {
    for range in ranges {
      for status in range where (400...599).contains(status) {
        words[(status - 400) / 64] |= 1 << UInt64((status - 400) % 64)
        isEmpty = false
      }
    }
  }

  func contains(_ status: UInt16) -> Bool {
    guard status >= 400, status <= 599 else { return false }
    let place = Int(status) - 400
    return words[place / 64] & 1 << UInt64(place % 64) != 0
  }
}
