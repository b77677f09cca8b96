/// An address and a port: where to listen, whom to connect to, who connected.
public struct SocketAddress: Hashable, Sendable {
  public var address: IPAddress
  public var port: UInt16

  public init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// The text that `write` and `description` give, all of it: `192.0.2.1:80`, `[2001:db8::1]:80`.
  ///
  /// - Parameter defaultPort: when given, the port may be missing, and with it the brackets, as
  ///   in an entry of X-Forwarded-For.
  public static func parse(_ text: Span<UInt8>, defaultPort: UInt16? = nil) -> SocketAddress? {
    if let defaultPort, let address = IPAddress.parse(text) {
      return SocketAddress(address, port: defaultPort)
    }
    guard text.count > 0 else { return nil }
    if text[0] == 0x5B {  // [
      for i in text.indices where text[i] == 0x5D {  // ]
        guard let address = IPAddress.parse(text.extracting(1..<i)),
          hasColon(text.extracting(1..<i))
        else { return nil }
        if i + 1 == text.count {
          return defaultPort.map { SocketAddress(address, port: $0) }
        }
        guard text[i + 1] == 0x3A, let port = parsePort(text.extracting(droppingFirst: i + 2))
        else { return nil }
        return SocketAddress(address, port: port)
      }
      return nil
    }
    for i in text.indices where text[i] == 0x3A {
      guard let address = IPAddress.parse(text.extracting(first: i)),
        let port = parsePort(text.extracting(droppingFirst: i + 1))
      else { return nil }
      return SocketAddress(address, port: port)
    }
    return nil
  }

  public init?(_ text: String) {
    guard let address = SocketAddress.parse(text.utf8.span) else { return nil }
    self = address
  }

  /// 1 to 5 digits, up to 65535.
  static func parsePort(_ text: Span<UInt8>) -> UInt16? {
    guard text.count >= 1, text.count <= 5 else { return nil }
    var port: UInt32 = 0
    for i in text.indices {
      guard let digit = decimalDigit(text[i]) else { return nil }
      port = port * 10 + digit
    }
    return UInt16(exactly: port)
  }

  static func hasColon(_ text: Span<UInt8>) -> Bool {
    for i in text.indices where text[i] == 0x3A { return true }
    return false
  }
}

extension SocketAddress: CustomStringConvertible {
  /// The most bytes that `write` appends.
  public static var writtenBytesLimit: Int { 47 }

  /// Appends `192.0.2.1:80` or `[2001:db8::1]:80`.
  ///
  /// - Precondition: `writtenBytesLimit` bytes fit.
  public func write(into output: inout OutputSpan<UInt8>) {
    text.write(into: &output)
  }

  public var description: String { text.string }

  private var text: AddressText {
    var text = AddressText()
    if address.family == .v6 { text.append(0x5B) }
    text.append(address)
    if address.family == .v6 { text.append(0x5D) }
    text.append(0x3A)
    text.append(decimal: UInt32(port))
    return text
  }
}
