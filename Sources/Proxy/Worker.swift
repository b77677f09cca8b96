public import Balancing
public import CLibraries
import Configuration
public import Files
import HTTP
public import Memory
import Network
public import Reactor
import Routing
import Synchronization

/// What all workers share, and what one of them is given for itself.
public struct WorkerEnvironment: Sendable {
  /// The worker's number, from 0.
  public var number: Int
  public var cells: SharedTable<ServerCell>
  public var poolCells: SharedTable<PoolCell>
  public var counters: WorkerCounters
  public var slots: WorkerSlots
  /// Where lines of the access log go; nil when there is none.
  public var accessLog: BatchQueue?
  public var spill: SpillWriter
  public var files: FileThreads
  /// Of all workers, by number.
  public var mailboxes: [Mailbox]
  /// The worker's own.
  public let mailbox: Mailbox
  /// Connections that this worker may have open to clients.
  public var connectionsLimit: Int
  /// Where the worker writes that it is alive.
  public var heartbeat: Heartbeat
  /// Where handshakes are counted.
  public var tls = TLSSlots()
  /// How many workers there are.
  public var workers: Int
  /// Counts the requests of routes with limits, for all workers.
  public var limiter = RequestLimiter()
  /// Takes what an operator should read; called rarely, and must not wait.
  public var report: @Sendable (WorkerReport) -> Void

  public init(
    number: Int, workers: Int, cells: SharedTable<ServerCell>, poolCells: SharedTable<PoolCell>,
    counters: WorkerCounters, slots: WorkerSlots, accessLog: BatchQueue?, spill: SpillWriter,
    files: FileThreads, mailboxes: [Mailbox], connectionsLimit: Int, heartbeat: Heartbeat,
    report: @escaping @Sendable (WorkerReport) -> Void
  ) {
    self.number = number
    self.workers = workers
    self.report = report
    self.cells = cells
    self.poolCells = poolCells
    self.counters = counters
    self.slots = slots
    self.accessLog = accessLog
    self.spill = spill
    self.files = files
    self.mailboxes = mailboxes
    mailbox = mailboxes[number]
    self.connectionsLimit = connectionsLimit
    self.heartbeat = heartbeat
  }
}

/// What a worker lets others see of itself.
public final class Heartbeat: Sendable {
  private let turn = Atomic<UInt64>(0)
  private let open = Atomic<Int>(0)
  private let finished = Atomic<Bool>(false)

  public init() {}

  /// When the worker's last turn began, on the monotonic clock.
  public var lastTurn: Instant { turn.load(ordering: .relaxed) }
  /// Exchanges and tunnels under way, and connections that may carry another request.
  public var openConnections: Int { open.load(ordering: .relaxed) }
  /// The worker has drained, and its thread is gone.
  public var isFinished: Bool { finished.load(ordering: .acquiring) }

  func beat(at instant: Instant, open count: Int) {
    turn.store(instant, ordering: .relaxed)
    open.store(count, ordering: .relaxed)
  }

  func finish() { finished.store(true, ordering: .releasing) }
}

/// One thread's share of the work: its own epoll, listeners, connections and buffers. Nothing
/// of it is touched by another thread; what others have to say comes through its mailbox.
///
/// The walk of a request: `Worker+Accept` → `Worker+Heads` → `Worker+Routes` →
/// `Worker+RequestBodies` → `Worker+Upstreams` → `Worker+Responses` → `Worker+Finish`.
public struct Worker: ~Copyable {
  /// What a token's kind says.
  enum Kind: UInt8 { case listener, client, upstream, mailbox, room }

  /// Pieces read or written for one connection before others have their turn.
  static let pieceBudget = 16

  /// Keeps the worker where it is: a structure with an atomic in it has an address, and the
  /// compiler hands that to those who only read, instead of a copy of all its 2 KB on their stack.
  private let anchor = Atomic<Bool>(false)
  var loop: EventLoop
  var clock: Clock
  var wheel: TimerWheel
  let environment: WorkerEnvironment
  var listeners: Slab<Listener>
  var clients: Slab<ClientConnection>
  /// Clients that the loop does not know yet.
  var newcomers: [Handle] = []
  var upstreams: Slab<UpstreamConnection>
  var exchanges: Slab<Exchange>
  var tunnels: Slab<Tunnel>
  var generations: Slab<Generation>
  var current: Handle

