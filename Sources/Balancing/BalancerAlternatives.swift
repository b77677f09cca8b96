public import Configuration

/// Looking for a server without choosing one.
extension Balancer {
  /// Whether the pool has a server for the request that it has not tried; an ejected one is none.
  ///
  /// - Parameters:
  ///   - countsCapacity: a full one is none either.
  ///   - now: in nanoseconds.
  public func hasAnother(
    pool number: Int, tried: TriedServers, priority: Priority = .normal,
    countsCapacity: Bool = true, now: UInt64
  ) -> Bool {
    guard tried.count < TriedServers.limit else { return false }
    let pool = pools[number]
    var terms = Terms(tried: tried, priority: priority, now: now)
    terms.countsCapacity = countsCapacity
    for isAmongBackups in [false, true] {
      terms.isAmongBackups = isAmongBackups
      for i in 0..<pool.count where isEligible(pool, i, terms) { return true }
    }
    return false
  }
}
