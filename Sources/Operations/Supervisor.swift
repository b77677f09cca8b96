import Balancing
public import CLibraries
public import Configuration
import Files
public import Logging
import Memory
public import Network
import Proxy
import Reactor

/// The control thread: starts the workers, keeps them told of the configuration and of their
/// servers, answers probes, obeys signals, and ends the process in good order.
///
/// The walk: `Supervisor+Start` → `run` → `Supervisor+Servers`, `Supervisor+Reload`,
/// `Supervisor+Pages` → `Supervisor+Shutdown`.
public final class Supervisor {
  /// What the process ends with; 78 is EX_CONFIG (sysexits.h).
  public enum ExitStatus: Int32, Sendable {
    case success = 0
    case failure = 1
    case badConfiguration = 78
  }

  /// Why nothing has started.
  public enum StartError: Error, Sendable {
    case configuration([Diagnostic])
    /// What the machine refuses, in words.
    case machine(String)
  }

  /// What a supervisor is given by whoever starts it.
  public struct Setting: Sendable {
    public var source: ConfigurationSource
    public var version: String
    public var logger: Logger
    /// Its level follows the configuration; nil where somebody else cares for it.
    public var output: LogOutput?
    /// False where signals are somebody else's, as in tests.
    public var obeysSignals = true
    public var mailbox: ControlMailbox
    /// Told when checks take a server down or bring it up, on the control thread.
    public var healthChanged: @Sendable (SocketAddress, _ isUp: Bool) -> Void = { _, _ in }
    /// Looks names up; replaced in tests.
    public var resolve: @Sendable (String) throws(ResolverError) -> Resolver.Answer

    public init(
      source: ConfigurationSource, version: String, logger: Logger, output: LogOutput?,
      mailbox: ControlMailbox
    ) {
      self.source = source
      self.version = version
      self.logger = logger
      self.output = output
      self.mailbox = mailbox
      resolve = { (name) throws(ResolverError) in
        try Resolver().resolve(name, timeout: NameResolver.timeout)
      }
    }
  }

  /// Servers that all configurations in use may have together.
  static let serverLimit = 1024
  static let poolLimit = 256

  let setting: Setting
  let logger: Logger
  var control: ControlLoop
  let signals: SignalQueue?
  var configuration: Configuration
  let started: Clock

  var directory: ServerDirectory
  var roster: ServerRoster
  var orders = ServerOrders()
  /// Rosters whose configuration some worker may still use.
  var retired: [RetiredRoster] = []
  /// Of snapshots that were made from `roster`.
  var current: [WeakLease] = []
  var prober: HealthProber
  let names: NameResolver

  /// Made when a pool first needs it, and kept.
  var sessions: SessionTable?
  let registry: MetricRegistry
  let workerSlots: WorkerSlots
  var ejections: [String: [String: Int]] = [:]
  var reloads = (succeeded: 0, failed: 0)
  var lastReloadSucceeded = true
  var lastReload: UInt64
  let descriptorLimit: Int

  let accessLog: AccessLogWriter?
  let spill: SpillWriter
  let files = FileThreads()
  var watch: FileWatch
  let watchLookup = Lookout()
  var workers: WorkerPool
  let tickets: TicketKeys
  var ticketFile: TicketFile
  var tls: TLSListeners
  /// Of the workers' listeners: which entry of `listen` each is of.
  let places: [Int]
  var poolContexts: PoolContexts
  var certificateWatch: FileWatch
  let certificateLookup = Lookout()
  let reloadLookup = Lookout()
  var nextTicketKey: Instant
  var nextExpiryCheck: Instant = 0
  var admin: AdminServer?
  /// Where clients connect.
  public let addresses: [SocketAddress]
  public let adminAddresses: [SocketAddress]

  var shutdown = ShutdownMachine()
  var isLogClosed = false
  var status: ExitStatus?
  var reports = ReportFilter()
  var saidDropped: UInt64 = 0
  var saidRefusals = 0
  var nextHurry: Instant = 0

