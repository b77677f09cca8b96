import Configuration
import HTTP
import Network
import Reactor

// What a request needs to know of its route, pool and server, as plain numbers: copying them
// counts no references. Names and texts stay in the snapshot.

/// A route, as the hot path sees it.
struct RouteFacts {
  enum Kind: UInt8 { case files, proxy, redirect, respond }

  /// Its number in the snapshot, −1 for none.
  var index = -1
  var kind = Kind.respond
  /// Its pool's number in the snapshot.
  var pool = -1
  /// 0 is no limit.
  var bodyLimit = 0
  var priority = Priority.normal
  var buffersRequest = true
  var buffersResponse = true
  /// Its requests may reach a server twice, whatever their method.
  var isIdempotent = false
  var allowsWebSocket = false
  var editsRequest = false
  /// Until there is a route: it is not known that nothing is edited.
  var editsResponse = true
  /// Only other routes lead here. nginx: `internal`.
  var isInternal = false
  var followsAccelRedirect = false
  var compresses = false
  /// Some limit counts its requests.
  var isLimited = false
  /// 0 where the pool's own holds.
  var responseTimeout: UInt64 = 0
  var sendTimeout: UInt64 = 0
  var tunnelTimeout: UInt64 = 0
  var counters = RouteSlots()
  /// What a line of the log says of it: its name and, where it has a pool, the pool's and how the
  /// number of attempts begins. See `Snapshot.logged`.
  var logged = Slice.empty
}

/// A pool, as the hot path sees it.
struct PoolFacts {
  var connectTimeout: UInt64 = 0
  var responseTimeout: UInt64 = 0
  var sendTimeout: UInt64 = 0
  var retries = 0
  /// Statuses that send a request on to another server; none where there is no other.
  var retryStatuses = FailureStatuses()
  /// Statuses that a platform's page may have; none where none is looked for.
  var pageStatuses = FailureStatuses()
  /// How long one server has to begin an answer, 0 as long as all together.
  var tryTimeout: UInt64 = 0
  /// Answers up to this length are held until they are whole; 0 where that helps nobody.
  var holdBytes = 0
  /// Idle connections kept to one server by one worker; 0 closes each after its response.
  var idleLimit = 0
  var idleTimeout: UInt64 = 0
  /// Requests after which a connection is closed; 0 is no limit.
  var requestsLimit: UInt32 = 0
  /// Requests that must not be sent twice have a fresh connection.
  var reusesSafely = false
  /// The age after which a connection is closed; 0 is no limit.
  var ageLimit: UInt64 = 0
  var preservesHost = true
  /// Host is made by the pool's template.
  var makesHost = false
  var issuesCookie = false
  var speaksTLS = false
  /// Of the cell that tells workers of each other's waiting requests.
  var cell = -1
  /// Some server has a limit to how many requests it gets at once.
  var hasCapacity = false
  /// How many requests may wait; 0 when none may.
  var queueLimit = 0
  var queueTimeout: UInt64 = 0
  /// Checks pause after so long without a request, in nanoseconds; 0 when they do not.
  var checkPause: UInt64 = 0
  /// In seconds.
  var retryAfter: UInt64 = 1
  var counters = PoolSlots()
  /// The servers speak Engine.IO.
  var hasSessions = false
  /// How long a session is remembered.
  var sessionTimeout: UInt64 = 0
  /// Over which time the clients of a draining server are told to move.
  var drainWindow: UInt64 = 0
}

/// A server, as the hot path sees it.
struct ServerFacts {
  /// Its place in the table that all workers share.
  var cell: Int
  var counters: ServerSlots
  /// What a line of the log says of it. See `Snapshot.logged`.
  var logged: Slice
}

/// Where a route's counts are kept in a worker's counters.
public struct RouteSlots: Sendable {
  /// Five in a row: responses by class of status, 1xx to 5xx.
  public var responses: Int
  /// A histogram: `LatencyBuckets.slots` in a row.
  public var duration: Int
  public var bytesIn: Int
  public var bytesOut: Int
  /// Requests that a limit refused.
  public var limited: Int

  public init(
    responses: Int = 0, duration: Int = 0, bytesIn: Int = 0, bytesOut: Int = 0, limited: Int = 0
  ) {
    self.responses = responses
    self.duration = duration
    self.bytesIn = bytesIn
    self.bytesOut = bytesOut
    self.limited = limited
  }
}

/// Where a pool's counts are kept in a worker's counters.
public struct PoolSlots: Sendable {
  /// Three in a row: requests that had to wait, by priority.
  public var queued: Int
  /// A gauge: what waits now.
  public var waiting: Int
  public var refusedFull: Int
  public var refusedTimeout: Int
  /// A histogram: `LatencyBuckets.slots` in a row.
  public var wait: Int
  /// Sessions of Engine.IO learned from answers, and requests whose session was lost; for pools
  /// that have sessions.
  public var sessionsOpened = 0
  public var sessionsLost = 0

  public init(
    queued: Int = 0, waiting: Int = 0, refusedFull: Int = 0, refusedTimeout: Int = 0, wait: Int = 0
  ) {
    self.queued = queued
    self.waiting = waiting
    self.refusedFull = refusedFull
    self.refusedTimeout = refusedTimeout
    self.wait = wait
  }
}

/// Where a server's counts are kept in a worker's counters.
public struct ServerSlots: Sendable {
  /// Requests sent to it.
  public var requests: Int
  /// Connections opened to it.
  public var connects: Int
  /// Connections that could not be opened, in time or at all.
  public var connectFailures: Int
  /// Requests that it did not answer, or not to the end.
  public var failures: Int
  /// Requests taken from it to be tried with another.
  public var retries: Int
  /// Requests that might have been tried with another but for the budget.
  public var retriesRefused: Int

  public init(
    requests: Int = 0, connects: Int = 0, connectFailures: Int = 0, failures: Int = 0,
    retries: Int = 0, retriesRefused: Int = 0
  ) {
    self.requests = requests
    self.connects = connects
    self.connectFailures = connectFailures
    self.failures = failures
    self.retries = retries
    self.retriesRefused = retriesRefused
  }
}

/// Where the counts that belong to no route or server are kept.
public struct WorkerSlots: Sendable {
  /// Connections accepted.
  public var accepted: Int
  /// Gauges: what is open now.
  public var clients: Int
  public var upstreams: Int
  public var tunnels: Int
  /// Requests refused before they had a route, by what was wrong with them.
  public var refused: Int
  /// Lines of the access log that were lost.
  public var logDropped: Int
  /// Clients not served because no descriptor or place was left.
  public var overloaded: Int

  public init(
    accepted: Int = 0, clients: Int = 0, upstreams: Int = 0, tunnels: Int = 0, refused: Int = 0,
    logDropped: Int = 0, overloaded: Int = 0
  ) {
    self.accepted = accepted
    self.clients = clients
    self.upstreams = upstreams
    self.tunnels = tunnels
    self.refused = refused
    self.logDropped = logDropped
    self.overloaded = overloaded
  }
}

/// Where handshakes of TLS with clients are counted.
public struct TLSSlots: Sendable {
  public var succeeded: Int
  public var failed: Int
  public var timedOut: Int
  /// Requests in plain HTTP where TLS is spoken.
  public var plain: Int
  /// A gauge: those under way.
  public var underWay: Int

  public init(
    succeeded: Int = 0, failed: Int = 0, timedOut: Int = 0, plain: Int = 0, underWay: Int = 0
  ) {
    self.succeeded = succeeded
    self.failed = failed
    self.timedOut = timedOut
    self.plain = plain
    self.underWay = underWay
  }
}
