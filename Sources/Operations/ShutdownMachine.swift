public import Configuration
public import Reactor

/// How the process comes to its end after SIGTERM or SIGINT: decisions only.
///
///     running → lame duck → draining → ended
///
/// From the signal on readiness fails. For the lame duck's time everything else goes on, for
/// whoever balances over several instances may not have noticed; but each response is the last
/// of its connection, and says so. Then listeners close and what is under way may finish, until
/// the deadline, which counts from the signal.
public struct ShutdownMachine: Equatable, Sendable {
  public enum Phase: Equatable, Sendable {
    case running
    case lameDuck(until: Instant, deadline: Instant)
    case draining(deadline: Instant)
    case ended
  }

  public enum Action: Equatable, Sendable {
    case nothing
    /// Serve on, and let each response be the last of its connection.
    case takeLeave
    /// Close listeners, take no new requests on idle connections.
    case drain
    /// All is done: exit.
    case finish
    /// The deadline has passed, or somebody is impatient: exit whatever is under way.
    case cut
  }

  public private(set) var phase = Phase.running

  public init() {}

  public var isRunning: Bool { phase == .running }

  /// A signal asks for the end; the second one does not wait.
  ///
  /// - Parameter skipsLameDuck: somebody at a terminal waits, and nobody balances over this.
  public mutating func terminate(
    _ settings: Shutdown, skipsLameDuck: Bool = false, now: Instant
  ) -> Action {
    guard phase == .running else {
      guard phase != .ended else { return .nothing }
      phase = .ended
      return .cut
    }
    let deadline = now + settings.deadline.nanoseconds
    let lameDuck = skipsLameDuck ? 0 : settings.servedLameDuck.nanoseconds
    phase = .lameDuck(until: now + lameDuck, deadline: deadline)
    return lameDuck > 0 ? .takeLeave : advance(now: now, isDone: false)
  }

  /// - Parameter isDone: nothing is under way any more.
  public mutating func advance(now: Instant, isDone: Bool) -> Action {
    switch phase {
    case .running, .ended:
      return .nothing
    case .lameDuck(let until, let deadline):
      guard now >= until else { return .nothing }
      phase = .draining(deadline: deadline)
      return .drain
    case .draining(let deadline):
      guard isDone || now >= deadline else { return .nothing }
      phase = .ended
      return isDone ? .finish : .cut
    }
  }

  /// Nanoseconds until what is under way is cut.
  public func timeLeft(now: Instant) -> UInt64 {
    switch phase {
    case .running: .max
    case .lameDuck(_, let deadline), .draining(let deadline): deadline > now ? deadline - now : 0
    case .ended: 0
    }
  }

  /// When `advance` has something to do without being told.
  public var nextDue: Instant? {
    switch phase {
    case .running, .ended: nil
    case .lameDuck(let until, _): until
    case .draining(let deadline): deadline
    }
  }
}
