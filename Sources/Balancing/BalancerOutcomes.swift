/// What live traffic says about servers.
extension Balancer {
  /// What an outcome changed, to be logged.
  public enum Change: Equatable, Sendable {
    /// Out for so many nanoseconds; so many of the pool's servers are out now, this one counted.
    case ejected(duration: UInt64, out: Int)
    case readmitted
  }

  /// The first byte of an answer is here, so many nanoseconds after the server was asked.
  @inline(__always) public func began(
    pool number: Int, server: Int, after time: UInt64, now: UInt64
  ) {
    let pool = pools[number]
    guard pool.strategy == .leastTime else { return }
    cells[servers[pool.first + server].slot].noteAnswer(after: time, at: now)
  }

  /// The server has answered a request as servers do (any status counts: it is there).
  @inline(__always) public func succeeded(pool number: Int, server: Int, now: UInt64) -> Change? {
    let pool = pools[number]
    guard pool.rule != nil else { return nil }
    let slot = servers[pool.first + server].slot
    if cells[slot].failures.load(ordering: .relaxed) != 0 {
      cells[slot].failures.store(0, ordering: .relaxed)
    }
    let until = cells[slot].ejectedUntil.load(ordering: .relaxed)
    guard until != 0, now >= until else { return nil }
    // A success that was begun before the ejection's end says as much as one begun after it.
    let readmitted = cells[slot].ejectedUntil.compareExchange(
      expected: until, desired: 0, ordering: .relaxed
    ).exchanged
    guard readmitted else { return nil }
    cells[slot].upSince.store(now, ordering: .relaxed)
    return .readmitted
  }

  /// No connection to the server came about: whether the caller is to tell the control thread, for
  /// the server's name may lead elsewhere by now. True once a second at most, for all workers.
  public func isToComplain(pool: Int, server: Int, now: UInt64) -> Bool {
    cells[slot(pool: pool, server: server)].claimComplaint(at: now, interval: 1_000_000_000)
  }

  /// The server has failed a request: no connection, or one that broke or stayed silent before
  /// an answer, or an answer that cannot be read.
  public func failed(pool number: Int, server: Int, now: UInt64) -> Change? {
    let pool = pools[number]
    guard let rule = pool.rule else { return nil }
    let slot = servers[pool.first + server].slot
    let count = cells[slot].countFailure(at: now, window: rule.window)
    let until = cells[slot].ejectedUntil.load(ordering: .relaxed)
    if until != 0 {
      // Out already, or on trial: then one failure is enough.
      return now < until ? nil : eject(pool, server, rule, now)
    }
    return count < rule.failures ? nil : eject(pool, server, rule, now)
  }

  /// Takes the server out if the pool can do without it.
  ///
  /// One worker at a time decides for a pool, so that together they never take out more than
  /// the rule allows. Who finds another one deciding leaves it: the next failure asks again.
  private func eject(
    _ pool: Pool, _ server: Int, _ rule: EjectionRule, _ now: UInt64
  ) -> Change? {
    let gate = servers[pool.first].slot
    guard
      cells[gate].gate.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged
    else { return nil }
    defer { cells[gate].gate.store(0, ordering: .releasing) }

    let slot = servers[pool.first + server].slot
    let until = cells[slot].ejectedUntil.load(ordering: .relaxed)
    guard until == 0 || now >= until else { return nil }
    var out = 1
    var left = 0
    for i in 0..<pool.count where i != server {
      let other = servers[pool.first + i].slot
      if cells[other].isEjected {
        out += 1
      } else if cells[other].isReady {
        left += 1
      }
    }
    // A server on trial was out before and may stay out.
    guard until != 0 || (left > 0 && out <= rule.limit(ofServers: pool.count)) else {
      return nil
    }
    let number = rule.number(
      after: cells[slot].ejections.load(ordering: .relaxed),
      endedAt: cells[slot].lastEjectionEnd.load(ordering: .relaxed), at: now)
    let duration = rule.duration(ofEjection: number)
    let end = max(now &+ duration, 1)
    cells[slot].ejections.store(number, ordering: .relaxed)
    cells[slot].lastEjectionEnd.store(end, ordering: .relaxed)
    cells[slot].trialUntil.store(0, ordering: .relaxed)
    cells[slot].failures.store(0, ordering: .relaxed)
    cells[slot].ejectedUntil.store(end, ordering: .relaxed)
    return .ejected(duration: duration, out: out)
  }
}