  var buffers: BufferPool
  var requestMemory: RequestMemory
  var responseMemory: BufferPool
  var pieces: BufferPool
  /// By cell: idle connections to servers.
  var idle: [IdleConnections]
  /// By cell: what resumes a session with a server.
  var tickets: [TLSTicket?]
  /// By cell: requests that wait for a server of a pool.
  var rooms: [WaitingRoom]
  /// Cells of the rooms that may let requests go on, when this turn's events are behind us.
  var dueRooms: [Int] = []

  /// By listener: which entry of `listen` it is of.
  var places: [Int] = []
  /// By listener: who we are in TLS; nil where clients speak plain HTTP.
  var identities: [TLSContext?] = []
  var handshakes = Handshakes()
  /// Those that may get on, in the order in which it was noticed.
  var handshakesDue: [Handle] = []

  var files: FileServer
  var fileWaiters = FileWaiters()
  /// Those whose question has been answered while there was no time for them.
  var answered: [AnsweredWaiter] = []
  /// How many more that have waited for files go on in this turn.
  var waitersLeft = Worker.waitersBudget
  /// Pieces of files that are in memory for clients that have not taken them yet.
  var heldFilePieces = 0
  var compressors = Compressors()
  var pipes = Pipes()

  /// The head that was parsed last; good while `headOwner` is the exchange in question.
  var requestHead = RequestHead()
  var headOwner = Handle.none
  var responseHead = ResponseHead()
  var routeScratch = RouteScratch()
  // Room for what is put together within one call.
  var path: ByteBuffer
  /// What the variable of a route for files stands for.
  var site = ByteBuffer(capacity: 512)
  /// The media type that a file is sent as, when it is not its own.
  var mediaType = ByteBuffer(capacity: FileServer.typeLimit)
  /// Lines of a response's head.
  var fields = ByteBuffer(capacity: 1024)
  var scratch = ByteBuffer(capacity: 16 << 10)
  /// What is read of a large body and sealed at once; no room until there is one.
  var sealed = ByteBuffer()
  /// Where the records of clients are opened and sealed.
  let records = RecordRoom()
  var date = DateField()
  var log: AccessLog
  var random: RandomSource
  /// Connections with more to do than their share of this turn.
  var ready: [Token] = []
  /// Each response is the last of its connection: the process is about to end.
  var isTakingLeave = false
  var isDraining = false
  var isStopped = false
  /// Accepting waits for descriptors: until something closes, or a moment has passed.
  var isShortOfDescriptors = false
  /// By cell: draining servers whose clients are told to move.
  var moves: [Int: DrainMove] = [:]
  /// A snapshot that waits for a place.
  var deferred: Snapshot?
  /// How many turns of the loop there have been.
  var turns: UInt64 = 0
  /// How many requests of one connection have been begun within another's end.
  var depth = 0

  public init(
    _ environment: WorkerEnvironment, snapshot: Snapshot, clock: Clock = .read()
  ) throws(SystemError) {
    let seeds = try Syscalls.randomWords()
    loop = try EventLoop()
    self.environment = environment
    self.clock = clock
    wheel = TimerWheel(now: clock.now)
    let limit = environment.connectionsLimit
    listeners = Slab(capacity: 64)
    clients = Slab(capacity: limit)
    upstreams = Slab(capacity: limit * 2)
    exchanges = Slab(capacity: limit)
    tunnels = Slab(capacity: limit)
    generations = Slab(capacity: 256)
    let sizes = snapshot.configuration.buffers
    buffers = BufferPool(bufferCapacity: 16 << 10, keptLimit: 512)
    requestMemory = RequestMemory(largest: max(sizes.requestBytes, 16 << 10))
    responseMemory = BufferPool(
      bufferCapacity: max(sizes.responseBytes, 16 << 10), keptLimit: 16)
    pieces = BufferPool(bufferCapacity: BodyStore.pieceBytes, keptLimit: 16)
    idle = Array(repeating: IdleConnections(), count: environment.cells.count)
    tickets = Array(repeating: nil, count: environment.cells.count)
    rooms = Array(repeating: WaitingRoom(), count: environment.poolCells.count)
    files = FileServer(seed: seeds[1])
    path = ByteBuffer(capacity: 64 << 10)
    log = AccessLog(queue: environment.accessLog)
    random = RandomSource(seed: seeds[0])
    current = .none
    current = adopt(snapshot)
    date.refresh(wall: clock.wall)
  }

