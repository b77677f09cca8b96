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
