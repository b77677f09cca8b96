private import CLinux

/// The signals that a process acts on, read in its own time (signalfd).
public struct SignalQueue: ~Copyable, Sendable {
  public enum Signal: Sendable, CaseIterable {
    case terminate, interrupt, quit, hangUp, user1, child

    var number: CInt {
      switch self {
      case .terminate: SIGTERM
      case .interrupt: SIGINT
      case .quit: SIGQUIT
      case .hangUp: SIGHUP
      case .user1: SIGUSR1
      case .child: SIGCHLD
      }
    }
  }

  /// Readable when a signal waits.
  public let descriptor: Descriptor

  /// Blocks the signals in the calling thread and in all threads it starts afterwards: call it
  /// first. SIGPIPE is ignored for the whole process.
  public init() throws(SystemError) {
    try Syscalls.check(clinux_ignore_signal(SIGPIPE), "signal")
    let numbers = Signal.allCases.map(\.number)
    descriptor = Descriptor(
      owning: try unsafe Syscalls.check(clinux_signalfd(numbers, numbers.count), "signalfd"))
  }

  /// The next signal that waits.
  public func next() -> Signal? {
    let number = clinux_next_signal(descriptor.number)
    return Signal.allCases.first { $0.number == number }
  }

  /// Takes the ends of children that nobody else waits for: process 1 inherits orphans.
  public static func reapChildren() { clinux_reap_children() }
}
