public import Network

/// Sockets made ready for their purpose.
public enum Sockets {
  /// A socket that listens.
  ///
  /// - Parameters:
  ///   - sharesPort: other sockets may listen at the same address; the kernel deals connections
  ///     among them (SO_REUSEPORT).
  ///   - backlog: connections that may wait to be accepted (`net.core.somaxconn` bounds it).
  ///   - unsentLimit: the `SocketOption.unsentLimit` of sockets that it accepts, which send without
  ///     delay then: they have both from it, which costs no calls for each. The first of them may
  ///     be there as soon as it listens, so that it must have been told before.
  public static func listening(
    on address: SocketAddress, sharesPort: Bool = false, backlog: Int = 4096,
    isBlocking: Bool = false, unsentLimit: Int? = nil
  ) throws(SystemError) -> Descriptor {
    let socket = try Syscalls.streamSocket(for: address.address, isBlocking: isBlocking)
    Syscalls.set(.reuseAddress, on: socket)
    if sharesPort { Syscalls.set(.reusePort, on: socket) }
    if address.address.family == .v6 { Syscalls.set(.versionSixOnly, on: socket) }
    if let unsentLimit {
      Syscalls.set(.noDelay, on: socket)
      Syscalls.set(.unsentLimit(unsentLimit), on: socket)
    }
    try Syscalls.bind(socket, to: address)
    try Syscalls.listen(socket, backlog: backlog)
    return socket
  }

  /// A socket on its way to `address`: writable, or in error, when the attempt has ended.
  public static func connecting(to address: SocketAddress) throws(SystemError) -> Descriptor {
    let socket = try Syscalls.streamSocket(for: address.address)
    Syscalls.set(.noDelay, on: socket)
    _ = try Syscalls.connect(socket, to: address)
    return socket
  }
}
