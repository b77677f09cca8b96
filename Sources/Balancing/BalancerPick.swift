public import Configuration

/// Choosing a server.
extension Balancer {
  /// Among which servers one is chosen.
  struct Terms {
    var tried: TriedServers
    var priority: Priority
    let now: UInt64
    /// Whether a server is out that has as many requests as it may have.
    var countsCapacity = true
    /// Whether an ejection keeps a server out.
    var countsEjections = true
    /// Whether a server is out that health checks have taken down.
    var countsHealth = true
    /// Among backups, or among those that are none.
    var isAmongBackups = false
  }

  /// The server for a request, by number; nil when the pool has none for it.
  ///
  /// Only servers that are healthy, have an address and do not drain are picked, and none that
  /// the request has tried; a backup only when there is no other. First the one that the request's
  /// cookie names, then the one its hashed key leads to, then the one whose turn it is by the
  /// pool's strategy. When all that is left is ejected, ejection does not count: a doubtful server
  /// is better than none; nor does health when all are down, in pools that try servers then
  /// (`when_all_down`). A server that is full is not picked, but waited for (`isFull`).
  ///
  /// - Parameter now: in nanoseconds.
  public mutating func pick(
    pool number: Int, key: AffinityKey = AffinityKey(), tried: TriedServers = TriedServers(),
    priority: Priority = .normal, now: UInt64
  ) -> Int? {
    guard tried.count < TriedServers.limit else { return nil }
    let pool = pools[number]
    var terms = Terms(tried: tried, priority: priority, now: now)
    var picked = inTiers(pool, key, terms)
    if picked < 0, !isFull(pool, terms) {
      terms.countsEjections = false
      picked = inTiers(pool, key, terms)
    }
    if picked < 0, pool.triesServersThatAreDown, !isAvailable(pool) {
      terms.countsHealth = false
      picked = inTiers(pool, key, terms)
    }
    return picked < 0 ? nil : picked
  }

  /// A server that `pick` did not find is there and has no slot for a request of this priority.
  public func isFull(
    pool number: Int, tried: TriedServers = TriedServers(), priority: Priority = .normal,
    now: UInt64
  ) -> Bool {
    var terms = Terms(tried: tried, priority: priority, now: now)
    let pool = pools[number]
    if isFull(pool, terms) { return true }
    terms.countsEjections = false
    if isFull(pool, terms) { return true }
    guard pool.triesServersThatAreDown, !isAvailable(pool) else { return false }
    terms.countsHealth = false
    return isFull(pool, terms)
  }

  private func isFull(_ pool: Pool, _ terms: Terms) -> Bool {
    guard pool.hasCapacity else { return false }
    var terms = terms
    terms.countsCapacity = false
    for isAmongBackups in [false, true] {
      terms.isAmongBackups = isAmongBackups
      for i in 0..<pool.count where isEligible(pool, i, terms) { return true }
    }
    return false
  }

  /// Chooses among servers that are no backups, and only without any among backups.
  private mutating func inTiers(_ pool: Pool, _ key: AffinityKey, _ terms: Terms) -> Int {
    let picked = claimed(pool, key, terms)
    guard picked < 0, pool.hasBackups else { return picked }
    var terms = terms
    terms.isAmongBackups = true
    return claimed(pool, key, terms)
  }

  /// Chooses a server and takes it; where it is ejected, and another request has begun to try it
  /// first, the next one; -1 without.
  private mutating func claimed(_ pool: Pool, _ key: AffinityKey, _ terms: Terms) -> Int {
    guard terms.countsEjections else { return choose(pool, key, terms) }
    var terms = terms
    while terms.tried.count < TriedServers.limit {
      let picked = choose(pool, key, terms)
      if picked < 0 || claim(pool, picked, terms.now) { return picked }
      terms.tried.insert(picked)
    }
    return -1
  }

  /// Takes the server, unless it is ejected and another request has just begun to try it.
  private func claim(_ pool: Pool, _ server: Int, _ now: UInt64) -> Bool {
    guard let rule = pool.rule else { return true }
    return cells[servers[pool.first + server].slot].claimTrial(at: now, until: now &+ rule.duration)
  }

  private mutating func choose(_ pool: Pool, _ key: AffinityKey, _ terms: Terms) -> Int {
    if key.cookie != 0 {
      for i in 0..<pool.count where servers[pool.first + i].identity == key.cookie {
        if isEligible(pool, i, terms) { return i }
      }
    }
    if key.rank < .max { return byHash(pool, key.hash, terms) }
    return switch pool.strategy {
    case .roundRobin: takesSimpleTurns(pool) ? inSimpleTurn(pool, terms) : inTurn(pool, terms)
    case .leastRequests: byRequests(pool, terms)
    case .randomTwo: byTwoDraws(pool, terms)
    case .leastTime: byTime(pool, terms)
    }
  }

  func isEligible(_ pool: Pool, _ i: Int, _ terms: Terms) -> Bool {
    let server = servers[pool.first + i]
    let slot = server.slot
    guard server.isBackup == terms.isAmongBackups,
      cells[slot].isReady || (!terms.countsHealth && cells[slot].isReadyUnchecked),
      !terms.tried.contains(i)
    else { return false }
    if pool.hasCapacity, terms.countsCapacity,
      cells[slot].inFlight >= server.limits[terms.priority.rawValue]
    {
      return false
    }
    return pool.rule == nil || !terms.countsEjections || cells[slot].admits(at: terms.now)
  }

