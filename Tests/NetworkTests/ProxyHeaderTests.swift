import Testing

@testable import Network

/// What stands at the beginning of a connection, and what it says.
struct HeaderRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let bytes: [UInt8]
  /// The source, `own` for none, or the fault; nil for "not all here yet".
  let gives: String?

  init(_ rule: String, _ line: String, _ gives: String?) {
    self.init(rule, Array(line.utf8), gives)
  }

  init(_ rule: String, _ bytes: [UInt8], _ gives: String?) {
    self.rule = rule
    self.bytes = bytes
    self.gives = gives
  }

  var testDescription: String { rule }

  /// A header of version 2.
  static func binary(command: UInt8 = 0x21, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
    Array("\r\n\r\n\0\r\nQUIT\n".utf8)
      + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
  }

  static let v4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0x01, 0xBB]
  static let v6: [UInt8] =
    [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    + [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] + [0xDC, 0x04, 0x01, 0xBB]
  /// The protocol that TLS has agreed on, and the sum over all.
  static let fields: [UInt8] = [1, 0, 8] + Array("http/1.1".utf8) + [3, 0, 4] + sum
  static let sum: [UInt8] = [0x55, 0xEE, 0xA4, 0x9C]

  static let lines = [
    HeaderRow("§2.1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1:56324"),
    HeaderRow(
      "§2.1 TCP6", "PROXY TCP6 2001:db8::1 2001:DB8::2 1 65535\r\n", "[2001:db8::1]:1"),
    HeaderRow(
      "§2.1 the longest TCP6",
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        + " 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
    HeaderRow(
      "an IPv4 address in IPv6 is that address",
      "PROXY TCP6 ::ffff:192.0.2.1 ::1 0 0\r\n", "192.0.2.1:0"),
    HeaderRow("§2.1 UNKNOWN", "PROXY UNKNOWN\r\n", "own"),
    HeaderRow(
      "§2.1 what stands behind UNKNOWN is ignored",
      "PROXY UNKNOWN ffff::1 nonsense  65535\r\n", "own"),
    HeaderRow(
      "§2.1 107 bytes", "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n", "own"),
    HeaderRow(
      "108 bytes", "PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n", "tooLong"),
    HeaderRow("no end within 107", "PROXY UNKNOWN " + String(repeating: "x", count: 92), "tooLong"),
    HeaderRow(
      "one byte less may still end",
      "PROXY UNKNOWN " + String(repeating: "x", count: 91), nil),
    HeaderRow(
      "what follows is not looked at",
      "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n", "192.0.2.1:56324"),
    HeaderRow("an unknown family", "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", "malformed"),
    HeaderRow("longer words are others", "PROXY UNKNOWNS\r\n", "malformed"),
    HeaderRow("§2.1 upper case", "PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n", "malformed"),
    HeaderRow("TCP4 is IPv4", "PROXY TCP4 ::1 ::2 1 2\r\n", "malformed"),
    HeaderRow("TCP6 is IPv6", "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", "malformed"),
    HeaderRow("§2.1 exactly one space", "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n", "malformed"),
    HeaderRow("no space at the end", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n", "malformed"),
    HeaderRow("no word at the end", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", "malformed"),
    HeaderRow("no port", "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n", "malformed"),
    HeaderRow("nothing", "PROXY \r\n", "malformed"),
    HeaderRow("§2.1 no leading zero", "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n", "malformed"),
    HeaderRow("in addresses neither", "PROXY TCP4 192.0.02.1 198.51.100.1 1 2\r\n", "malformed"),
    HeaderRow("zero itself", "PROXY TCP4 192.0.2.1 198.51.100.1 0 2\r\n", "192.0.2.1:0"),
    HeaderRow("a port has 16 bits", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n", "malformed"),
    HeaderRow("a port is digits", "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n", "malformed"),
    HeaderRow("a bare LF is no end", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n", "malformed"),
    HeaderRow("a bare CR neither", "PROXY TCP4 192.0.2.1\r198.51.100.1 1 2\r\n", "malformed"),
    HeaderRow("behind UNKNOWN neither", "PROXY UNKNOWN\nGET / HTTP/1.1\r\n\r\n", "malformed"),
    HeaderRow("a request", "GET / HTTP/1.1\r\n", "missing"),
    HeaderRow("a request that begins alike", "PRI * HTTP/2.0\r\n", "missing"),
    HeaderRow("lower case", "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "missing"),
    HeaderRow("a tab", "PROXY\tTCP4 192.0.2.1 198.51.100.1 1 2\r\n", "missing"),
    HeaderRow("TLS", [0x16, 3, 1, 2, 0], "missing"),
    HeaderRow("nothing yet", "", nil),
    HeaderRow("the beginning", "PROX", nil),
    HeaderRow("a CR alone may be the end", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r", nil),
  ]

  static let binaries = [
    HeaderRow("§2.2 TCP over IPv4", binary(0x11, v4), "192.0.2.1:56324"),
    HeaderRow("§2.2 TCP over IPv6", binary(0x21, v6), "[2001:db8::1]:56324"),
    HeaderRow(
      "with a request behind it",
      binary(0x11, v4) + Array("GET /".utf8), "192.0.2.1:56324"),
    HeaderRow(
      "§2.2 a Unix socket has no address", binary(0x31, [UInt8](repeating: 65, count: 216)), "own"),
    HeaderRow("§2.2 LOCAL", binary(command: 0x20, 0, []), "own"),
    HeaderRow(
      "§2.2 what LOCAL has with it is ignored", binary(command: 0x20, 0x7F, [3, 0, 9]), "own"),
    HeaderRow("addresses of LOCAL, too", binary(command: 0x20, 0x11, v4), "own"),
    HeaderRow("§2.2 AF_UNSPEC", binary(0, []), "own"),
    HeaderRow("§2.2 AF_UNSPEC with something", binary(0, [1, 2, 3]), "own"),
    HeaderRow("§2.2 UNSPEC over IPv4", binary(0x10, v4), "own"),
    HeaderRow("§2.2 datagrams are not this connection", binary(0x12, v4), "own"),
    HeaderRow("datagrams over IPv6", binary(0x22, v6), "own"),
    HeaderRow("§2.2 family 4", binary(0x41, v4), "malformed"),
    HeaderRow("§2.2 transport 3", binary(0x13, v4), "malformed"),
    HeaderRow("§2.2 version 1", binary(command: 0x11, 0x11, v4), "malformed"),
    HeaderRow("§2.2 version 3", binary(command: 0x31, 0x11, v4), "malformed"),
    HeaderRow("§2.2 command 2", binary(command: 0x22, 0x11, v4), "malformed"),
    HeaderRow("too short for its addresses", binary(0x11, [UInt8](v4.dropLast())), "malformed"),
    HeaderRow("too short for IPv6", binary(0x21, v4), "malformed"),
    HeaderRow("too short for a path", binary(0x31, v6), "malformed"),
    HeaderRow(
      "§2.2.4 PP2_TYPE_NOOP", binary(0x11, v4 + [4, 0, 2, 0, 0, 4, 0, 0]), "192.0.2.1:56324"),
    HeaderRow(
      "a field of a kind that nobody knows",
      binary(0x11, v4 + [0xEE, 0, 1, 7]), "192.0.2.1:56324"),
    HeaderRow("a field that is cut", binary(0x11, v4 + [4, 0]), "malformed"),
    HeaderRow(
      "a field that is longer than the rest", binary(0x11, v4 + [4, 0, 2, 0]), "malformed"),
    HeaderRow("§2.2.3 the sum is right", binary(0x11, v4 + fields), "192.0.2.1:56324"),
    HeaderRow(
      "§2.2.3 the sum is wrong",
      binary(0x11, v4 + fields.dropLast() + [~sum[3]]), "checksum"),
    HeaderRow(
      "§2.2.3 the sum is of something else",
      binary(0x11, [193] + v4.dropFirst() + fields), "checksum"),
    HeaderRow("§2.2.3 a sum of three bytes", binary(0x11, v4 + [3, 0, 3, 1, 2, 3]), "malformed"),
    HeaderRow(
      "4096 bytes",
      binary(0x11, v4 + [4, 0x0F, 0xE1] + [UInt8](repeating: 0, count: 4065)), "192.0.2.1:56324"),
    HeaderRow(
      "4097 bytes",
      binary(0x11, v4 + [4, 0x0F, 0xE2] + [UInt8](repeating: 0, count: 4066)), "tooLong"),
    HeaderRow(
      "another signature", [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0D],
      "missing"),
    HeaderRow("empty lines before a request", "\r\n\r\nGET / HTTP/1.1\r\n", "missing"),
    HeaderRow("the beginning of it", "\r\n\r\n\0\r", nil),
    HeaderRow("no length yet", [UInt8](binary(0x11, v4).prefix(15)), nil),
    HeaderRow("no whole address yet", [UInt8](binary(0x11, v4).dropLast()), nil),
  ]
}

extension HeaderRow {
  /// That a client spoke TLS: flags, what became of its certificate, and fields within.
  static func tls(_ flags: UInt8, _ within: [UInt8] = []) -> [UInt8] {
    [0x20, 0, UInt8(5 + within.count), flags, 0, 0, 0, 1] + within
  }
  static let tlsVersion: [UInt8] = [0x21, 0, 7] + Array("TLSv1.3".utf8)

  static let secure = [
    HeaderRow(
      "§2.2.6 PP2_CLIENT_SSL", binary(0x11, v4 + tls(1, tlsVersion)), "192.0.2.1:56324, TLS"),
    HeaderRow("the flag alone", binary(0x11, v4 + tls(1)), "192.0.2.1:56324, TLS"),
    HeaderRow("with others", binary(0x21, v6 + tls(0xFF)), "[2001:db8::1]:56324, TLS"),
    HeaderRow(
      "between others", binary(0x11, v4 + [4, 0, 0] + tls(1) + [4, 0, 0]), "192.0.2.1:56324, TLS"),
    HeaderRow("§2.2.6 without the flag", binary(0x11, v4 + tls(0)), "192.0.2.1:56324"),
    HeaderRow("a certificate is not TLS", binary(0x11, v4 + tls(6)), "192.0.2.1:56324"),
    HeaderRow(
      "a version is not TLS", binary(0x11, v4 + tls(0, tlsVersion)), "192.0.2.1:56324"),
    HeaderRow("a subtype outside", binary(0x11, v4 + tlsVersion), "192.0.2.1:56324"),
    HeaderRow(
      "§2.2 from a Unix socket", binary(0x31, [UInt8](repeating: 65, count: 216) + tls(1)),
      "own, TLS"),
    HeaderRow("§2.2 LOCAL says nothing", binary(command: 0x20, 0x11, v4 + tls(1)), "own"),
    HeaderRow("§2.2 AF_UNSPEC neither", binary(0, tls(1)), "own"),
    HeaderRow("no flags", binary(0x11, v4 + [0x20, 0, 0]), "malformed"),
    HeaderRow(
      "half of what became of the certificate", binary(0x11, v4 + [0x20, 0, 4, 1, 0, 0, 0]),
      "malformed"),
    HeaderRow(
      "longer than the header", binary(0x11, v4 + [0x20, 0, 6, 1, 0, 0, 0, 0]), "malformed"),
    HeaderRow(
      "much longer", binary(0x11, v4 + [0x20, 0xFF, 0xFF, 1, 0, 0, 0, 0]), "malformed"),
    HeaderRow(
      "a field within that is longer than what it is in",
      binary(0x11, v4 + tls(1, [0x21, 0, 1]) + [7]), "malformed"),
    HeaderRow(
      "one that is much longer", binary(0x11, v4 + tls(1, [0x21, 0xFF, 0xFF, 7])), "malformed"),
    HeaderRow("one that is cut", binary(0x11, v4 + tls(1, [0x21, 0])), "malformed"),
    HeaderRow("said twice", binary(0x11, v4 + tls(0) + tls(1)), "malformed"),
  ]

  static let all = lines + binaries + secure
}

/// As the rows have it.
private func verdict(_ bytes: [UInt8]) -> String? {
  do throws(ProxyHeader.Fault) {
    guard let header = try ProxyHeader.parse(bytes.span) else { return nil }
    return (header.source?.description ?? "own") + (header.isSecure ? ", TLS" : "")
  } catch {
    return "\(error)"
  }
}

@Test(arguments: HeaderRow.all)
func `a header says whose connection it is, or is refused`(_ row: HeaderRow) {
  #expect(verdict(row.bytes) == row.gives)
}

@Test func `a header has both ends and its length`() throws {
  let line = Array("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET".utf8)
  let source = try #require(SocketAddress("192.0.2.1:56324"))
  let text = try ProxyHeader.parse(line.span)
  #expect(
    text
      == ProxyHeader(
        source: source, destination: SocketAddress("198.51.100.1:443"), length: line.count - 3))
  let bytes = HeaderRow.binary(0x11, HeaderRow.v4 + [4, 0, 0]) + [1, 2]
  let binary = try ProxyHeader.parse(bytes.span)
  #expect(
    binary
      == ProxyHeader(
        source: source, destination: SocketAddress("198.51.100.2:443"), length: bytes.count - 2))
}

@Test(arguments: HeaderRow.all)
func `a header that comes byte by byte is judged as if it had come at once`(_ row: HeaderRow) {
  expectSameInParts(row.bytes)
}

@Test func `whatever comes, a part of it never says another thing than the whole`() {
  var state: UInt64 = 1
  func next(below limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
  let corpus = HeaderRow.all.map(\.bytes).filter { $0.count > 4 }
  let bytesLiked: [UInt8] = [0, 1, 3, 4, 10, 13, 32, 48, 58, 0x11, 0x20, 0x21, 255]
  for _ in 0..<20_000 {
    var bytes = corpus[next(below: corpus.count)]
    if bytes.count > 300 { bytes = [UInt8](bytes.prefix(60)) }
    for _ in 0...next(below: 3) {
      let at = next(below: bytes.count)
      switch next(below: 4) {
      case 0: bytes[at] = bytesLiked[next(below: bytesLiked.count)]
      case 1: bytes[at] ^= 1 << next(below: 8)
      case 2: bytes.insert(bytesLiked[next(below: bytesLiked.count)], at: at)
      default: if bytes.count > 4 { bytes.remove(at: at) }
      }
    }
    expectSameInParts(bytes)
  }
}

/// From the first part that has a verdict on, every longer one has the same.
private func expectSameInParts(_ bytes: [UInt8]) {
  let whole = verdict(bytes)
  var decided = false
  for count in 0...bytes.count {
    let part = verdict([UInt8](bytes.prefix(count)))
    if part != nil || decided {
      decided = true
      if part != whole { Issue.record("\(count) bytes of \(bytes): \(part ?? "nil")") }
    }
  }
}
