import Balancing
import Configuration
import HTTP
import Memory
import Reactor

// Requests that wait because no server can take them now: all are full, or none is there.
extension Worker {
  /// How often waiting requests try for themselves: a server may have come up, or an ejection may
  /// be over, of which nobody tells.
  static let roomPatience: UInt64 = 100_000_000
  /// Requests that go on in one turn before others have theirs.
  static let roomBudget = 64

  /// What came of asking for a server.
  enum Claim {
    /// The exchange has its server, which counts it.
    case claimed
    case full
    case none
  }

  /// Takes a server for an exchange.
  mutating func claimServer(_ exchange: Handle) -> Claim {
    // Between the choice and the claim other workers may take what is left of a server.
    for _ in 0..<8 {
      guard let server = pick(exchange) else { break }
      guard beginRequest(exchange, to: server) else { continue }
      exchanges[exchange].server = server
      exchanges[exchange].attempts += 1
      exchanges[exchange].triedBefore = exchanges[exchange].tried
      exchanges[exchange].tried.insert(server)
      return .claimed
    }
    return isFull(exchange) ? .full : .none
  }

  /// Others wait whose turn comes first.
  @inline(__always) func standsBehind(_ exchange: Handle) -> Bool {
    let pool = exchanges[exchange].pool
    guard pool.queueLimit > 0 else { return false }
    let cell = pool.cell
    if rooms[cell].isRecovering, !rooms[cell].isEmpty || !rooms[cell].admits { return true }
    guard pool.hasCapacity else { return false }
    return environment.poolCells[cell].isWaiting(before: exchanges[exchange].route.priority)
  }

  /// Whether a request that no server has taken may wait for one that will.
  ///
  /// When all servers end at once, a request may have been with each of them. But one that servers
  /// die of is not sent on and on: twice the tries that it has are enough.
  func mayWait(_ exchange: Handle) -> Bool {
    exchanges[exchange].pool.queueLimit > 0 && !hasLostSession(exchange)
      && Int(exchanges[exchange].sends)
        <= exchanges[exchange].pool.retries * 2 + Int(exchanges[exchange].retry.freeTries)
  }

  /// Lets a request wait for a server, or refuses it when it has waited long enough.
  mutating func wait(_ exchange: Handle) {
    // Another server might have had a better answer; it is not worth waiting for.
    if deliverKept(exchange) { return }
    let isBack = exchanges[exchange].queuedSince > 0
    guard isBack ? enterAgain(exchange) : enter(exchange) else { return }
    let pool = exchanges[exchange].pool
    let priority = exchanges[exchange].route.priority
    exchanges[exchange].phase = .queued
    exchanges[exchange].server = -1
    exchanges[exchange].attempts = exchanges[exchange].sends
    exchanges[exchange].tried = TriedServers()
    exchanges[exchange].entered = clock.now
    if rooms[pool.cell].isEmpty(priority) {
      environment.poolCells[pool.cell].note(true, of: priority, worker: environment.number)
    }
    rooms[pool.cell].add(exchange, isBack: isBack, in: &exchanges)
    environment.counters.add(pool.counters.waiting)
    clients[exchanges[exchange].client].deadline.set(
      exchanges[exchange].queuedSince &+ pool.queueTimeout,
      token: Token(kind: .client, exchanges[exchange].client), &wheel)
    noticeHalfClose(exchange)
    setRoomTimer(pool.cell)
    // A slot may have become free before this request could be seen to wait for one.
    if pool.hasCapacity { makeDue(pool.cell) }
  }

  /// Takes a place among those that wait; false when the request was refused.
  private mutating func enter(_ exchange: Handle) -> Bool {
    let pool = exchanges[exchange].pool
    let priority = exchanges[exchange].route.priority
    if !environment.poolCells[pool.cell].join(limit: pool.queueLimit) {
      guard let other = rooms[pool.cell].last(below: priority) else {
        refuseWaiting(exchange, .queueFull)
        return false
      }
      refuseWaiting(other, .queueFull)
      guard environment.poolCells[pool.cell].join(limit: .max) else { return false }
    }
    exchanges[exchange].queuedSince = clock.now
    environment.counters.add(pool.counters.queued + priority.rawValue)
    // So many may wait that what the buffer has beyond the head would add up.
    if exchanges[exchange].requestBody.isDone {
      Self.grow(
        &exchanges[exchange].request, to: exchanges[exchange].request.count, &buffers)
    }
    buffers.strip(&exchanges[exchange].input)
    return true
  }

  /// One that has waited before comes back, for no server has taken it.
  private mutating func enterAgain(_ exchange: Handle) -> Bool {
    let pool = exchanges[exchange].pool
    guard clock.now < exchanges[exchange].queuedSince &+ pool.queueTimeout else {
      refuseWaiting(exchange, .queueTimeout)
      return false
    }
    buffers.strip(&exchanges[exchange].input)
    return environment.poolCells[pool.cell].join(limit: .max)
  }

  /// An exchange waits no more, whatever becomes of it.
  mutating func leaveRoom(_ exchange: Handle) {
    guard exchanges[exchange].phase == .queued else { return }
    let pool = exchanges[exchange].pool
    let priority = exchanges[exchange].route.priority
    rooms[pool.cell].remove(exchange, from: &exchanges)
    exchanges[exchange].phase = .holding
    let waited = clock.now &- exchanges[exchange].entered
    exchanges[exchange].queued &+= waited
    // That is no server's time.
    if exchanges[exchange].retry.waitEnd > 0 { exchanges[exchange].retry.waitEnd &+= waited }
    environment.poolCells[pool.cell].leave()
    if rooms[pool.cell].isEmpty(priority) {
      environment.poolCells[pool.cell].note(false, of: priority, worker: environment.number)
    }
    environment.counters.subtract(pool.counters.waiting)
    clients[exchanges[exchange].client].deadline.clear()
  }

