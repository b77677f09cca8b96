public import Balancing
import CLibraries
public import Configuration
public import Files
import HTTP
import Memory
import Network
import Reactor
import Routing

/// A configuration made ready for one worker. It never changes: a reload brings another one,
/// and what has begun with the old one ends with it.
///
/// Each worker has a snapshot of its own, so that counting references to it is no contest
/// between processors.
public final class Snapshot: Sendable {
  /// What cannot be known from the configuration alone.
  public struct Bindings: Sendable {
    /// By pool: its servers, of which a name with several addresses gives several.
    public var servers: [[Server]]
    /// By pool.
    public var pools: [PoolBinding]
    /// By route.
    public var routes: [RouteSlots]
    /// Held by every snapshot that is made with it.
    public var lease: SnapshotLease?
    /// For pools whose servers have sessions.
    public var sessions: SessionTable?

    public init(
      servers: [[Server]], pools: [PoolBinding], routes: [RouteSlots],
      lease: SnapshotLease? = nil, sessions: SessionTable? = nil
    ) {
      self.servers = servers
      self.pools = pools
      self.routes = routes
      self.lease = lease
      self.sessions = sessions
    }
  }

  /// A pool as a worker is told of it.
  public struct PoolBinding: Sendable {
    /// Its place in the table of pools' cells.
    public var cell: Int
    public var counters: PoolSlots
    /// What TLS with its servers is made with; nil where they speak plain HTTP.
    public var tls: UpstreamTLS?

    public init(cell: Int, counters: PoolSlots, tls: UpstreamTLS? = nil) {
      self.cell = cell
      self.counters = counters
      self.tls = tls
    }
  }

  /// A server as a worker is told of it.
  public struct Server: Sendable {
    /// Unique in its pool.
    public var name: String
    public var weight: Int
    /// Its place in the table of cells.
    public var cell: Int
    /// What Host says when the client's own does not go on.
    public var host: String
    public var counters: ServerSlots
    /// It stands in for those that are none.
    public var isBackup: Bool
    /// How many requests it gets at once; 0 is no limit.
    public var capacity: Int

    public init(
      name: String, weight: Int, cell: Int, host: String, counters: ServerSlots,
      isBackup: Bool = false, capacity: Int = 0
    ) {
      self.name = name
      self.weight = weight
      self.cell = cell
      self.host = host
      self.counters = counters
      self.isBackup = isBackup
      self.capacity = capacity
    }
  }

  /// A route and what it takes to follow it.
  struct Route: Sendable {
    enum Action: Sendable {
      case files(FileRoute, fallback: Int?)
      case proxy
      case redirect(RedirectPlan)
      case respond(ResponsePlan)
    }

    // What each request looks at, side by side.
    let facts: RouteFacts
    let requestEdits: HeadEdits
    let responseEdits: HeadEdits
    let action: Action
    let name: String
    /// It is for an authority that finds out by plain HTTP whose a name is (RFC 8555 §8.3).
    let answersChallenges: Bool
    /// What the variable beside {path} stands for, where files are looked for by one.
    let site: TextTemplate?
    /// Nil for none.
    let limits: LimitPlan?
  }

  struct RedirectPlan: Sendable {
    let target: RedirectTarget
    let status: UInt16
  }

  struct ResponsePlan: Sendable {
    let status: UInt16
    let body: [UInt8]
    let contentType: String
  }

  struct Pool: Sendable {
    let name: String
    let facts: PoolFacts
    let servers: [ServerFacts]
    let serverNames: [String]
    /// What Host says to each server, unless the client's own goes on or a template makes it.
    let hosts: [String]
    let hostTemplate: TextTemplate?
    /// The text by which a platform's page is known; empty for none.
    let page: [UInt8]
    let retryBudget: RetryBudget
    /// What browsers get that are refused because no server takes them.
    let busyPage: [UInt8]?
    let tls: UpstreamTLS?
  }

  /// Client-side timeouts in nanoseconds.
  struct ClientTimeouts: Sendable {
    let handshake: UInt64
    let head: UInt64
    let body: UInt64
    let keepalive: UInt64
    let send: UInt64
    let linger: UInt64
    let tunnel: UInt64
    let halfClosed: UInt64
  }

  /// How files are kept and asked for; times in nanoseconds.
  struct FileSettings: Sendable {
    let freshness: UInt64
    /// Of all workers together.
    let memoryBytes: Int
    let threads: FileThreadLimits
    let timeout: UInt64
  }