  /// Opens sockets and logs, and starts the threads.
  ///
  /// - Parameter sources: what the configuration was read from.
  init(_ setting: Setting, _ configuration: Configuration, _ sources: [FileSight]) throws {
    self.setting = setting
    watch = FileWatch(sources)
    self.configuration = configuration
    logger = setting.logger
    // First, for threads inherit which signals are blocked.
    var signals: SignalQueue?
    if setting.obeysSignals { signals = try SignalQueue() }
    descriptorLimit = try Syscalls.raiseDescriptorLimit()
    var control = try ControlLoop()
    started = control.clock
    lastReload = control.clock.wall

    let count = configuration.workers ?? CPUQuota.current().workers
    let cells = SharedTable(count: Self.serverLimit) { _ in ServerCell() }
    let poolCells = SharedTable(count: Self.poolLimit) { _ in PoolCell() }
    var directory = ServerDirectory(cells: cells, pools: poolCells)
    var roster = try ServerRoster(configuration.pools, &directory) { _ in nil }
    poolContexts = try PoolContexts(configuration.pools, after: nil)
    roster.secure(by: poolContexts.contexts)
    registry = MetricRegistry(workers: count)
    workerSlots = Metrics.workerSlots(registry)
    let lease = SnapshotLease()
    sessions = Self.sessions(for: configuration, known: nil)
    let snapshots = try Self.snapshots(
      count, configuration, roster, registry, lease, sessions)
    current = [WeakLease(lease)]

    tickets = TicketKeys()
    let tls = try TLSListeners(configuration.listen, tickets, setting.source.status)
    ticketFile = try TicketFile(configuration.tls, setting.source.status)
    if !ticketFile.keys.isEmpty { tickets.take(ticketFile.keys) }
    certificateWatch = FileWatch(tls.sights + ticketFile.sights)
    nextTicketKey = control.clock.now + configuration.tls.ticketRotation.nanoseconds
    self.tls = tls
    let sockets = try Self.sockets(
      count, configuration.listen, unsentLimit: configuration.buffers.unsentBytes)
    addresses = sockets.addresses
    places = sockets.places
    admin = try configuration.admin.map { settings in
      try AdminServer(listening: ListeningSockets(settings.listen), &control)
    }
    adminAddresses = admin?.addresses ?? []

    let mailbox = setting.mailbox
    accessLog = try configuration.log.access.destination.map { destination in
      try AccessLogWriter(to: destination, logger: setting.logger) { mailbox.post(.logEnded) }
    }
    spill = try SpillWriter(
      directory: configuration.limits.spillDirectory, limit: configuration.limits.spillBytes)
    names = try NameResolver(
      logger: setting.logger, wake: { mailbox.post(.namesAnswered) }, resolve: setting.resolve)
    names.track(roster.names, now: control.clock.now)
    prober = HealthProber(
      random: RandomSource(seed: try Syscalls.randomWords()[0]), isFull: { cells[$0].isFull },
      idleTime: { target, now in
        cells[target.cell].inFlight > 0 ? 0 : poolCells[target.poolCell].idleTime(at: now)
      })
    prober.track(roster.targets, &control)
    if let queue = signals.take() {
      try control.events.registerReadable(queue.descriptor, token: Token(kind: .signals))
      signals = consume queue
    }
    self.signals = consume signals
    try control.events.registerReadable(
      mailbox.wakeup.descriptor, token: Token(kind: .wakeup))

    let limit = Self.connectionLimit(configuration.limits.connections, descriptorLimit)
    workers = try WorkerPool(
      snapshots, listening: sockets.numbers,
      WorkerPool.Common(
        cells: cells, poolCells: poolCells, table: registry.table, slots: workerSlots,
        accessLog: accessLog?.queue, spill: spill, files: files, limiter: RequestLimiter(),
        connectionsLimit: (limit + count - 1) / count, control: mailbox,
        tls: Metrics.tlsSlots(registry), places: sockets.places,
        identities: tls.contexts(of: sockets.places)),
      now: control.clock.now)
    self.control = control
    self.directory = directory
    self.roster = roster
  }

  /// Runs until a signal ends it, or something that cannot be mended.
  public func run() -> ExitStatus {
    while true {
      if let status { return status }
      do throws(SystemError) {
        try turn(waiting: patience)
      } catch {
        logger.critical("the control thread cannot go on: \(error)")
        return .failure
      }
    }
  }

  /// One turn of the loop.
  private func turn(waiting milliseconds: Int) throws(SystemError) {
    let count = try control.events.poll(timeout: milliseconds)
    control.clock = .read()
    for i in 0..<count { handle(control.events.event(i)) }
    while let token = control.timers.nextExpired(now: control.clock.now) { expired(token) }
    turnNames()
    hurryNamesOfLost()
    lookAtFiles()
    tendCertificates()
    releaseRetired()
    watchLimits()
    advanceShutdown()
  }

  /// Milliseconds until something is due; a second at most, for what is only looked at.
  private var patience: Int {
    let now = control.clock.now
    var wait = control.timers.nextDelay(now: now, atMost: 1000)
    for due in [names.nextDue, shutdown.nextDue, nextLook, nextCertificateLook] {
      guard let due else { continue }
      wait = min(wait, due <= now ? 0 : Int(clamping: (due - now) / 1_000_000) + 1)
    }
    return max(wait, 0)
  }

  private func handle(_ event: Event) {
    switch event.token.controlKind {
    case .signals: readSignals()
    case .wakeup: for message in setting.mailbox.takeAll() { obey(message) }
    case .adminListener, .adminConnection:
      admin?.handle(event, &control) { answer($0, &$1) }
    case .probe:
      if let change = prober.handle(event, &control) { publish(change) }
    case nil: preconditionFailure("a token of no kind")
    }
  }

  private func expired(_ token: Token) {
    switch token.controlKind {
    case .adminConnection, .adminListener: admin?.expired(token, &control)
    case .probe:
      if let change = prober.expired(token, &control) { publish(change) }
    case .wakeup, .signals, nil: preconditionFailure("no timer is set for that")
    }
  }

  private func readSignals() {
    while let signal = nextSignal() {
      switch signal {
      case .terminate, .quit: obey(.terminate)
      case .interrupt: obey(.interrupt)
      case .hangUp:
        obey(.reload)
        obey(.reopenLogs)
      case .user1: obey(.reopenLogs)
      case .child: SignalQueue.reapChildren()
      }
    }
  }

  private func nextSignal() -> SignalQueue.Signal? {
    switch signals {
    case .some(let queue): queue.next()
    case .none: nil
    }
  }

  private func obey(_ message: ControlMailbox.Message) {
    switch message {
    case .terminate: terminate()
    case .interrupt: terminate(skipsLameDuck: true)
    case .reload: _ = reload(&control)
    case .reopenLogs: accessLog?.reopen()
    case .report(let report): write(report)
    case .workerEnded(let number, let error): workerEnded(number, error)
    case .logEnded: isLogClosed = true
    case .namesAnswered: break  // each turn takes in what was answered
    case .looked(let sights): take(sights)
    case .lookedAtCertificates(let look): takeCertificates(look)
    }
  }
}
