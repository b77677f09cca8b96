/// What a proxy says of a connection in front of the connection's own bytes: whose it is.
///
/// The PROXY protocol, version 1 in text and version 2 in binary; sections are those of HAProxy's
/// `doc/proxy-protocol.txt`. There is nothing of HTTP in it, and TLS may begin behind it.
public struct ProxyHeader: Equatable, Sendable {
  /// Why bytes are no such header.
  public enum Fault: Error, Equatable, Sendable {
    /// The connection begins with something else.
    case missing
    case malformed
    case tooLong
    /// The sum over version 2 is not the one that it has in it.
    case checksum
  }

  /// Who connected to the proxy; nil where the proxy speaks for itself, or does not say.
  public let source: SocketAddress?
  /// Whom it connected to; nil likewise.
  public let destination: SocketAddress?
  /// Whether it spoke TLS with the proxy.
  public let isSecure: Bool
  /// Bytes that the header takes.
  public let length: Int

  public init(
    source: SocketAddress?, destination: SocketAddress?, isSecure: Bool = false, length: Int
  ) {
    self.source = source
    self.destination = destination
    self.isSecure = isSecure
    self.length = length
  }

  /// The longest header that is read. What stands behind the addresses of version 2 is a few
  /// hundred bytes at most. nginx: `NGX_PROXY_PROTOCOL_MAX_HEADER`.
  public static var bytesLimit: Int { 4096 }
  /// The longest line of version 1, CRLF included (§2.1).
  static var lineLimit: Int { 107 }

  /// Reads the header at the beginning of `bytes`.
  ///
  /// - Returns: nil when its end is not here yet.
  /// - Throws: as soon as nothing that may follow could make it right.
  public static func parse(_ bytes: Span<UInt8>) throws(Fault) -> ProxyHeader? {
    if try begins(bytes, with: "PROXY ", or: 0x0D) { return try parseLine(bytes) }
    if try begins(bytes, with: "\r\n\r\n\0\r\nQUIT\n", or: 0x50) { return try parseBinary(bytes) }
    return nil
  }

  /// False when there are too few bytes to tell, or the first is that of the other version.
  private static func begins(
    _ bytes: Span<UInt8>, with signature: String, or other: UInt8
  ) throws(Fault) -> Bool {
    guard bytes.count > 0, bytes[0] != other else { return false }
    let signature = signature.utf8.span
    for i in 0..<min(bytes.count, signature.count) where bytes[i] != signature[i] {
      throw .missing
    }
    return bytes.count >= signature.count
  }
}

// MARK: Version 1

extension ProxyHeader {
  /// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n` (§2.1).
  private static func parseLine(_ bytes: Span<UInt8>) throws(Fault) -> ProxyHeader? {
    let limit = lineLimit - 2
    var end = 0
    while end < min(bytes.count, limit + 1), bytes[end] != 0x0D, bytes[end] != 0x0A { end += 1 }
    guard end <= limit else { throw .tooLong }
    guard end < bytes.count else { return nil }
    guard bytes[end] == 0x0D else { throw .malformed }
    guard end + 1 < bytes.count else { return nil }
    guard bytes[end + 1] == 0x0A else { throw .malformed }
    return try parseWords(bytes.extracting("PROXY ".utf8.count..<end), length: end + 2)
  }

  private static func parseWords(
    _ line: Span<UInt8>, length: Int
  ) throws(Fault) -> ProxyHeader {
    var rest = 0
    let family = word(of: line, from: &rest)
    // Whatever stands behind it is to be ignored.
    if isSame(line.extracting(family), "UNKNOWN") {
      return ProxyHeader(source: nil, destination: nil, length: length)
    }
    let isV6 = isSame(line.extracting(family), "TCP6")
    guard isV6 || isSame(line.extracting(family), "TCP4") else { throw .malformed }
    let source = word(of: line, from: &rest)
    let destination = word(of: line, from: &rest)
    let sourcePort = word(of: line, from: &rest)
    let destinationPort = word(of: line, from: &rest)
    guard rest > line.count,
      let from = address(line.extracting(source), line.extracting(sourcePort), isV6: isV6),
      let to = address(line.extracting(destination), line.extracting(destinationPort), isV6: isV6)
    else { throw .malformed }
    return ProxyHeader(source: from, destination: to, length: length)
  }

  /// What stands before the next space, or the end; `rest` is behind that then.
  private static func word(of line: Span<UInt8>, from rest: inout Int) -> Range<Int> {
    let start = min(rest, line.count)
    var end = start
    while end < line.count, line[end] != 0x20 { end += 1 }
    // An empty word is none, but it has been passed over all the same.
    rest = end + 1
    return start..<end
  }

  private static func address(
    _ address: Span<UInt8>, _ port: Span<UInt8>, isV6: Bool
  ) -> SocketAddress? {
    // "Heading zeroes are not permitted in order to avoid any possible confusion with octal."
    guard SocketAddress.hasColon(address) == isV6, let address = IPAddress.parse(address),
      let number = SocketAddress.parsePort(port), port.count == 1 || port[0] != 0x30
    else { return nil }
    return SocketAddress(address, port: number)
  }