  /// Takes over listening sockets and begins to hear what others say.
  ///
  /// - Parameters:
  ///   - places: for each of the sockets, which entry of `listen` it is of.
  ///   - identities: for each of the sockets, what its TLS is made with; nil, or none, for plain
  ///     HTTP.
  public mutating func open(
    listening sockets: [Int32], places: [Int], identities: [TLSContext?] = []
  ) throws(SystemError) {
    self.places = places
    let missing = max(sockets.count - identities.count, 0)
    self.identities = identities + Array(repeating: nil, count: missing)
    try loop.registerReadable(
      environment.mailbox.wakeup.descriptor, token: Token(kind: .mailbox, .none))
    for (number, socket) in sockets.enumerated() { try listen(on: socket, number: number) }
  }

  /// Runs until the worker has drained or is told to stop.
  public mutating func run() throws(SystemError) {
    while !isFinished {
      let count = try loop.poll(timeout: patience())
      turn(events: count, clock: .read())
    }
    for cell in idle.indices { giveUpIdle(to: cell) }
    log.flush(environment)
    environment.heartbeat.finish()
  }

  /// One turn as of `clock`, for tests that move the time by hand.
  public mutating func turn(at clock: Clock) throws(SystemError) {
    turn(events: try loop.poll(timeout: 0), clock: clock)
  }

  private mutating func turn(events: Int, clock: Clock) {
    self.clock = clock
    turns &+= 1
    date.refresh(wall: clock.wall)
    // Those who have had their share of this turn go on in the next one.
    let resumed = takeReady()
    goOnWithFiles()
    for i in 0..<events { handle(loop.event(i)) }
    for token in resumed { resume(token) }
    while let token = wheel.nextExpired(now: clock.now) { expire(token) }
    shakeHands()
    changeToDeferred()
    serveRooms()
    if !newcomers.isEmpty { registerNewcomers() }
    log.flushIfDue(environment, now: clock.now)
    environment.heartbeat.beat(at: clock.now, open: clients.count)
  }

  var isFinished: Bool { isStopped || (isDraining && clients.count == 0) }

  /// Milliseconds until something is due without an event.
  @inline(__always) private mutating func patience() -> Int? {
    if !ready.isEmpty || !answered.isEmpty || !dueRooms.isEmpty || !handshakesDue.isEmpty {
      return 0
    }
    // At least one turn a second, so that everyone can see that this worker is alive.
    let limit = newcomers.isEmpty ? 1000 : Self.registrationDelay
    let wait = wheel.nextDelay(now: clock.now, atMost: limit)
    return min(wait, log.delay(now: clock.now) ?? wait)
  }

  private mutating func handle(_ event: Event) {
    switch Kind(rawValue: event.token.kind) {
    case .client: clientEvent(event.token.handle, event.readiness)
    case .upstream: upstreamEvent(event.token.handle, event.readiness)
    case .listener: acceptConnections(event.token.handle)
    case .mailbox: readMailbox()
    case .room, nil: preconditionFailure("a token of no kind")
    }
  }

  private mutating func expire(_ token: Token) {
    switch Kind(rawValue: token.kind) {
    case .client: clientExpired(token.handle)
    case .upstream: upstreamExpired(token.handle)
    case .listener: resumeAccepting()
    case .room: roomExpired(Int(token.handle.slot))
    case .mailbox, nil: preconditionFailure("no timer is set for that")
    }
  }

  private mutating func takeReady() -> [Token] {
    var taken: [Token] = []
    swap(&taken, &ready)
    return taken
  }

  /// Goes on with one who had more to do than its share.
  private mutating func resume(_ token: Token) {
    if Kind(rawValue: token.kind) == .client { giveTurn(token.handle) }
    handle(Event(token: token, readiness: []))
  }

  private mutating func readMailbox() {
    for message in environment.mailbox.takeAll() {
      switch message {
      case .snapshot(let snapshot): change(to: snapshot)
      case .identities(let identities): self.identities = identities
      case .giveUpIdle(let cell): giveUpIdle(to: cell)
      case .takeBack(let cell): takeBack(from: cell)
      case .slotFree(let cell): makeDue(cell)
      case .move(let cell, let window): moveClients(of: cell, within: window)
      case .stay(let cell): letClientsStay(with: cell)
      case .drain(let time): drain(within: time)
      case .takeLeave: takeLeave()
      case .stop: isStopped = true
      case .spilled(let job): spilled(job)
      case .found(let lookup): found(lookup)
      case .read(let read): readFile(read)
      }
    }
  }
}

extension Token {
  init(kind: Worker.Kind, _ handle: Handle) {
    self.init(kind: kind.rawValue, handle: handle)
  }
}