  /// What the server weighs now. From when it comes up its share grows, in a straight line, from
  /// a sixteenth to all of its weight.
  func share(_ pool: Pool, _ i: Int, _ now: UInt64) -> Int {
    let server = servers[pool.first + i]
    guard pool.slowStart > 0 else { return server.weight }
    let since = cells[server.slot].upSince.load(ordering: .relaxed)
    // A worker's clock may be a little behind the one that saw the server come up.
    let age = now > since ? now - since : 0
    guard since > 0, age < pool.slowStart else { return server.weight }
    let least = server.weight / 16
    let part = Double(age) / Double(pool.slowStart)
    return least + Int(Double(server.weight - least) * part)
  }

  private func takesSimpleTurns(_ pool: Pool) -> Bool { pool.weighsAlike && pool.slowStart == 0 }

  /// Round-robin without weights: what the smooth one comes to when they are all the same, without
  /// looking at every server.
  private mutating func inSimpleTurn(_ pool: Pool, _ terms: Terms) -> Int {
    var i = turns[pool.number]
    for _ in 0..<pool.count {
      let picked = i
      i = i + 1 == pool.count ? 0 : i + 1
      guard isEligible(pool, picked, terms) else { continue }
      // Who stands in for one that has failed does not lose its turn: else the next request would
      // begin with the one that has failed again.
      if terms.tried.count == 0 { turns[pool.number] = i }
      return picked
    }
    return -1
  }

  /// Smooth weighted round-robin, as nginx has it (ngx_http_upstream_get_peer): each eligible
  /// server gains its weight, the one that is ahead is picked and pays back the sum.
  @inline(__always) private mutating func inTurn(
    _ pool: Pool, _ terms: Terms
  ) -> Int {
    var best = -1
    var total = 0
    for i in 0..<pool.count where isEligible(pool, i, terms) {
      let at = pool.first + i
      let share = share(pool, i, terms.now)
      servers[at].turn += share
      total += share
      if best < 0 || servers[at].turn > servers[pool.first + best].turn { best = i }
    }
    if best >= 0 { servers[pool.first + best].turn -= total }
    return best
  }

  /// The fewest requests in flight for the weight (nginx: `least_conn`), all workers' counted;
  /// those that have equally few take turns.
  private mutating func byRequests(
    _ pool: Pool, _ terms: Terms
  ) -> Int {
    var best = -1
    var bestRequests = 0
    var bestShare = 1
    for i in 0..<pool.count where isEligible(pool, i, terms) {
      let server = servers[pool.first + i]
      let requests = max(cells[server.slot].inFlight, 0)
      let left = requests.multipliedFullWidth(by: bestShare)
      let share = share(pool, i, terms.now)
      let right = bestRequests.multipliedFullWidth(by: share)
      guard best < 0 || left < right else { continue }
      best = i
      bestRequests = requests
      bestShare = share
    }
    guard best >= 0 else { return -1 }

    var ahead = -1
    var total = 0
    for i in 0..<pool.count where isEligible(pool, i, terms) {
      let at = pool.first + i
      let requests = max(cells[servers[at].slot].inFlight, 0)
      let share = share(pool, i, terms.now)
      guard requests * bestShare <= bestRequests * share else { continue }
      servers[at].turn += share
      total += share
      if ahead < 0 || servers[at].turn > servers[pool.first + ahead].turn { ahead = i }
    }
    // Others may have counted in between, so that nobody has so few any more.
    guard ahead >= 0 else { return best }
    servers[pool.first + ahead].turn -= total
    return ahead
  }

  /// Rendezvous hashing (Thaler and Ravishankar, 1998): every server draws a number from the
  /// key, and the highest draw wins. A server that leaves gives away its own keys only.
  private func byHash(
    _ pool: Pool, _ key: UInt64, _ terms: Terms
  ) -> Int {
    var best = -1
    if pool.weighsAlike {
      var highest: UInt64 = 0
      for i in 0..<pool.count where isEligible(pool, i, terms) {
        let draw = StableHash.mixed(servers[pool.first + i].hash, key)
        if best < 0 || draw > highest {
          best = i
          highest = draw
        }
      }
      return best
    }
    // A draw u out of (0, 1) becomes weight / -log u (Schindelhauer and Schomaker, 2005), which
    // for equal weights orders the servers as u does.
    var highest = 0.0
    for i in 0..<pool.count where isEligible(pool, i, terms) {
      let server = servers[pool.first + i]
      let draw = Double(server.weight) / Logarithm.negated(StableHash.mixed(server.hash, key))
      if best < 0 || draw > highest {
        best = i
        highest = draw
      }
    }
    return best
  }
}

enum Logarithm {
  /// -log₂((draw + 1) / 2⁶⁴), more than 0. Only sums, products and quotients, so that every
  /// machine comes to the same bits.
  static func negated(_ draw: UInt64) -> Double {
    guard draw < .max - 1 else { return 0x1p-64 }
    let value = draw + 1
    let exponent = 63 - value.leadingZeroBitCount
    // The value is m · 2^exponent; log m is an area tangent of s, which is at most 1/3.
    let m = Double(value << UInt64(value.leadingZeroBitCount)) * 0x1p-63
    let s = (m - 1) / (m + 1)
    let square = s * s
    var sum = 0.0
    var power = s
    var divisor = 1.0
    for _ in 0..<10 {
      sum += power / divisor
      power *= square
      divisor += 2
    }
    let log2e = 1.4426950408889634
    return max(Double(64 - exponent) - 2 * sum * log2e, 0x1p-64)
  }
}
