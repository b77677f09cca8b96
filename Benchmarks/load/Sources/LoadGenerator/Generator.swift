import HTTP
import Memory
public import Reactor

/// Sends requests at the times a schedule has for them, whatever the server does (an open loop),
/// over connections that stay, and measures each from when it was meant to be sent.
///
/// A request that is due while all connections are busy waits here, and its waiting counts: as
/// it does for users, and as it would not if a request were only sent when an answer came
/// ("coordinated omission").
public struct Generator: ~Copyable {
  let plan: LoadPlan
  let mix: Mix
  var loop: EventLoop
  var timer: PreciseTimer
  /// Room to parse in.
  var head = ResponseHead()

  var clients: Slab<Client>
  /// Connections that could not be opened: they are tried again now and then.
  var missingClients = 0
  var sockets: Slab<EngineClient>
  var missingSockets = 0
  var joinedSockets = 0

  var schedule: Schedule
  var choice: Choice
  /// Some may be gone by the time that they are taken.
  var idle = Queue<Handle>()
  /// Due, and no connection was free.
  var waiting = Queue<Wanted>()
  /// Requests that are counted and have neither been answered nor failed.
  var outstanding = 0

  var window = Window()
  var report: Report

  /// From when the load is counted, and when it ends: never, before it has begun.
  struct Window {
    var counted: Instant = .max
    var end: Instant = 0
  }

  enum TokenKind: UInt8 { case timer, client, socket }

  /// How often connections and requests are looked at that nothing happens to.
  private static let tick: UInt64 = 100_000_000

  /// - Throws: when the system gives no descriptors.
  public init(_ plan: LoadPlan, _ mix: Mix) throws(SystemError) {
    precondition(plan.connections > 0)
    _ = try Syscalls.raiseDescriptorLimit()
    let loop = try EventLoop()
    let timer = try PreciseTimer()
    try loop.registerReadable(timer.descriptor, token: Self.token(.timer))
    self.loop = loop
    self.timer = timer
    self.plan = plan
    self.mix = mix
    clients = Slab(capacity: plan.connections)
    sockets = Slab(capacity: max(1, mix.sockets?.count ?? 0))
    choice = Choice(mix.kinds, seed: plan.seed)
    schedule = Schedule(from: 0, rate: plan.rate, arrivals: plan.arrivals, seed: plan.seed)
    report = Report(plan, mix)
  }

  /// All of the load, from the first connection to the last answer.
  ///
  /// - Throws: PrimingError when connections do not come about, SystemError when the system gives no
  ///   descriptors.
  public mutating func run() throws -> Report {
    missingClients = plan.connections
    missingSockets = mix.sockets?.count ?? 0
    try waitForConnections()

    let now = Clock.read().now
    window = Window(counted: now + plan.warmUp, end: now + plan.warmUp + plan.duration)
    schedule = Schedule(from: now, rate: plan.rate, arrivals: plan.arrivals, seed: plan.seed)
    var nextTick = now
    while true {
      let now = Clock.read().now
      try sendDue(now)
      if now >= nextTick {
        nextTick = now + Self.tick
        try lookAround(now)
      }
      if schedule.next > window.end, now >= window.end, outstanding == 0 { break }
      try turn(until: min(schedule.next <= window.end ? schedule.next : .max, nextTick))
    }
    report.close(window)
    return report
  }

  /// Opens all connections, and waits as long for them as for an answer.
  private mutating func waitForConnections() throws {
    let deadline = Clock.read().now + plan.timeout
    while idle.count < plan.connections || joinedSockets < mix.sockets?.count ?? 0 {
      let now = Clock.read().now
      guard now < deadline else {
        let sockets = (mix.sockets?.count ?? 0) - joinedSockets
        throw PrimingError(
          description:
            "\(plan.connections - idle.count) connections and \(sockets) sockets are missing")
      }
      try openMissing()
      try turn(until: now + Self.tick)
    }
  }

  /// Waits, and takes what comes. What is due meanwhile is sent between one event and the next.
  private mutating func turn(until instant: Instant) throws(SystemError) {
    try timer.arm(at: instant)
    let count = try loop.poll(timeout: nil)
    for i in 0..<count {
      let event = loop.event(i)
      switch TokenKind(rawValue: event.token.kind) {
      case .client: try handleClient(event)
      case .socket: try handleSocket(event)
      case .timer, nil: break
      }
      try sendDue(Clock.read().now)
    }
  }

  /// Sends what is due, or lets it wait for a connection.
  private mutating func sendDue(_ now: Instant) throws(SystemError) {
    while schedule.next <= min(now, window.end) {
      let intended = schedule.next
      schedule.moveOn()
      let (kind, request) = choice.next()
      let wanted = Wanted(
        kind: kind, request: request, intended: intended, counts: intended > window.counted)
      if wanted.counts {
        outstanding += 1
        report.lag.record(now - intended)
      }
      if let handle = takeIdle() {
        try send(wanted, on: handle, at: now)
      } else {
        waiting.append(wanted)
      }
    }
  }

  private mutating func takeIdle() -> Handle? {
    while let handle = idle.takeOldest() {
      if clients.contains(handle), clients[handle].state == .idle { return handle }
    }
    return nil
  }

  /// Gives up what has waited for too long, and opens what is missing.
  private mutating func lookAround(_ now: Instant) throws(SystemError) {
    while let wanted = waiting.oldest, wanted.intended + plan.timeout < now {
      _ = waiting.takeOldest()
      fail(wanted, .timeout)
    }
    for slot in 0..<clients.slotLimit {
      guard let handle = clients.handle(ofSlot: slot), clients[handle].state == .asking,
        clients[handle].wanted.intended + plan.timeout < now
      else { continue }
      fail(clients[handle].wanted, .timeout)
      try replace(handle)
    }
    try openMissing()
  }

  private mutating func openMissing() throws(SystemError) {
    for _ in 0..<missingClients { try openClient() }
    for _ in 0..<missingSockets { try openSocket() }
  }

  mutating func fail(_ wanted: Wanted, _ failure: Failure) {
    guard wanted.counts else { return }
    outstanding -= 1
    report.tallies[wanted.kind].record(failure)
  }

  static func token(_ kind: TokenKind, _ handle: Handle = Handle(slot: 0, generation: 0)) -> Token {
    Token(kind: kind.rawValue, handle: handle)
  }
}
