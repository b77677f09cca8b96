public import Reactor

/// The state of the process as probes ask for it: what is alive, what is ready, and why not.
public struct ProcessStatus: Equatable, Sendable {
  public struct Worker: Equatable, Sendable {
    /// When its last turn began, or its thread was started if there was none yet. A worker
    /// turns at least once a second.
    public var lastTurn: Instant

    public init(lastTurn: Instant) { self.lastTurn = lastTurn }
  }

  public struct Pool: Equatable, Sendable {
    public var name: String
    public var isRequired: Bool
    /// Servers that take requests, of all there are.
    public var up: Int
    public var count: Int
    /// Servers that are up and answer that their site is being maintained.
    public var maintained: Int

    public init(name: String, isRequired: Bool, up: Int, count: Int, maintained: Int = 0) {
      self.name = name
      self.isRequired = isRequired
      self.up = up
      self.count = count
      self.maintained = maintained
    }

    fileprivate var json: String {
      let more = maintained > 0 ? ",\"maintenance\":\(maintained)" : ""
      return "\(JSONText.quoted(name)):{\"up\":\(up),\"of\":\(count)\(more)}"
    }
  }

  /// A worker without a turn for so long is stuck. Far above what a small share of a processor
  /// can cause: a platform that restarts an instance for a hiccup does harm.
  public static let stuckAfter: Duration = .seconds(10)

  public var now: Instant
  public var workers: [Worker]
  public var isConfigured: Bool
  public var isDraining: Bool
  public var pools: [Pool]

  public init(
    now: Instant, workers: [Worker], isConfigured: Bool, isDraining: Bool, pools: [Pool]
  ) {
    self.now = now
    self.workers = workers
    self.isConfigured = isConfigured
    self.isDraining = isDraining
    self.pools = pools
  }

  /// Why a restart would help: the loops that do not turn. Servers that are down are no reason.
  public var stuck: [String] {
    workers.enumerated().compactMap { number, worker in
      let silence = now > worker.lastTurn ? now - worker.lastTurn : 0
      guard silence > Self.stuckAfter.nanoseconds else { return nil }
      return "worker \(number): no turn for \(silence / 1_000_000_000) s"
    }
  }

  /// Why requests had better go to another instance.
  public var unready: [String] {
    var reasons: [String] = []
    if !isConfigured { reasons.append("configuration not loaded") }
    if isDraining { reasons.append("draining") }
    for pool in pools where pool.isRequired && pool.up == 0 {
      reasons.append("pool \(pool.name): none of \(pool.count) servers is up")
    }
    return reasons
  }

  /// `/livez`
  public var liveness: AdminResponse { answer("live", stuck, extra: "") }

  /// `/readyz`
  public var readiness: AdminResponse {
    let pools = pools.map(\.json).joined(separator: ",")
    return answer("ready", unready, extra: ",\"pools\":{\(pools)}")
  }

  private func answer(_ word: String, _ reasons: [String], extra: String) -> AdminResponse {
    let list = reasons.map(JSONText.quoted).joined(separator: ",")
    let why = reasons.isEmpty ? "" : ",\"reasons\":[\(list)]"
    let isWell = reasons.isEmpty
    return .json(isWell ? 200 : 503, "{\"\(word)\":\(isWell)\(why)\(extra)}\n")
  }
}