  public let configuration: Configuration
  /// What lines of the log say of each route and server, in one piece, so that a line counts no
  /// references: `RouteFacts.logged` and `ServerFacts.logged` are places in it.
  let logged: ByteBuffer
  private let lease: SnapshotLease?
  let sessions: SessionTable?
  let routes: [Route]
  let pools: [Pool]
  let plans: [PoolPlan]
  let table: RouteTable
  let requestLimits: HeadLimits
  let responseLimits: HeadLimits
  let timeouts: ClientTimeouts
  let files: FileSettings
  let forwarded: ForwardedPolicy
  let trusted: [AddressBlock]
  /// By entry of `listen`.
  let listeners: [ListenerRules]
  let clientAddress: ForwardedAddress
  let variables: VariableTable
  /// For responses to requests that have no route.
  let commonResponseEdits: HeadEdits
  let answersContinue: Bool
  /// For the routes that compress.
  let gzip: GzipPlan
  /// Bytes that may wait unsent in the kernel for one client.
  let unsentLimit: Int
  /// Connections are taken when their request has come.
  let awaitsRequests: Bool
  /// Requests on one connection; 0 is no limit.
  let requestsLimit: UInt32
  /// The age of one connection; 0 is no limit.
  let connectionAgeLimit: UInt64

  /// - Throws: what the configuration's own checks have not found.
  public init(_ configuration: Configuration, _ bindings: Bindings) throws(SnapshotError) {
    self.configuration = configuration
    lease = bindings.lease
    sessions = bindings.sessions
    do throws(RouteTableError) {
      table = try RouteTable(configuration.routes.map(\.match))
    } catch {
      throw SnapshotError(route: configuration.routes[error.route].name, "\(error.reason)")
    }
    let limits = configuration.limits
    requestLimits = HeadLimits(
      lineBytes: limits.requestLineBytes, headBytes: limits.headBytes, fields: limits.headFields)
    responseLimits = HeadLimits(
      lineBytes: limits.responseHeadBytes, headBytes: limits.responseHeadBytes,
      fields: FieldTable.capacity)
    let given = configuration.timeouts
    timeouts = ClientTimeouts(
      handshake: given.handshake.nanoseconds,
      head: given.head.nanoseconds, body: given.body.nanoseconds,
      keepalive: given.keepalive.nanoseconds, send: given.send.nanoseconds,
      linger: given.linger.nanoseconds, tunnel: given.tunnel.nanoseconds,
      halfClosed: given.halfClosed.nanoseconds)
    var threads = FileThreadLimits()
    threads.threads = configuration.fileCache.threads
    threads.waiting = configuration.fileCache.waiting
    files = FileSettings(
      freshness: configuration.fileCache.freshness.nanoseconds,
      memoryBytes: configuration.fileCache.memoryBytes, threads: threads,
      timeout: configuration.fileCache.timeout.nanoseconds)
    forwarded = configuration.forwarded
    trusted = configuration.trustedProxies
    listeners = configuration.listen.map {
      ListenerRules($0, trusted: configuration.trustedProxies)
    }
    clientAddress = ForwardedAddress(configuration.clientAddress)
    let variables = VariableTable(configuration.variables)
    self.variables = variables
    let common = Common(configuration, variables)
    commonResponseEdits = common.responseEdits
    answersContinue = configuration.expectContinue == .answer
    gzip = GzipPlan(configuration.gzip ?? GzipSettings())
    unsentLimit = configuration.buffers.unsentBytes
    awaitsRequests = configuration.shutdown.servedLameDuck >= Worker.lameDuckForWaiting
    requestsLimit = UInt32(clamping: configuration.keepalive.requests)
    connectionAgeLimit = configuration.keepalive.age.nanoseconds
    var logged: [UInt8] = []
    pools = configuration.pools.enumerated().map { i, pool in
      Self.pool(pool, bindings.servers[i], bindings.pools[i], variables, &logged)
    }
    plans = configuration.pools.enumerated().map { i, pool in
      PoolPlan(
        pool,
        servers: bindings.servers[i].map {
          PoolPlan.Server(
            name: $0.name, weight: $0.weight, slot: $0.cell, isBackup: $0.isBackup,
            capacity: $0.capacity)
        })
    }
    var routes: [Route] = []
    for i in configuration.routes.indices {
      routes.append(
        try Self.route(
          i, of: configuration, common, variables, slots: bindings.routes[i], &logged))
    }
    self.routes = routes
    var text = ByteBuffer(capacity: logged.count + 1)
    text.append(logged.span)
    self.logged = text
  }

  /// Whether the address is a trusted proxy's.
  func trusts(_ address: IPAddress) -> Bool {
    // No iterator: it would hold the array, and all workers count its holders.
    for i in trusted.indices where trusted[i].contains(address) { return true }
    return false
  }

  /// The file server's routes go by the same numbers; those that serve no files have an empty one.
  public func fileRoutes() -> [FileRoute] {
    let none = FileRoute(base: .root("/"), candidates: [])
    return routes.map { route in
      if case .files(let files, _) = route.action { files } else { none }
    }
  }

