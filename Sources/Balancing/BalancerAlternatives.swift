/// Looking for a server without choosing one.
extension Balancer {
  /// Whether the pool has a server for the request that it has not tried; an ejected one is none.
  ///
  /// - Parameter now: in nanoseconds.
  public func hasAnother(pool number: Int, tried: TriedServers, now: UInt64) -> Bool {
    guard tried.count < TriedServers.limit else { return false }
    let pool = pools[number]
    var terms = Terms(tried: tried, now: now)
    for isAmongBackups in [false, true] {
      terms.isAmongBackups = isAmongBackups
      for i in 0..<pool.count where isEligible(pool, i, terms) { return true }
    }
    return false
  }
}
