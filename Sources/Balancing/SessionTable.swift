import Memory
import Synchronization

/// Which server has opened which session, for all workers: a session that one server has opened
/// no other knows.
///
/// The table has a fixed size and never grows. A session belongs to one of many sets, each with
/// a short lock of its own; in a full set it takes the place of the one that was used longest ago.
/// Sessions are known by the hash of their name, servers by what cookies call them, which a
/// reload does not change. Only requests of sessions come here.
public struct SessionTable: Sendable {
  /// A server that has opened a session.
  public struct Home: Equatable, Sendable {
    /// As `Balancer.identity` has it.
    public let server: UInt64
    /// When the session was opened, as the caller tells time.
    public let since: UInt64
  }

  struct Entry: BitwiseCopyable {
    var session: UInt64 = 0
    var server: UInt64 = 0
    var since: UInt64 = 0
    var expiry: UInt64 = 0
  }

  struct Set: ~Copyable, Sendable {
    static var ways: Int { 16 }
    let entries = Mutex(InlineArray<16, Entry>(repeating: Entry()))
  }

  private let sets: SharedTable<Set>
  /// By cell: sessions that the server had opened by then are lost.
  private let losses: SharedTable<Atomic<UInt64>>

  /// - Parameters:
  ///   - servers: how many cells servers have.
  ///   - sets: a power of two; 16 sessions fit into each. Evenly spread, few sets are full
  ///     before the table is half full.
  public init(servers: Int, sets: Int = 1024) {
    precondition(sets > 0 && sets & (sets - 1) == 0)
    self.sets = SharedTable(count: sets) { _ in Set() }
    losses = SharedTable(count: servers) { _ in Atomic(0) }
  }

  /// What a session is known by; never 0. Two of them are one by accident once in 2⁶⁰ times, and
  /// who finds another's on purpose is led to another server, that is all.
  public static func key(of name: Span<UInt8>) -> UInt64 {
    let hash = StableHash.of(name)
    return hash == 0 ? 1 : hash
  }

  /// A server has opened a session, which is remembered until `expiry`.
  public func learn(_ session: UInt64, at server: UInt64, now: UInt64, until expiry: UInt64) {
    sets[index(of: session)].entries.withLock { entries in
      var oldest = 0
      for i in entries.indices {
        if entries[i].session == session {
          oldest = i
          break
        }
        if entries[i].expiry < entries[oldest].expiry { oldest = i }
      }
      entries[oldest] = Entry(session: session, server: server, since: now, expiry: expiry)
    }
  }

  /// The server that has opened the session; nil when that is not known, or no longer. The
  /// session is then remembered until `expiry`.
  public func home(of session: UInt64, now: UInt64, until expiry: UInt64) -> Home? {
    sets[index(of: session)].entries.withLock { entries in
      for i in entries.indices where entries[i].session == session {
        guard entries[i].expiry > now else { return nil }
        entries[i].expiry = expiry
        return Home(server: entries[i].server, since: entries[i].since)
      }
      return nil
    }
  }

  /// How many sessions are remembered. Looks into every set: for pages that are asked for now and
  /// then.
  public func count(at now: UInt64) -> Int {
    var count = 0
    for i in 0..<sets.count {
      count += sets[i].entries.withLock { entries in
        var live = 0
        for j in entries.indices where entries[j].expiry > now { live += 1 }
        return live
      }
    }
    return count
  }

  /// A server has been seen dead, or has told its clients to go: what it had opened is lost.
  public func lose(cell: Int, now: UInt64) { losses[cell].max(now, ordering: .relaxed) }

  /// Whether what the server of the cell had opened by `instant` is lost.
  public func isLost(_ instant: UInt64, cell: Int) -> Bool {
    instant <= losses[cell].load(ordering: .relaxed)
  }

  private func index(of session: UInt64) -> Int {
    Int(truncatingIfNeeded: session) & (sets.count - 1)
  }
}

extension Balancer {
  /// What cookies and sessions call the server, over reloads and restarts.
  public func identity(pool: Int, server: Int) -> UInt64 {
    servers[pools[pool].first + server].identity
  }

  /// The server that a session lives in, by number; nil when it cannot be asked or is none of the
  /// pool any more. Neither draining nor an ejection counts: no other server knows the session.
  public func home(pool number: Int, identity: UInt64) -> Int? {
    let pool = pools[number]
    for i in 0..<pool.count where servers[pool.first + i].identity == identity {
      return cells[servers[pool.first + i].slot].isReachable ? i : nil
    }
    return nil
  }
}
