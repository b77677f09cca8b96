public import Memory
public import Reactor

/// The control thread's events, timers and time. What runs on the thread (signals, probes,
/// names, the admin listener) registers here and is handed what concerns it.
public struct ControlLoop: ~Copyable {
  /// What a token's kind says: whose event or timer it is.
  public enum Kind: UInt8, Sendable {
    case wakeup, signals, adminListener, adminConnection, probe
  }

  public var events: EventLoop
  public var timers: TimerWheel
  /// The time of this turn.
  public var clock: Clock

  public init(clock: Clock = .read()) throws(SystemError) {
    events = try EventLoop()
    timers = TimerWheel(now: clock.now)
    self.clock = clock
  }

  mutating func schedule(_ kind: Kind, _ handle: Handle, after wait: Duration) -> TimerWheel.ID {
    timers.schedule(Token(kind: kind, handle), at: clock.now + wait.nanoseconds)
  }
}

extension Token {
  public init(kind: ControlLoop.Kind, _ handle: Handle) {
    self.init(kind: kind.rawValue, handle: handle)
  }

  /// For a kind of which there is only one.
  init(kind: ControlLoop.Kind) {
    self.init(kind: kind, Handle(slot: 0, generation: 0))
  }

  /// Nil for a token that the control loop did not make.
  public var controlKind: ControlLoop.Kind? { ControlLoop.Kind(rawValue: kind) }
}