  // MARK: Parts

  private static func pool(
    _ settings: PoolSettings, _ servers: [Server], _ binding: PoolBinding,
    _ variables: VariableTable, _ logged: inout [UInt8]
  ) -> Pool {
    var facts = PoolFacts()
    facts.cell = binding.cell
    facts.counters = binding.counters
    facts.speaksTLS = binding.tls != nil
    facts.checkPause = settings.health?.whenActive?.nanoseconds ?? 0
    facts.hasCapacity = servers.contains { $0.capacity > 0 }
    let queue = settings.effectiveQueue
    if let queue {
      facts.queueLimit = queue.requests
      facts.queueTimeout = queue.timeout.nanoseconds
      facts.retryAfter = UInt64(clamping: queue.retryAfter.components.seconds)
    }
    facts.connectTimeout = settings.timeouts.connect.nanoseconds
    facts.responseTimeout = settings.timeouts.response.nanoseconds
    facts.sendTimeout = settings.timeouts.send.nanoseconds
    facts.retries = settings.retries.tries
    if settings.retries.tries > 0, servers.count > 1 {
      facts.retryStatuses = FailureStatuses(settings.retries.statuses)
      facts.tryTimeout = settings.retries.tryTimeout?.nanoseconds ?? 0
      facts.holdBytes = settings.retries.holdBytes
    }
    facts.pageStatuses = FailureStatuses(settings.platformPage?.statuses ?? [])
    if let keepalive = settings.keepalive {
      facts.idleLimit = keepalive.connections
      facts.idleTimeout = keepalive.idle.nanoseconds
      facts.reusesSafely = keepalive.reuse == .safe
      facts.requestsLimit = UInt32(clamping: keepalive.requests)
      facts.ageLimit = keepalive.age.nanoseconds
    }
    facts.preservesHost = settings.host == .preserve
    if case .cookie = settings.affinity { facts.issuesCookie = true }
    if let engineIO = settings.engineIO {
      facts.hasSessions = true
      facts.sessionTimeout = engineIO.remember.nanoseconds
      facts.drainWindow = engineIO.drainWindow.nanoseconds
    }
    var hosts = servers.map(\.host)
    var hostTemplate: TextTemplate?
    if case .template(let template) = settings.host {
      if let host = template.constant {
        hosts = Array(repeating: host, count: servers.count)
      } else {
        hostTemplate = TextTemplate(template, variables)
        facts.makesHost = true
      }
    }
    return Pool(
      name: settings.name, facts: facts,
      servers: servers.map {
        let member = member("server", $0.name)
        defer { logged += member }
        return ServerFacts(
          cell: $0.cell, counters: $0.counters,
          logged: Slice(logged.count..<logged.count + member.count))
      },
      serverNames: servers.map(\.name),
      hosts: hosts, hostTemplate: hostTemplate,
      page: Array((settings.platformPage?.text ?? "").utf8),
      retryBudget: RetryBudget(percent: settings.retries.budgetPercent),
      busyPage: queue?.page.map { Array($0.utf8) },
      tls: binding.tls)
  }

  /// What routes share that do not have their own of it: there may be thousands.
  private struct Common {
    let requestEdits: HeadEdits
    let responseEdits: HeadEdits
    let mediaTypes = MediaTypes()

    init(_ configuration: Configuration, _ variables: VariableTable) {
      requestEdits = HeadEdits(configuration.requestHeaders, HeaderEdits(), variables)
      responseEdits = HeadEdits(configuration.responseHeaders, HeaderEdits(), variables)
    }
  }

