// Where workers count: numbers of slots in the row of `WorkerCounters`, given out by whoever
// starts the workers and read by whoever shows the metrics. Slot 0 is for what nobody asked for: its
// counts are thrown away.

/// What a worker counts about itself.
public struct WorkerSlots: Sendable {
  /// When the turn began that the loop is in, on the monotonic clock; 0 while it waits for
  /// events. A turn that does not end is how a stuck worker shows.
  public var turnBegan = 0
  /// Gauge: client connections open now.
  public var connections = 0
  public var accepted = 0
  /// Gauge: tunnels open now.
  public var tunnels = 0
  /// Gauge: bytes of bodies in spill files now.
  public var spilled = 0
  /// Bodies that would have spilled and were streamed, for the budget was spent.
  public var spillRefused = 0
  /// Lines of the access log that were lost, for the writer did not keep up.
  public var logDropped = 0
  /// Heads that could not be read, so that no route has them.
  public var malformed = 0

  public init() {}
}

/// What a worker counts for each route.
public struct RouteSlots: Sendable {
  /// The classes of status that are told apart, in the order of their slots. The last is for
  /// exchanges that ended before there was an answer.
  public static let statusClasses = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"]

  /// The first of a slot for each of `statusClasses`.
  public var requests = 0
  /// The first slot of a histogram: from the first byte of the request to the last of the answer.
  public var duration = 0

  public init() {}

  /// The slot that counts an answer.
  ///
  /// - Parameter status: 0 when there was none.
  public func requests(withStatus status: Int) -> Int {
    let known = status >= 100 && status < 600
    return requests + (known ? status / 100 - 1 : RouteSlots.statusClasses.count - 1)
  }
}

/// What a worker counts for each pool.
public struct PoolSlots: Sendable {
  /// Further tries of requests that a server had failed.
  public var retries = 0
  /// Requests for which no server could be had.
  public var unavailable = 0

  public init() {}
}

/// What a worker counts for each server of a pool.
public struct ServerSlots: Sendable {
  /// How a request to a server may end, in the order of the slots.
  public enum Outcome: Int, CaseIterable, Sendable {
    /// An answer below 500.
    case answered
    /// An answer of 500 or more.
    case failed
    /// No connection came about.
    case unreachable
    /// The server took too long.
    case timedOut
    /// The connection broke, or what came was no HTTP.
    case broken
    /// The client went away first.
    case abandoned

    public var label: String {
      switch self {
      case .answered: "answered"
      case .failed: "failed"
      case .unreachable: "unreachable"
      case .timedOut: "timed_out"
      case .broken: "broken"
      case .abandoned: "abandoned"
      }
    }
  }

  /// The first of a slot for each `Outcome`.
  public var requests = 0
  /// Connections opened, and attempts that failed.
  public var connects = 0
  public var connectsFailed = 0

  public init() {}

  public func requests(_ outcome: Outcome) -> Int { requests + outcome.rawValue }
}
