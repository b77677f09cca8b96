public import Configuration
public import Memory
public import Network

/// Chooses servers: one per worker, for all pools of its configuration.
///
/// Turns are the worker's own; health, ejections and requests in flight are everybody's, read
/// from the shared cells. Nothing here waits or allocates, and time comes from the caller in
/// nanoseconds, so that the same calls make the same choices. Pools and servers go by their
/// numbers in the plans.
public struct Balancer: ~Copyable {
  struct Pool {
    let number: Int
    let first: Int
    let count: Int
    let strategy: PoolPlan.Strategy
    let rule: EjectionRule?
    let affinity: AffinityPlan.Range
    /// In `cookies`; -1 without.
    let cookie: Int
    let weighsAlike: Bool
    let hasBackups: Bool
    let hasCapacity: Bool
    let triesServersThatAreDown: Bool
    /// In nanoseconds; 0 without.
    let slowStart: UInt64
  }

  struct Server {
    let slot: Int
    /// In parts, of which `Balancer.one` are the weight 1.
    let weight: Int
    let isBackup: Bool
    /// How many requests it may have, by priority; `Int.max` is no limit.
    let limits: InlineArray<3, Int>
    /// Of smooth round-robin: grows by the share each time another server is picked.
    var turn = 0
    /// What hashed keys are held against.
    let hash: UInt64
    /// What cookies call the server.
    let identity: UInt64
  }

  /// The weight 1.
  static var one: Int { 1 << 8 }

  public let cells: SharedTable<ServerCell>
  var pools: [Pool] = []
  var servers: [Server] = []
  /// By pool: whose turn it is, where all weigh alike.
  var turns: [Int] = []
  private var affinity = AffinityPlan()
  private var cookies: [AffinityCookieText] = []
  var random: RandomSource

  /// - Parameters:
  ///   - worker: its number; workers begin at different places of the round, so that they do
  ///     not march in step to the same server.
  ///   - workers: how many there are.
  ///   - seed: determines what is left to chance; each worker has its own.
  public init(
    _ plans: [PoolPlan], cells: SharedTable<ServerCell>, worker: Int, workers: Int,
    seed: UInt64 = 0
  ) {
    precondition(worker >= 0 && worker < workers)
    self.cells = cells
    random = RandomSource(seed: seed)
    for plan in plans {
      precondition(plan.servers.count <= Int(Int16.max))
      let first = servers.count
      for server in plan.servers {
        precondition(server.weight > 0)
        servers.append(
          Server(
            slot: server.slot, weight: server.weight * Balancer.one, isBackup: server.isBackup,
            limits: Balancer.limits(server.capacity, plan.shares), hash: StableHash.of(server.name),
            identity: ServerIdentity.of(pool: plan.name, server: server.name)))
      }
      let weights = Set(plan.servers.map(\.weight))
      if let cookie = plan.cookie { cookies.append(AffinityCookieText(cookie)) }
      pools.append(
        Pool(
          number: pools.count, first: first, count: plan.servers.count, strategy: plan.strategy,
          rule: plan.ejection,
          affinity: affinity.add(plan), cookie: plan.cookie == nil ? -1 : cookies.count - 1,
          weighsAlike: weights.count <= 1,
          hasBackups: plan.servers.contains { $0.isBackup },
          hasCapacity: plan.servers.contains { $0.capacity > 0 },
          triesServersThatAreDown: plan.triesServersThatAreDown, slowStart: plan.slowStart))
      turns.append(advance(first..<servers.count, by: worker, of: workers))
    }
  }

  private static func limits(
    _ capacity: Int, _ shares: PoolPlan.Shares
  ) -> InlineArray<3, Int> {
    InlineArray { i in
      guard capacity > 0, let priority = Priority(rawValue: i) else { return .max }
      return max(capacity * shares.of(priority) / 100, 1)
    }
  }

  /// Lets the turns of a share of the round pass; whose turn it is then, if all weigh alike.
  private mutating func advance(_ range: Range<Int>, by worker: Int, of workers: Int) -> Int {
    let total = range.reduce(0) { $0 + servers[$1].weight }
    // Rounds of heavy weights are long; this far into one is apart enough.
    let turns = min(total / Balancer.one * worker / workers, 1000)
    for _ in 0..<turns {
      var best = range.lowerBound
      for i in range {
        servers[i].turn += servers[i].weight
        if servers[i].turn > servers[best].turn { best = i }
      }
      servers[best].turn -= total
    }
    return range.isEmpty ? 0 : turns % range.count
  }

  /// The slot of a server's cell, which also names it to those who count.
  public func slot(pool: Int, server: Int) -> Int { servers[pools[pool].first + server].slot }

  /// Where the server is; nil while that is unknown.
  public func address(pool: Int, server: Int) -> SocketAddress? {
    cells[slot(pool: pool, server: server)].address
  }

  /// Some server of the pool could be picked.
  public func isAvailable(pool: Int) -> Bool { isAvailable(pools[pool]) }

  func isAvailable(_ pool: Pool) -> Bool {
    for i in pool.first..<pool.first + pool.count where cells[servers[i].slot].isReady {
      return true
    }
    return false
  }

  // MARK: Affinity

  /// True when the pool wants to `observe` the fields of requests.
  @inline(__always) public func asksForFields(pool: Int) -> Bool {
    pools[pool].affinity.asksForFields
  }

  /// Notes what one field of a request says about the server it wants.
  public func observe(
    pool: Int, name: Span<UInt8>, value: Span<UInt8>, key: inout AffinityKey
  ) {
    affinity.observe(pools[pool].affinity, name: name, value: value, key: &key)
  }

  /// Notes the client's address, which some pools choose by.
  public func observe(pool: Int, address: IPAddress, key: inout AffinityKey) {
    let range = pools[pool].affinity
    guard range.count > 0 else { return }
    let hash = StableHash.mixed(address.high ^ UInt64(address.family.rawValue), address.low)
    affinity.observe(range, address: hash, key: &key)
  }

  /// The pool issues cookies, and the one that the request had does not name this server.
  public func needsCookie(pool: Int, server: Int, key: AffinityKey) -> Bool {
    let pool = pools[pool]
    return pool.cookie >= 0 && servers[pool.first + server].identity != key.cookie
  }

  /// Appends the value of Set-Cookie that leads back to the server; false, and nothing, when it
  /// does not fit.
  ///
  /// - Parameter isSecure: the request came over HTTPS.
  /// - Precondition: the pool issues cookies.
  public func writeCookie(
    pool: Int, server: Int, isSecure: Bool, into output: inout ByteBuffer
  ) -> Bool {
    let pool = pools[pool]
    return cookies[pool.cookie].write(
      servers[pool.first + server].identity, isSecure: isSecure, into: &output)
  }

  // MARK: Requests in flight

  /// Counts a request as being with the server, until `end`; false, and nothing, when the server
  /// is full: other workers pick, too.
  @discardableResult
  public func begin(pool: Int, server: Int, priority: Priority = .normal) -> Bool {
    let slot = slot(pool: pool, server: server)
    guard pools[pool].hasCapacity else {
      cells[slot].requests.wrappingAdd(1, ordering: .relaxed)
      return true
    }
    return cells[slot].claimSlot(
      below: servers[pools[pool].first + server].limits[priority.rawValue])
  }

  /// The request is no longer with the server. How it went is told by `succeeded` or `failed`,
  /// as soon as that is known.
  public func end(pool: Int, server: Int) {
    cells[slot(pool: pool, server: server)].requests.wrappingSubtract(1, ordering: .relaxed)
  }
}
