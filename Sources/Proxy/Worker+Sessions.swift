import Balancing
import HTTP
import Memory
import Reactor

/// What a request has to do with a session of Engine.IO.
struct SessionFacts {
  enum Role: UInt8 {
    case none
    /// Asks for a session: the answer says what it is called.
    case opener
    /// Belongs to a session. Another server than the one that opened it would answer "Session ID
    /// unknown", so no other is asked.
    case member
  }

  var role = Role.none
  /// What the session is known by; 0 when it has a name that no server gives.
  var key: UInt64 = 0
  /// The server that opened it, by its identity; 0 while that is not known.
  var home: UInt64 = 0
  /// When it was opened, as far as that is known.
  var since: Instant = .max
}

extension Worker {
  /// Notes what the head in `requestHead` says about sessions.
  mutating func noteSession(_ exchange: Handle) {
    exchanges[exchange].session = sessionFacts(exchange)
  }

  private func sessionFacts(_ exchange: Handle) -> SessionFacts {
    var facts = SessionFacts()
    guard let slice = requestHead.query else { return facts }
    let query = exchanges[exchange].request.written.extracting(slice.range)
    guard let asked = EngineIOQuery.parse(query) else { return facts }
    guard asked.hasSession else {
      if asked.isPolling, exchanges[exchange].facts.method == .get { facts.role = .opener }
      return facts
    }
    facts.role = .member
    guard !asked.sid.isEmpty, let sessions = sessions(exchange) else { return facts }
    facts.key = SessionTable.key(of: query.extracting(asked.sid.range))
    let expiry = clock.now &+ exchanges[exchange].pool.sessionTimeout
    if let home = sessions.home(of: facts.key, now: clock.now, until: expiry) {
      facts.home = home.server
      facts.since = home.since
    }
    return facts
  }

  private func sessions(_ exchange: Handle) -> SessionTable? {
    generations[exchanges[exchange].generation].snapshot.sessions
  }

  // MARK: The server

  /// The server of a request that belongs to a session: the one that opened it, and where that is
  /// not known the one that any request would get, but none after it.
  mutating func pickForSession(_ exchange: Handle) -> Int? {
    guard exchanges[exchange].tried.count == 0 else { return nil }
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    let session = exchanges[exchange].session
    if session.home == 0 {
      guard let server = pickAny(exchange) else { return nil }
      exchanges[exchange].session.home =
        generations[generation].balancer.identity(pool: pool, server: server)
      return server
    }
    guard
      let server = generations[generation].balancer.home(pool: pool, identity: session.home)
    else { return nil }
    let cell = generations[generation].balancer.slot(pool: pool, server: server)
    let isLost = sessions(exchange)?.isLost(session.since, cell: cell) ?? false
    return isLost || dueTime(session, cell: cell) <= clock.now ? nil : server
  }

  /// Whether no server is left for the request because the one that knows its session is gone.
  func hasLostSession(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].session.home != 0 else { return false }
    let reason = exchanges[exchange].reason
    return reason == .ok || reason == .connectFailed || reason == .connectTimeout
  }

  /// Tells the client that its session is no more. Whatever is no success makes clients of
  /// Socket.IO open another at once; this status is no server's failure, and nobody in between
  /// asks again because of it.
  mutating func refuseSession(_ exchange: Handle) {
    environment.counters.add(exchanges[exchange].pool.counters.sessionsLost)
    fields.clear()
    fields.append("Cache-Control: no-store\r\n")
    refuse(
      exchange, status: 410, reason: .sessionLost, endsConnection: false, withFields: true)
  }

  /// A server that refuses connections is a process that has ended, and its sessions with it.
  func noteLoss(_ exchange: Handle, _ outcome: Outcome) {
    guard case .connectFailed = outcome, exchanges[exchange].pool.hasSessions,
      exchanges[exchange].reason == .connectFailed
    else { return }
    let pool = exchanges[exchange].route.pool
    let generation = exchanges[exchange].generation
    let cell = generations[generation].balancer.slot(
      pool: pool, server: exchanges[exchange].server)
    sessions(exchange)?.lose(cell: cell, now: clock.now)
  }

  // MARK: Learning

  /// How much of an answer is read before it is passed on, to learn its session.
  private static let learningLimit = 8192

  /// Learns what session the answer opens whose head has just been parsed; false when more of it
  /// must be read for that.
  @inline(__always) mutating func learnSession(_ exchange: Handle) -> Bool {
    guard exchanges[exchange].session.role == .opener, responseHead.status == 200 else {
      return true
    }
    var body = scratch.take()
    body.clear()
    let isWhole = Self.copyBody(responseHead, exchanges[exchange].input, to: &body)
    let found = EngineIOHandshake.find(in: body.readable)
    if case .sid(let sid) = found {
      learn(SessionTable.key(of: body.readable.extracting(sid.range)), exchange)
    }
    scratch = body
    let here = exchanges[exchange].input.count - responseHead.length
    return isWhole || found != .needsMore || here >= Self.learningLimit
  }

  private func learn(_ session: UInt64, _ exchange: Handle) {
    environment.counters.add(exchanges[exchange].pool.counters.sessionsOpened)
    let home = generations[exchanges[exchange].generation].balancer.identity(
      pool: exchanges[exchange].route.pool, server: exchanges[exchange].server)
    sessions(exchange)?.learn(
      session, at: home, now: clock.now,
      until: clock.now &+ exchanges[exchange].pool.sessionTimeout)
  }

  /// Copies what is here of the body, up to the room there is, without its framing; answers
  /// whether no more can come.
  private static func copyBody(
    _ head: borrowing ResponseHead, _ input: borrowing ByteBuffer, to copy: inout ByteBuffer
  ) -> Bool {
    let bytes = input.readable.extracting(droppingFirst: head.length)
    switch head.framing {
    case .none: return true
    case .length(let length):
      let count = min(bytes.count, Int(clamping: length))
      return copy.appendPrefix(bytes.extracting(first: count)) < count || count == length
    case .untilClose: return copy.appendPrefix(bytes) < bytes.count
    case .chunked:
      var decoder = ChunkedDecoder()
      var position = 0
      // What cannot be read fails when it is relayed.
      while let event = try? decoder.next(bytes, at: &position) {
        switch event {
        case .data(let data):
          let piece = bytes.extracting(data.range)
          if copy.appendPrefix(piece) < piece.count { return true }
        case .trailer: continue
        case .needsMore: return false
        case .end: return true
        }
      }
      return true
    }
  }
}
