import Balancing
import Memory
import Reactor

/// The time in which the clients of a server that drains are told to connect anew.
struct DrainMove {
  let start: Instant
  /// In nanoseconds.
  let window: UInt64

  var end: Instant { start &+ window }

  /// When one of many is told: `place` is its place among them, of 2⁶⁴.
  func time(at place: UInt64) -> Instant {
    start &+ place.multipliedFullWidth(by: window).high
  }
}

// A server that drains gets nobody new, but its sessions go on in it. Their clients must go
// elsewhere before it ends, and not all at once, for opening a session is work: each has its own
// time within a window, by the hash of its session's name or by its place in the row.
extension Worker {
  /// Lets the clients of a server move, over `window` nanoseconds.
  mutating func moveClients(of cell: Int, within window: UInt64) {
    let move = DrainMove(start: clock.now, window: window)
    moves[cell] = move
    let all = trackedTunnels { upstreams[tunnels[$0].upstream].cell == cell }
    for (i, tunnel) in all.enumerated() {
      scheduleClose(tunnel, at: move.time(at: place(i, of: all.count)))
    }
    for slot in 0..<exchanges.slotLimit {
      guard let exchange = exchanges.handle(ofSlot: slot), exchanges[exchange].isSent,
        timeToMove(exchange) < .max
      else { continue }
      setUpstreamDeadline(exchanges[exchange].upstream, after: responseTimeout(exchange))
    }
  }

  /// The server drains no more: those that have not been told stay.
  mutating func letClientsStay(with cell: Int) {
    guard let move = moves.removeValue(forKey: cell) else { return }
    // Who was told to go has left nothing behind that anybody may come back to.
    if clock.now >= move.end { snapshot.sessions?.lose(cell: cell, now: move.end) }
    let all = trackedTunnels { upstreams[tunnels[$0].upstream].cell == cell }
    for tunnel in all where !tunnels[tunnel].closing.isDue {
      upstreams[tunnels[tunnel].upstream].deadline.clear()
    }
  }

  /// Ends WebSockets in good order before everything is cut, in `time` nanoseconds.
  mutating func moveTunnels(within time: UInt64) {
    let most = time > Self.closeGrace * 2 ? time - Self.closeGrace : time / 2
    let all = trackedTunnels { _ in true }
    for (i, tunnel) in all.enumerated() {
      let move = DrainMove(start: clock.now, window: min(drainWindow(tunnel), most))
      scheduleClose(tunnel, at: move.time(at: place(i, of: all.count)))
    }
  }

  /// A tunnel to a server has begun whose clients are moving: it has what is left of the window.
  mutating func scheduleIfMoving(_ tunnel: Handle) {
    let cell = upstreams[tunnels[tunnel].upstream].cell
    guard let move = moves[cell], environment.cells[cell].isDraining else { return }
    let rest = DrainMove(start: clock.now, window: move.end > clock.now ? move.end - clock.now : 0)
    scheduleClose(tunnel, at: rest.time(at: random.next()))
  }

  private func trackedTunnels(where isMeant: (Handle) -> Bool) -> [Handle] {
    (0..<tunnels.slotLimit).compactMap { tunnels.handle(ofSlot: $0) }
      .filter { tunnels[$0].closing.isTracked && isMeant($0) }
  }

  private func drainWindow(_ tunnel: Handle) -> UInt64 {
    let snapshot = generations[tunnels[tunnel].generation].snapshot
    return snapshot.pools[Int(tunnels[tunnel].record.pool)].facts.drainWindow
  }

  /// Spreads the clients of all workers evenly: one of this worker's among theirs, of 2⁶⁴.
  private func place(_ index: Int, of count: Int) -> UInt64 {
    let row = UInt64(index * environment.workers + environment.number)
    return .max / UInt64(count * environment.workers * 2) * (row * 2 + 1)
  }

  // MARK: Polls

  /// When the client of a session is told to go; `.max` while its server does not drain.
  func dueTime(_ session: SessionFacts, cell: Int) -> Instant {
    guard !moves.isEmpty, let move = moves[cell], environment.cells[cell].isDraining else {
      return .max
    }
    return move.time(at: session.key)
  }

  /// How long the request may still wait for its server before its client is told to go.
  func timeToMove(_ exchange: Handle) -> UInt64 {
    let upstream = exchanges[exchange].upstream
    guard exchanges[exchange].session.role == .member, upstream != .none,
      !exchanges[exchange].hasResponseHead
    else { return .max }
    let due = dueTime(exchanges[exchange].session, cell: upstreams[upstream].cell)
    guard due < .max else { return .max }
    return due > clock.now ? due - clock.now : 0
  }

  func hasToMove(_ exchange: Handle) -> Bool { timeToMove(exchange) == 0 }
}
