/// A host and a port as users write them: `name:8000`, `192.0.2.1:80`, `[::1]:80`, `:8080`.
public struct Endpoint: Hashable, Sendable {
  public enum Host: Hashable, Sendable {
    /// Nothing before the colon: all addresses, IPv6 and IPv4, of a listener.
    case any
    case address(IPAddress)
    /// Lower case; a trailing dot, which keeps resolvers from trying search domains, is kept.
    case name(String)
  }

  public let host: Host
  public let port: UInt16

  public init(_ host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }

  public init(_ address: SocketAddress) {
    self.init(.address(address.address), port: address.port)
  }

  /// - Parameter defaultPort: the port of a text that has none; nil makes that an error.
  public init(_ text: String, defaultPort: UInt16? = nil) throws(AddressError) {
    let bytes = text.utf8.span
    guard bytes.count > 0 else { throw AddressError(.empty, at: 0) }
    if bytes[0] == 0x5B {
      self = try Endpoint.bracketed(bytes, defaultPort: defaultPort)
      return
    }
    var colon = bytes.count
    for i in bytes.indices where bytes[i] == 0x3A {
      guard colon == bytes.count else {
        throw AddressError(
          IPAddress.parse(bytes) != nil ? .missingBrackets : .badHostName, at: i)
      }
      colon = i
    }
    let host = colon == 0 ? .any : try Endpoint.host(bytes.extracting(first: colon))
    let port = try Endpoint.port(bytes, from: colon, defaultPort: defaultPort)
    self.init(host, port: port)
  }

  /// The address, when it is one and need not be looked up.
  public var socketAddress: SocketAddress? {
    guard case .address(let address) = host else { return nil }
    return SocketAddress(address, port: port)
  }

  private static func bracketed(
    _ bytes: Span<UInt8>, defaultPort: UInt16?
  ) throws(AddressError) -> Endpoint {
    for i in bytes.indices where bytes[i] == 0x5D {
      let inner = bytes.extracting(1..<i)
      var hasColon = false
      for k in inner.indices where inner[k] == 0x3A { hasColon = true }
      guard hasColon, let address = IPAddress.parse(inner) else {
        throw AddressError(.notAnAddress, at: 1)
      }
      let port = try port(bytes, from: i + 1, defaultPort: defaultPort)
      return Endpoint(.address(address), port: port)
    }
    throw AddressError(.unclosedBracket, at: 0)
  }

  /// The port after the colon at `colon`.
  private static func port(
    _ bytes: Span<UInt8>, from colon: Int, defaultPort: UInt16?
  ) throws(AddressError) -> UInt16 {
    guard colon < bytes.count else {
      guard let defaultPort else { throw AddressError(.missingPort, at: bytes.count) }
      return defaultPort
    }
    guard bytes[colon] == 0x3A,
      let port = SocketAddress.parsePort(bytes.extracting(droppingFirst: colon + 1))
    else { throw AddressError(.badPort, at: min(colon + 1, bytes.count)) }
    return port
  }

  /// RFC 1123 §2.1, and `_`, which container platforms let into the names of services.
  private static func host(_ bytes: Span<UInt8>) throws(AddressError) -> Host {
    if let address = IPAddress.parse(bytes) { return .address(address) }
    guard bytes.count <= 253 else { throw AddressError(.badHostName, at: 253) }
    var name = ""
    var label = 0
    var lastLabelIsNumber = true
    for i in bytes.indices {
      let byte = bytes[i]
      switch byte {
      case 0x2E:
        guard label > 0, bytes[i - 1] != 0x2D else { throw AddressError(.badHostName, at: i) }
        label = 0
        if i + 1 < bytes.count { lastLabelIsNumber = true }
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F:
        label += 1
        guard label <= 63, label > 1 || byte != 0x2D else {
          throw AddressError(.badHostName, at: i)
        }
        if decimalDigit(byte) == nil { lastLabelIsNumber = false }
      default:
        throw AddressError(.badHostName, at: i)
      }
      let isUpper = byte >= 0x41 && byte <= 0x5A
      name.unicodeScalars.append(Unicode.Scalar(isUpper ? byte + 0x20 : byte))
    }
    guard bytes[bytes.count - 1] != 0x2D else {
      throw AddressError(.badHostName, at: bytes.count - 1)
    }
    // No top-level domain is a number: what ends in one was meant as an address.
    guard !lastLabelIsNumber else { throw AddressError(.notAnAddress, at: 0) }
    return .name(name)
  }
}

extension Endpoint: CustomStringConvertible {
  public var description: String {
    switch host {
    case .any: ":\(port)"
    case .address(let address): SocketAddress(address, port: port).description
    case .name(let name): "\(name):\(port)"
    }
  }
}
