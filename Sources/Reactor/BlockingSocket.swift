private import CLinux
public import Network

// For threads that serve one connection each and may wait for it: the demo's servers and tests.
extension Syscalls {
  /// What ended a wait.
  public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Bytes, a connection to accept, or the end of the stream.
    public static let readable = Readiness(rawValue: 1)
    /// The peer sends no more, or the connection has broken.
    public static let hungUp = Readiness(rawValue: 2)
    /// The wake-up was told; `acknowledge` it.
    public static let woken = Readiness(rawValue: 4)
  }

  /// Waits for `socket` until the time is up; nothing then, and nothing when a signal came
  /// between: look at the clock and wait again.
  public static func wait(
    for socket: borrowing Descriptor, milliseconds: Int
  ) -> Readiness {
    wait(socket.number, reading: true, -1, milliseconds)
  }

  /// The same, or until `wakeup` is told.
  ///
  /// - Parameter reading: whether bytes end the wait; the end of the connection always does.
  public static func wait(
    for socket: borrowing Descriptor, reading: Bool = true, or wakeup: borrowing Wakeup,
    milliseconds: Int
  ) -> Readiness {
    wait(socket.number, reading: reading, wakeup.descriptor.number, milliseconds)
  }

  /// - Parameter wakeup: a descriptor, or -1, which `poll` passes over.
  private static func wait(
    _ socket: CInt, reading: Bool, _ wakeup: CInt, _ milliseconds: Int
  ) -> Readiness {
    let hangUp: CInt = 0x2000  // POLLRDHUP, which glibc shows to _GNU_SOURCE only
    let broken = CInt(POLLHUP) | CInt(POLLERR) | CInt(POLLNVAL) | hangUp
    let events = hangUp | (reading ? CInt(POLLIN) : 0)
    var descriptors = [
      pollfd(fd: socket, events: Int16(events), revents: 0),
      pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
    ]
    let count = unsafe poll(&descriptors, 2, CInt(clamping: milliseconds))
    guard count > 0 else { return [] }
    var readiness: Readiness = []
    if CInt(descriptors[0].revents) & CInt(POLLIN) != 0 { readiness.insert(.readable) }
    if CInt(descriptors[0].revents) & broken != 0 { readiness.insert(.hungUp) }
    if descriptors[1].revents != 0 { readiness.insert(.woken) }
    return readiness
  }

  /// Lets time pass for the calling thread.
  public static func pause(milliseconds: Int) {
    _ = poll(nil, 0, CInt(clamping: milliseconds))
  }

  /// Sends all of `bytes` over a blocking socket.
  ///
  /// - Throws: ETIMEDOUT when the peer takes nothing for as long as `setTimeouts` allows.
  public static func sendAll(
    _ bytes: Span<UInt8>, to socket: borrowing Descriptor
  ) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let n = try send(bytes.extracting(droppingFirst: done), to: socket)
      guard n > 0 else { throw SystemError(call: "send", errno: ETIMEDOUT) }
      done += n
    }
  }
}

extension Sockets {
  /// A blocking connection to `address`.
  ///
  /// - Parameter timeout: how many milliseconds to wait for it, and then for bytes or for room.
  public static func connected(
    to address: SocketAddress, timeout milliseconds: Int
  ) throws(SystemError) -> Descriptor {
    let socket = try Syscalls.streamSocket(for: address.address, isBlocking: true)
    Syscalls.setTimeouts(socket, milliseconds: milliseconds)
    Syscalls.set(.noDelay, on: socket)
    guard try Syscalls.connect(socket, to: address) else {
      throw SystemError(call: "connect", errno: ETIMEDOUT)
    }
    return socket
  }
}
