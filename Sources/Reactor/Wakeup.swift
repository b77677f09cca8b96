private import CLinux

/// Lets one thread end another's wait for events (eventfd).
public struct Wakeup: ~Copyable, Sendable {
  /// What the waiting thread registers with its loop.
  public let descriptor: Descriptor

  public init() throws(SystemError) {
    descriptor = Descriptor(owning: try Syscalls.check(clinux_eventfd(), "eventfd"))
  }

  /// Safe from any thread.
  public func wake() {
    var one: UInt64 = 1
    // A full counter means that the wake-up is pending already.
    _ = unsafe clinux_write(descriptor.number, &one, 8)
  }

  /// Takes notice, so that the next `wake` is told again.
  public func acknowledge() {
    var count: UInt64 = 0
    _ = unsafe clinux_read(descriptor.number, &count, 8)
  }
}
