import Balancing
import HTTP
import Memory
import Reactor

/// How a request to a server ended, for the server's record.
enum Outcome {
  /// It answered, whatever the status.
  case answered
  case connectFailed
  /// It broke, stayed silent or made no sense.
  case failed
  /// A kept connection had died in the meantime: nobody's fault.
  case stale
  /// The client went, or was sent, away.
  case abandoned
}

extension Worker {
  /// Chooses the server to be tried next.
  mutating func pick(_ exchange: Handle) -> Int? {
    guard exchanges[exchange].session.role == .member else { return pickAny(exchange) }
    return pickForSession(exchange)
  }

  /// Chooses a server by the pool's strategy and affinity.
  mutating func pickAny(_ exchange: Handle) -> Int? {
    let generation = exchanges[exchange].generation
    return generations[generation].balancer.pick(
      pool: exchanges[exchange].route.pool, key: exchanges[exchange].key,
      tried: exchanges[exchange].tried, priority: exchanges[exchange].route.priority,
      now: clock.now)
  }

  /// A server is there that has no room for the exchange now.
  mutating func isFull(_ exchange: Handle) -> Bool {
    // Only one server counts for a session, whatever room others have.
    if exchanges[exchange].session.home != 0 { return pickForSession(exchange) != nil }
    let generation = exchanges[exchange].generation
    return generations[generation].balancer.isFull(
      pool: exchanges[exchange].route.pool, tried: exchanges[exchange].tried,
      priority: exchanges[exchange].route.priority, now: clock.now)
  }

  /// Notes what the head in `requestHead` says about the server that it wants.
  mutating func takeKey(_ exchange: Handle) {
    var key = AffinityKey()
    observe(exchange, &key)
    exchanges[exchange].key = key
    if exchanges[exchange].pool.hasSessions { noteSession(exchange) }
  }

  private func observe(_ exchange: Handle, _ key: inout AffinityKey) {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    if generations[generation].balancer.asksForFields(pool: pool) {
      let bytes = exchanges[exchange].request.written
      for i in 0..<requestHead.fields.count {
        let field = requestHead.fields[i]
        generations[generation].balancer.observe(
          pool: pool, name: bytes.extracting(field.name.range),
          value: bytes.extracting(field.value.range), key: &key)
      }
    }
    generations[generation].balancer.observe(
      pool: pool, address: exchanges[exchange].facts.address, key: &key)
  }

  /// Counts the exchange as the server's; false when that has no room for it any more.
  mutating func beginRequest(_ exchange: Handle, to server: Int) -> Bool {
    let generation = exchanges[exchange].generation
    guard
      generations[generation].balancer.begin(
        pool: exchanges[exchange].route.pool, server: server,
        priority: exchanges[exchange].route.priority)
    else { return false }
    exchanges[exchange].isCounted = true
    exchanges[exchange].asked = clock.now
    return true
  }

  /// The first byte of what the server answers is here.
  @inline(__always) mutating func noteFirstByte(_ exchange: Handle) {
    if exchanges[exchange].firstByte == 0 { exchanges[exchange].firstByte = clock.now }
    let asked = exchanges[exchange].asked
    guard asked > 0 else { return }
    exchanges[exchange].asked = 0
    if exchanges[exchange].pool.tryTimeout > 0 {
      setUpstreamDeadline(exchanges[exchange].upstream, after: responseTimeout(exchange))
    }
    let generation = exchanges[exchange].generation
    generations[generation].balancer.began(
      pool: exchanges[exchange].route.pool, server: exchanges[exchange].server,
      after: clock.now - asked, now: clock.now)
  }

  mutating func endRequest(_ exchange: Handle, _ outcome: Outcome) {
    guard exchanges[exchange].isCounted else { return }
    exchanges[exchange].isCounted = false
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    let server = exchanges[exchange].server
    generations[generation].balancer.end(pool: pool, server: server)
    if exchanges[exchange].pool.hasCapacity { noteFreeSlot(exchanges[exchange].pool.cell) }
    endTrial(exchange, outcome)
    let change: Balancer.Change?
    switch outcome {
    case .answered:
      change = generations[generation].balancer.succeeded(
        pool: pool, server: server, now: clock.now)
    case .connectFailed, .failed:
      noteLoss(exchange, outcome)
      if outcome == .connectFailed { complain(generation, pool, server) }
      let slots = generations[generation].snapshot.pools[pool].servers[server].counters
      environment.counters.add(slots.failures)
      change = generations[generation].balancer.failed(
        pool: pool, server: server, now: clock.now)
    case .stale, .abandoned:
      change = nil
    }
    if let change { report(change, of: server, exchange) }
  }

  /// Counts against a server what it has answered, now that another one has answered better.
  mutating func blame(_ exchange: Handle, server: Int) {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    environment.counters.add(
      generations[generation].snapshot.pools[pool].servers[server].counters.failures)
    let change = generations[generation].balancer.failed(
      pool: pool, server: server, now: clock.now)
    if let change { report(change, of: server, exchange) }
  }

  private func report(_ change: Balancer.Change, of server: Int, _ exchange: Handle) {
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let pool = exchanges[exchange].route.pool
    environment.report(
      .server(
        pool: snapshot.pools[pool].name, server: snapshot.pools[pool].serverNames[server], change))
  }

  /// Lets the checks of a pool go on that have paused, or may be about to.
  func noteActivity(_ exchange: Handle) {
    let pool = exchanges[exchange].pool
    let idle = environment.poolCells[pool.cell].noteRequest(at: clock.now)
    // The control thread's clock may be a little ahead of this one.
    guard idle >= pool.checkPause / 2 else { return }
    let snapshot = generations[exchanges[exchange].generation].snapshot
    environment.report(.active(pool: snapshot.pools[exchanges[exchange].route.pool].name))
  }

  /// Has the name of a server that cannot be reached looked up again.
  private func complain(_ generation: Handle, _ pool: Int, _ server: Int) {
    guard generations[generation].balancer.isToComplain(pool: pool, server: server, now: clock.now)
    else { return }
    let snapshot = generations[generation].snapshot
    environment.report(
      .unreachable(
        pool: snapshot.pools[pool].name, server: snapshot.pools[pool].serverNames[server]))
  }

  /// Lets the client come back to the server that answered.
  func appendAffinityCookie(_ exchange: Handle, to output: inout ByteBuffer) {
    let generation = exchanges[exchange].generation
    let pool = exchanges[exchange].route.pool
    let server = exchanges[exchange].server
    guard
      generations[generation].balancer.needsCookie(
        pool: pool, server: server, key: exchanges[exchange].key)
    else { return }
    let before = output.count
    output.append("Set-Cookie: ")
    let fits = generations[generation].balancer.writeCookie(
      pool: pool, server: server, isSecure: exchanges[exchange].facts.isSecure, into: &output)
    if fits { output.append("\r\n") } else { output.removeLast(output.count - before) }
  }
}
