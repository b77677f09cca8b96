public import Configuration
public import Network
public import Reactor

/// What could not be listened to, and why.
public struct ListenError: Error, Equatable, Sendable, CustomStringConvertible {
  public let address: SocketAddress
  public let cause: SystemError

  public var description: String { "cannot listen on \(address): \(cause)" }
}

/// Sockets that listen for one worker, or for the admin server.
public struct ListeningSockets: ~Copyable {
  /// Where they listen, ports filled in, in the order of `take`.
  public private(set) var addresses: [SocketAddress] = []
  private var numbers: [CInt] = []
  /// By address: which of the given places it is of.
  public private(set) var places: [Int] = []
  /// Bytes that may wait unsent for each of their clients; nil is no limit.
  private let unsentLimit: Int?

  /// Opens a socket for each address; all addresses of the machine are two, `[::]` and
  /// `0.0.0.0`, the first of which may be missing where there is no IPv6.
  ///
  /// - Parameter sharesPort: others of this process will listen at the same addresses
  ///   (SO_REUSEPORT); another process that does is an error all the same.
  public init(
    _ listens: [Listen], sharesPort: Bool = false, unsentLimit: Int? = nil
  ) throws(ListenError) {
    self.unsentLimit = unsentLimit
    for (place, listen) in listens.enumerated() {
      try open(listen.endpoint, sharesPort)
      while places.count < addresses.count { places.append(place) }
    }
  }

  /// Opens sockets at the very addresses of others that share their ports.
  public init(
    beside others: [SocketAddress], unsentLimit: Int? = nil
  ) throws(ListenError) {
    self.unsentLimit = unsentLimit
    for address in others { try add(address, sharesPort: true) }
  }

  deinit { for number in numbers { _ = Descriptor(owning: number) } }

  /// The next socket, in order; whoever takes it owns it.
  public mutating func take() -> Descriptor? {
    numbers.isEmpty ? nil : Descriptor(owning: numbers.removeFirst())
  }

  /// All sockets, whose owner is the caller from now on.
  public mutating func releaseAll() -> [CInt] {
    defer { numbers = [] }
    return numbers
  }

  private mutating func open(_ endpoint: Endpoint, _ sharesPort: Bool) throws(ListenError) {
    let address = endpoint.socketAddress ?? SocketAddress(.anyV6, port: endpoint.port)
    guard address.address == .anyV6 else {
      try open(address, sharesPort: sharesPort)
      return
    }
    // The port that the kernel chooses for IPv6 may be taken for IPv4: then another is tried.
    for attempt in 1... {
      var port = address.port
      do throws(ListenError) {
        try open(address, sharesPort: sharesPort)
        port = addresses.last?.port ?? port
      } catch {
        guard error.cause.isFamilyMissing else { throw error }
      }
      do throws(ListenError) {
        try open(SocketAddress(.anyV4, port: port), sharesPort: sharesPort)
        return
      } catch {
        guard address.port == 0, port != 0, error.cause.isAddressInUse, attempt < 20 else {
          throw error
        }
        addresses.removeLast()
        _ = Descriptor(owning: numbers.removeLast())
      }
    }
  }

  private mutating func open(
    _ address: SocketAddress, sharesPort: Bool
  ) throws(ListenError) {
    if sharesPort, address.port != 0 {
      do throws(SystemError) {
        // The kernel would let a second Martlet, started by mistake, share the port as well,
        // and deal it half of the connections. A socket that does not share finds it out.
        let probe = try Syscalls.streamSocket(for: address.address)
        Syscalls.set(.reuseAddress, on: probe)
        if address.address.family == .v6 { Syscalls.set(.versionSixOnly, on: probe) }
        try Syscalls.bind(probe, to: address)
      } catch {
        throw ListenError(address: address, cause: error)
      }
    }
    try add(address, sharesPort: sharesPort)
  }

  private mutating func add(
    _ address: SocketAddress, sharesPort: Bool
  ) throws(ListenError) {
    do throws(SystemError) {
      let socket = try Sockets.listening(
        on: address, sharesPort: sharesPort, unsentLimit: unsentLimit)
      addresses.append(try Syscalls.localAddress(socket))
      numbers.append(socket.release())
    } catch {
      throw ListenError(address: address, cause: error)
    }
  }
}
