/// Strategies that leave something to chance.
extension Balancer {
  /// The power of two choices (Mitzenmacher, 2001): of two servers drawn by weight the one with
  /// fewer requests in flight for its weight, the first when they are equal.
  mutating func byTwoDraws(_ pool: Pool, _ terms: Terms) -> Int {
    let first = draw(pool, but: -1, terms)
    guard first >= 0 else { return -1 }
    let second = draw(pool, but: first, terms)
    guard second >= 0 else { return first }
    return load(pool, second, terms.now) < load(pool, first, terms.now) ? second : first
  }

  /// Draws among eligible servers, each as likely as it weighs; -1 when there is none.
  private mutating func draw(_ pool: Pool, but other: Int, _ terms: Terms) -> Int {
    if pool.weighsAlike, pool.slowStart == 0 {
      // Mostly all servers are eligible, and one of the first few draws will do.
      for _ in 0..<4 {
        let i = Int(random.below(UInt64(pool.count)))
        if i != other, isEligible(pool, i, terms) { return i }
      }
    }
    var total = 0
    for i in 0..<pool.count where i != other && isEligible(pool, i, terms) {
      total += share(pool, i, terms.now)
    }
    guard total > 0 else { return -1 }
    var left = Int(random.below(UInt64(total)))
    // Should others have changed who is eligible in between, the last one stands in.
    var last = -1
    for i in 0..<pool.count where i != other && isEligible(pool, i, terms) {
      last = i
      left -= share(pool, i, terms.now)
      if left < 0 { break }
    }
    return last
  }

  private func load(_ pool: Pool, _ i: Int, _ now: UInt64) -> Double {
    let requests = max(cells[servers[pool.first + i].slot].inFlight, 0)
    return Double(requests) / Double(share(pool, i, now))
  }

  /// The server that is likely to begin its answer first: its time to the first byte, times the
  /// requests it would have, for its weight. Chance decides between equal ones.
  mutating func byTime(_ pool: Pool, _ terms: Terms) -> Int {
    var best = -1
    var least = Double.infinity
    var equals: UInt64 = 0
    for i in 0..<pool.count where isEligible(pool, i, terms) {
      let cost = cost(pool, i, terms.now)
      if cost < least {
        best = i
        least = cost
        equals = 1
      } else if cost == least {
        equals += 1
        if random.below(equals) == 0 { best = i }
      }
    }
    return best
  }

  /// A server that is not known counts as the fastest until it has a request, and as the slowest
  /// until that one is answered: so it is tried at once, and by one request of all workers.
  private func cost(_ pool: Pool, _ i: Int, _ now: UInt64) -> Double {
    let server = servers[pool.first + i]
    let requests = max(cells[server.slot].inFlight, 0)
    let time: Double
    switch cells[server.slot].answerTime(at: now) {
    case .unknown: time = requests == 0 ? 0 : Double(UInt32.max)
    case .microseconds(let average): time = Double(max(average, 1))
    }
    return time * Double(requests + 1) / Double(share(pool, i, now))
  }
}