  private static func route(
    _ index: Int, of configuration: Configuration, _ common: Common,
    _ variables: VariableTable, slots: RouteSlots, _ logged: inout [UInt8]
  ) throws(SnapshotError) -> Route {
    let settings = configuration.routes[index]
    var facts = RouteFacts()
    facts.index = index
    facts.counters = slots
    facts.isInternal = settings.isInternal
    facts.bodyLimit = configuration.limits.bodyBytes
    facts.tunnelTimeout = configuration.timeouts.tunnel.nanoseconds
    var site: TextTemplate?
    let firstLogged = logged.count
    logged += member("route", settings.name)
    facts.compresses = settings.gzip ?? (configuration.gzip != nil)
    let action: Route.Action
    switch settings.action {
    case .proxy(let proxy):
      facts.kind = .proxy
      guard let pool = configuration.poolIndex(named: proxy.pool) else {
        throw SnapshotError(route: settings.name, "there is no pool \(proxy.pool)")
      }
      facts.pool = pool
      logged += member("pool", proxy.pool) + Array(",\"attempts\":".utf8)
      facts.priority = proxy.priority
      facts.bodyLimit = proxy.bodyBytesLimit ?? configuration.limits.bodyBytes
      facts.buffersRequest = proxy.buffersRequest
      facts.buffersResponse = proxy.buffersResponse
      facts.isIdempotent = proxy.isIdempotent
      facts.followsAccelRedirect = proxy.followsAccelRedirect
      facts.allowsWebSocket = proxy.upgrade.contains { $0.lowercased() == "websocket" }
      facts.responseTimeout = proxy.timeouts.response?.nanoseconds ?? 0
      facts.sendTimeout = proxy.timeouts.send?.nanoseconds ?? 0
      facts.tunnelTimeout = proxy.timeouts.tunnel?.nanoseconds ?? facts.tunnelTimeout
      action = .proxy
    case .files(let files):
      facts.kind = .files
      site = files.variable.map { TextTemplate(.variable($0), variables) }
      let prefix = if case .prefix(let text, _) = settings.match.path { text } else { "" }
      action = .files(
        try fileRoute(
          files, prefix: prefix, name: settings.name, common,
          compression: facts.compresses ? configuration.gzip ?? GzipSettings() : nil),
        fallback: files.fallback.flatMap { configuration.routeIndex(named: $0) })
    case .redirect(let redirect):
      facts.kind = .redirect
      do throws(RedirectTargetError) {
        action = .redirect(
          RedirectPlan(
            target: try RedirectTarget(redirect.to), status: UInt16(clamping: redirect.status)))
      } catch {
        throw SnapshotError(route: settings.name, "\"\(redirect.to)\" \(error)")
      }
    case .respond(let respond):
      facts.kind = .respond
      action = .respond(
        ResponsePlan(
          status: UInt16(clamping: respond.status), body: Array(respond.body.utf8),
          contentType: respond.contentType))
    }
    let requestEdits =
      settings.requestHeaders.isEmpty
      ? common.requestEdits
      : HeadEdits(configuration.requestHeaders, settings.requestHeaders, variables)
    let responseEdits =
      settings.responseHeaders.isEmpty
      ? common.responseEdits
      : HeadEdits(configuration.responseHeaders, settings.responseHeaders, variables)
    facts.editsRequest = !requestEdits.isEmpty
    facts.editsResponse = !responseEdits.isEmpty
    facts.isLimited = !settings.limits.isEmpty
    facts.logged = Slice(firstLogged..<logged.count)
    return Route(
      facts: facts, requestEdits: requestEdits, responseEdits: responseEdits, action: action,
      name: settings.name,
      answersChallenges: settings.match.path.isForChallenges, site: site,
      limits: facts.isLimited ? LimitPlan(settings.limits, route: settings.name) : nil)
  }

  private static func fileRoute(
    _ settings: FilesSettings, prefix: String, name: String, _ common: Common,
    compression: GzipSettings?
  ) throws(SnapshotError) -> FileRoute {
    let base: FileRoute.Base =
      switch settings.base {
      case .root(let path): .root(path)
      case .alias(let path): .alias(path, prefixCount: prefix.utf8.count)
      }
    var candidates: [PathTemplate] = []
    for text in settings.candidates {
      guard let template = PathTemplate(text) else {
        throw SnapshotError(route: name, "\"\(text)\" is no template of a path")
      }
      candidates.append(template)
    }
    var rules: [CacheControl] = []
    for rule in settings.cacheControl {
      do throws(PatternError) {
        rules.append(
          CacheControl(
            pattern: try rule.pattern.map { text throws(PatternError) in try Pattern(text) },
            value: rule.value))
      } catch {
        throw SnapshotError(route: name, "\"\(rule.pattern ?? "")\": \(error.message)")
      }
    }
    return FileRoute(
      base: base, candidates: candidates, followsSymlinks: settings.followsSymlinks,
      precompressed: settings.precompressed.map { $0 == .br ? .brotli : .gzip },
      cacheControl: rules,
      mediaTypes: settings.mediaTypes.isEmpty
        ? common.mediaTypes : MediaTypes(overrides: settings.mediaTypes),
      compression: compression.map { GzipPlan($0).rule })
  }
}

extension PathPattern {
  /// It names the place where authorities look for what they have asked for (RFC 8555 §8.3).
  fileprivate var isForChallenges: Bool {
    switch self {
    case .exact(let path), .prefix(let path, _): path.hasPrefix("/.well-known/acme-challenge")
    case .regex: false
    }
  }
}

/// Why a configuration cannot be served, though it reads well.
public struct SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
  public let route: String
  public let reason: String

  init(route: String, _ reason: String) {
    self.route = route
    self.reason = reason
  }

  public var description: String { "route \(route): \(reason)" }
}
