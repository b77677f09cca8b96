public import Configuration

/// One pool as a balancer needs it: made by the control thread for a configuration, read by the
/// workers when they start on it.
public struct PoolPlan: Equatable, Sendable {
  public enum Strategy: Equatable, Sendable {
    /// In turn, by weight, smoothly.
    case roundRobin
    /// The server with the fewest requests in flight for its weight.
    case leastRequests
    /// Of two servers drawn by weight the one with fewer requests in flight for its weight.
    case randomTwo
    /// The shortest time to the first byte, times requests in flight, for the weight.
    case leastTime
  }

  public struct Server: Equatable, Sendable {
    /// Unique in the pool. Hashed keys and cookies find the server by it, so that its place in
    /// the file and its address do not matter.
    public var name: String
    /// 1 … 1000.
    public var weight: Int
    /// Of its `ServerCell`.
    public var slot: Int
    /// Picked only while none of the others can be.
    public var isBackup: Bool
    /// How many requests it gets at once; 0 is no limit.
    public var capacity: Int

    public init(
      name: String, weight: Int = 1, slot: Int, isBackup: Bool = false, capacity: Int = 0
    ) {
      self.name = name
      self.weight = weight
      self.slot = slot
      self.isBackup = isBackup
      self.capacity = capacity
    }
  }

  public var name: String
  public var servers: [Server]
  /// For requests that have none of the `keys`.
  public var strategy: Strategy
  /// The first that a request has picks its server by rendezvous hashing.
  public var keys: [HashKey] = []
  /// Goes before `keys`.
  public var cookie: AffinityCookie?
  public var ejection: EjectionRule?
  /// While health checks have taken every server down, all are picked as if they were up.
  public var triesServersThatAreDown = false
  /// How much of a server's capacity requests of a priority may fill, in percent.
  public var shares = Shares()

  /// By priority, in percent; those of high priority may fill all of it.
  public struct Shares: Equatable, Sendable {
    public var normal = 100
    public var low = 100

    public init() {}

    func of(_ priority: Priority) -> Int {
      switch priority {
      case .high: 100
      case .normal: normal
      case .low: low
      }
    }
  }
  /// In nanoseconds, how long a server that comes up takes to get its whole share; 0 is at once.
  public var slowStart: UInt64 = 0

  public init(name: String, servers: [Server], strategy: Strategy = .roundRobin) {
    self.name = name
    self.servers = servers
    self.strategy = strategy
  }

  /// The pool of a configuration, over servers that have their slots.
  public init(_ settings: PoolSettings, servers: [Server]) {
    self.init(name: settings.name, servers: servers)
    switch settings.affinity {
    case .off: break
    case .cookie(let cookie): self.cookie = cookie
    case .hash(let keys): self.keys = keys
    }
    switch settings.strategy {
    case .roundRobin: strategy = .roundRobin
    case .leastRequests: strategy = .leastRequests
    case .randomTwo: strategy = .randomTwo
    case .leastTime: strategy = .leastTime
    case .hash(let keys): self.keys += keys
    }
    ejection = settings.ejection.map { EjectionRule($0) }
    triesServersThatAreDown = settings.whenAllDown == .try
    let queue = settings.queue ?? QueueSettings()
    shares.normal = queue.normalPercent
    shares.low = queue.lowPercent
    slowStart = nanoseconds(settings.slowStart)
  }
}
