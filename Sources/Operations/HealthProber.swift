public import Balancing
import CLibraries
public import Configuration
import Memory
public import Network
public import Reactor

/// A server to be checked.
public struct ProbeTarget: Equatable, Sendable {
  /// Its place in the table that workers look into.
  public let cell: Int
  public let pool: String
  /// Of the pool's own cell.
  public let poolCell: Int
  /// What logs call it.
  public let server: String
  public let address: SocketAddress
  /// The Host to ask for unless the check names another.
  public let host: String
  public let check: HealthCheck
  /// nil: it is asked in plain HTTP.
  public let tls: TLS?

  /// How it is asked over TLS.
  public struct TLS: Equatable, Sendable {
    let context: TLSContext
    let peer: TLSPeer

    init(_ context: TLSContext, _ peer: TLSPeer) {
      self.context = context
      self.peer = peer
    }
  }

  public init(
    cell: Int, pool: String, poolCell: Int = 0, server: String, address: SocketAddress,
    host: String,
    check: HealthCheck, tls: TLS? = nil
  ) {
    self.cell = cell
    self.pool = pool
    self.poolCell = poolCell
    self.server = server
    self.address = address
    self.host = host
    self.check = check
    self.tls = tls
  }
}

/// A server's health has changed.
public struct HealthChange: Equatable, Sendable {
  public let target: ProbeTarget
  public let transition: HealthMachine.Transition
  /// What the last check said.
  public let result: ProbeResult
  /// From the first of the checks that made it to the last.
  public let span: Duration
}

/// Asks servers whether they are well (`health` of a pool): one GET each per interval, on a
/// connection of its own, without ever waiting for one.
public struct HealthProber: ~Copyable {
  /// Servers that can be checked.
  public static let targetLimit = 4096

  private var probes = Slab<Probe>(capacity: targetLimit)
  private var handles: [Int: Handle] = [:]
  private var random: RandomSource
  private let isFull: @Sendable (Int) -> Bool
  private let idleTime: @Sendable (ProbeTarget, Instant) -> UInt64

  /// - Parameters:
  ///   - isFull: whether the server of a cell has as many requests as it takes at once.
  ///   - idleTime: for how long, in nanoseconds, neither the server has had a request nor its pool
  ///     has got one.
  public init(
    random: RandomSource, isFull: @escaping @Sendable (_ cell: Int) -> Bool = { _ in false },
    idleTime: @escaping @Sendable (ProbeTarget, _ now: Instant) -> UInt64 = { _, _ in 0 }
  ) {
    self.random = random
    self.isFull = isFull
    self.idleTime = idleTime
  }

  /// The servers to check from now on. One that was checked before in the same way keeps what
  /// is known of it; a new one is asked at once.
  public mutating func track(_ targets: [ProbeTarget], _ control: inout ControlLoop) {
    let wanted = Dictionary(targets.map { ($0.cell, $0) }) { $1 }
    for (cell, handle) in handles where probes[handle].target != wanted[cell] {
      probes[handle].stop(&control)
      probes.remove(handle)
      handles[cell] = nil
    }
    for target in targets where handles[target.cell] == nil {
      guard let handle = probes.insert(Probe(target)) else { continue }
      handles[target.cell] = handle
      probes[handle].timer = control.schedule(.probe, handle, after: .zero)
    }
  }

  /// Whether the server of a cell is up; nil when it is not checked.
  public func isUp(cell: Int) -> Bool? {
    guard let handle = handles[cell] else { return nil }
    return probes[handle].machine.isUp
  }

  /// The cells of servers that are up and whose sites are being maintained.
  public var maintained: Set<Int> {
    Set(handles.filter { probes[$0.value].machine.state == .maintained }.keys)
  }

  /// Whether a check of the server of a cell is under way.
  func isBusy(cell: Int) -> Bool {
    guard let handle = handles[cell] else { return false }
    return probes[handle].isRunning
  }

  /// Whether a check of the server of a cell has its connection.
  func isConnected(cell: Int) -> Bool {
    guard let handle = handles[cell] else { return false }
    return probes[handle].isRunning && probes[handle].isConnected
  }

  /// Deals with what has become possible on a connection of a check.
  public mutating func handle(_ event: Event, _ control: inout ControlLoop) -> HealthChange? {
    let handle = event.token.handle
    guard probes.contains(handle) else { return nil }
    guard let result = probes[handle].advance(event.readiness) else { return nil }
    return finish(handle, result, &control)
  }

  /// A check is due, or has taken too long.
  public mutating func expired(_ token: Token, _ control: inout ControlLoop) -> HealthChange? {
    let handle = token.handle
    guard probes.contains(handle) else { return nil }
    probes[handle].timer = 0
    if probes[handle].isRunning {
      let wasFull = probes[handle].beganFull || isFull(probes[handle].target.cell)
      return finish(handle, probes[handle].timedOut(wasFull: wasFull), &control)
    }
    if mayPause(handle, control.clock.now) {
      probes[handle].isPaused = true
      return nil
    }
    let isFull = isFull(probes[handle].target.cell)
    let result = probes[handle].start(handle, isFull: isFull, &control)
    guard let result else {
      let timeout = probes[handle].target.check.timeout
      probes[handle].timer = control.schedule(.probe, handle, after: timeout)
      return nil
    }
    return finish(handle, result, &control)
  }

  /// Only servers that are up are not asked: one that is down is not found to be back by nobody.
  private func mayPause(_ handle: Handle, _ now: Instant) -> Bool {
    guard let pause = probes[handle].target.check.whenActive, probes[handle].machine.isUp else {
      return false
    }
    return idleTime(probes[handle].target, now) >= pause.nanoseconds
  }

  /// The pool has a request: its servers are asked again.
  public mutating func wake(pool: String, _ control: inout ControlLoop) {
    for handle in handles.values where probes[handle].isPaused && probes[handle].target.pool == pool
    {
      probes[handle].isPaused = false
      probes[handle].timer = control.schedule(.probe, handle, after: .zero)
    }
  }

  private mutating func finish(
    _ handle: Handle, _ result: ProbeResult, _ control: inout ControlLoop
  ) -> HealthChange? {
    let change = probes[handle].finish(result, &control)
    let wait = HealthProber.wait(probes[handle].target.check, &random)
    let due = max(probes[handle].began + wait, control.clock.now)
    probes[handle].timer = control.timers.schedule(Token(kind: .probe, handle), at: due)
    return change
  }

  /// From the beginning of one check to that of the next: the interval, longer or shorter by
  /// the jitter at most.
  static func wait(_ check: HealthCheck, _ random: inout RandomSource) -> UInt64 {
    let interval = check.interval.nanoseconds
    let most = interval / 100 * UInt64(check.jitterPercent)
    guard most > 0 else { return interval }
    return interval - most + random.below(2 * most + 1)
  }
}