  /// A request has waited too long, or too many wait.
  mutating func refuseWaiting(_ exchange: Handle, _ reason: Termination) {
    if deliverKept(exchange) { return }
    leaveRoom(exchange)
    let pool = exchanges[exchange].pool
    environment.counters.add(
      reason == .queueFull ? pool.counters.refusedFull : pool.counters.refusedTimeout)
    refuse(exchange, status: 503, reason: reason, endsConnection: false)
  }

  // MARK: Going on

  /// The room is looked at when the events of this turn are behind us: until then one exchange's
  /// end is no other's beginning.
  mutating func makeDue(_ cell: Int) {
    guard !rooms[cell].isDue else { return }
    rooms[cell].isDue = true
    dueRooms.append(cell)
  }

  @inline(__always) mutating func serveRooms() {
    guard !dueRooms.isEmpty else { return }
    var due: [Int] = []
    swap(&due, &dueRooms)
    for cell in due {
      rooms[cell].isDue = false
      serveRoom(cell)
    }
  }

  /// Lets those go on for whom there is a server.
  private mutating func serveRoom(_ cell: Int) {
    // The last one that others have been preferred to.
    var passed: Handle?
    for _ in 0..<Self.roomBudget {
      guard rooms[cell].admits else { return }
      guard let first = rooms[cell].first else {
        rooms[cell].endRecovery()
        // What came here may be for others who wait.
        return noteFreeSlot(cell)
      }
      let next = passed.map { rooms[cell].following($0, in: exchanges) } ?? first
      guard let exchange = next else { break }
      switch claimServer(exchange) {
      case .claimed:
        passed = nil
        letGo(exchange)
      case .none where hasLostSession(exchange):
        passed = nil
        refuseSession(exchange)
      case .full, .none:
        guard waitsForItself(exchange) else { return setRoomTimer(cell) }
        passed = exchange
      }
    }
    if passed == nil { makeDue(cell) } else { setRoomTimer(cell) }
  }

  /// That there is no server for the exchange says nothing about those behind it: only one will
  /// do for it, or it has come across a reload and knows old servers only.
  private func waitsForItself(_ exchange: Handle) -> Bool {
    exchanges[exchange].session.home != 0 || exchanges[exchange].generation != current
  }

  private mutating func letGo(_ exchange: Handle) {
    leaveRoom(exchange)
    environment.counters.observe(
      exchanges[exchange].pool.counters.wait, nanoseconds: exchanges[exchange].queued)
    // A client that has closed its side meanwhile has a moment more, as any other.
    noticeHalfClose(exchange)
    begin(exchange)
  }

  /// A server of the pool has one request less: who waits is told.
  mutating func noteFreeSlot(_ cell: Int) {
    guard let next = environment.poolCells[cell].next() else { return }
    for worker in stride(from: next, to: environment.workers, by: PoolCell.workers) {
      if worker == environment.number {
        // Of very many workers two go by one number.
        if !rooms[cell].isEmpty { makeDue(cell) }
      } else {
        environment.mailboxes[worker].post(.slotFree(cell))
      }
    }
  }

  private mutating func setRoomTimer(_ cell: Int) {
    guard !rooms[cell].isTimed, !rooms[cell].isEmpty else { return }
    rooms[cell].isTimed = true
    _ = wheel.schedule(
      Token(kind: .room, Handle(slot: UInt32(cell), generation: 0)),
      at: clock.now &+ Self.roomPatience)
  }

  mutating func roomExpired(_ cell: Int) {
    rooms[cell].isTimed = false
    rooms[cell].tick()
    guard !rooms[cell].isEmpty else { return }
    makeDue(cell)
    setRoomTimer(cell)
  }

  // MARK: Recovery

  /// How a request went that was let go while no server was known to answer.
  mutating func endTrial(_ exchange: Handle, _ outcome: Outcome) {
    guard exchanges[exchange].isOnTrial else { return }
    exchanges[exchange].isOnTrial = false
    let cell = exchanges[exchange].pool.cell
    switch outcome {
    case .answered: rooms[cell].endTrial(succeeded: true)
    case .connectFailed:
      rooms[cell].endTrial(succeeded: false)
      rooms[cell].rest()
    case .failed: rooms[cell].endTrial(succeeded: false)
    case .stale, .abandoned: rooms[cell].endTrial(succeeded: nil)
    }
    if outcome != .connectFailed { makeDue(cell) }
  }

  // MARK: Reload

  /// Those who wait go over to the new configuration: the server that they wait for may be one
  /// that it brings.
  mutating func renewWaiting() {
    for cell in rooms.indices where !rooms[cell].isEmpty {
      var next = rooms[cell].first
      while let exchange = next {
        next = rooms[cell].following(exchange, in: exchanges)
        renewWaiting(exchange)
      }
      makeDue(cell)
    }
  }

  private mutating func renewWaiting(_ exchange: Handle) {
    let route = exchanges[exchange].route
    let name = generations[exchanges[exchange].generation].snapshot.routes[route.index].name
    guard !exchanges[exchange].accel.isActive,
      let index = snapshot.routes.firstIndex(where: { $0.name == name }),
      snapshot.routes[index].facts.kind == .proxy
    else { return }
    var facts = snapshot.routes[index].facts
    let pool = snapshot.pools[facts.pool].facts
    // Who waits stays in his line.
    guard pool.cell == exchanges[exchange].pool.cell, pool.queueLimit > 0 else { return }
    facts.priority = route.priority
    parseHeadAgain(exchange)
    renew(exchange)
    exchanges[exchange].route = facts
    exchanges[exchange].pool = pool
    takeKey(exchange)
  }
}