  private static func isSame(_ word: Span<UInt8>, _ text: String) -> Bool {
    let text = text.utf8.span
    guard word.count == text.count else { return false }
    for i in word.indices where word[i] != text[i] { return false }
    return true
  }
}

// MARK: Version 2

extension ProxyHeader {
  /// Signature, command, family and length, before the addresses (§2.2).
  private static var prefixSize: Int { 16 }

  private static func parseBinary(_ bytes: Span<UInt8>) throws(Fault) -> ProxyHeader? {
    guard bytes.count >= prefixSize else { return nil }
    let command = bytes[12]
    guard command == 0x20 || command == 0x21 else { throw .malformed }
    let length = prefixSize + Int(number(bytes, at: 14, size: 2))
    guard length <= bytesLimit else { throw .tooLong }
    guard bytes.count >= length else { return nil }
    // LOCAL: a check of the proxy's own, whose family and addresses are to be ignored.
    guard command == 0x21 else {
      return ProxyHeader(source: nil, destination: nil, length: length)
    }
    return try parseAddresses(bytes.extracting(first: length))
  }

  private static func parseAddresses(_ header: Span<UInt8>) throws(Fault) -> ProxyHeader {
    let family = header[13] >> 4
    let transport = header[13] & 15
    guard family <= 3, transport <= 2 else { throw .malformed }
    // AF_UNSPEC, then IPv4, IPv6, and paths of Unix sockets; of ports two bytes each.
    let size = family == 0 || transport == 0 ? 0 : [12, 36, 216][Int(family) - 1]
    guard header.count >= prefixSize + size else { throw .malformed }
    let isSecure = size > 0 ? try readFields(header, from: prefixSize + size) : false
    // Only a stream's ends are those of this connection.
    guard transport == 1, family == 1 || family == 2 else {
      return ProxyHeader(
        source: nil, destination: nil, isSecure: isSecure, length: header.count)
    }
    let width = family == 1 ? 4 : 16
    let ports = prefixSize + 2 * width
    return ProxyHeader(
      source: address(header, at: prefixSize, width, port: ports),
      destination: address(header, at: prefixSize + width, width, port: ports + 2),
      isSecure: isSecure, length: header.count)
  }

  private static func address(
    _ header: Span<UInt8>, at start: Int, _ width: Int, port: Int
  ) -> SocketAddress {
    let address =
      width == 4
      ? IPAddress(v4: UInt32(truncatingIfNeeded: number(header, at: start, size: 4)))
      : IPAddress(
        v6High: number(header, at: start, size: 8), low: number(header, at: start + 8, size: 8))
    return SocketAddress(
      address, port: UInt16(truncatingIfNeeded: number(header, at: port, size: 2)))
  }

  /// What may stand behind the addresses (§2.2). Of the kinds those count that tell of the sum
  /// over all of the header and of TLS.
  ///
  /// - Returns: whether the client spoke TLS with the proxy.
  private static func readFields(_ header: Span<UInt8>, from start: Int) throws(Fault) -> Bool {
    var tellsOfTLS = false
    var isSecure = false
    var i = start
    while i < header.count {
      let value = try value(of: header, at: i, before: header.count)
      switch header[i] {
      case 0x03:  // PP2_TYPE_CRC32C
        guard value.count == 4 else { throw .malformed }
        let sum = checksum(header, without: value)
        guard UInt64(sum) == number(header, at: value.lowerBound, size: 4) else {
          throw .checksum
        }
      case 0x20:  // PP2_TYPE_SSL, which could say two things if it came twice
        guard !tellsOfTLS else { throw .malformed }
        tellsOfTLS = true
        isSecure = try readTLS(header, value)
      default: break
      }
      i = value.upperBound
    }
    return isSecure
  }

  /// Flags, what became of the client's certificate, and fields within the field (§2.2.6).
  private static func readTLS(_ header: Span<UInt8>, _ field: Range<Int>) throws(Fault) -> Bool {
    guard field.count >= 5 else { throw .malformed }
    var i = field.lowerBound + 5
    while i < field.upperBound {
      i = try value(of: header, at: i, before: field.upperBound).upperBound
    }
    return header[field.lowerBound] & 0x01 != 0  // PP2_CLIENT_SSL
  }

  /// Where the value of a field is, behind its kind and length.
  private static func value(
    of header: Span<UInt8>, at start: Int, before end: Int
  ) throws(Fault) -> Range<Int> {
    guard end - start >= 3 else { throw .malformed }
    let size = Int(number(header, at: start + 1, size: 2))
    guard end - start - 3 >= size else { throw .malformed }
    return start + 3..<start + 3 + size
  }

  /// CRC32c (RFC 4960 appendix B), the bytes of the sum itself counting as 0 (§2.2.3).
  private static func checksum(_ header: Span<UInt8>, without own: Range<Int>) -> UInt32 {
    var sum = UInt32.max
    for i in header.indices {
      if !own.contains(i) { sum ^= UInt32(header[i]) }
      for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~sum
  }

  /// Up to eight bytes, the highest first.
  private static func number(_ bytes: Span<UInt8>, at start: Int, size: Int) -> UInt64 {
    var number: UInt64 = 0
    for i in start..<start + size { number = number << 8 | UInt64(bytes[i]) }
    return number
  }
}
