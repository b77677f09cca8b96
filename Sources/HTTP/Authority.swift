/// A host and perhaps a port, as Host and an absolute target have them (RFC 3986 §3.2).
///
/// Narrower than the grammar where software disagrees on what a name is: no userinfo, no
/// percent-encoding, no sub-delims, no IPvFuture, no zone, no empty label, no empty port.
struct Authority {
  /// The name or bracketed address; without the final dot of a rooted name.
  let name: Slice
  /// The digits of the port; nil without one.
  let port: Slice?

  /// The longest name in DNS (RFC 1035 §2.3.4).
  private static var nameLimit: Int { 255 }

  static func read(_ bytes: Span<UInt8>, _ slice: Slice) throws(Malformed) -> Authority {
    let start = Int(slice.start)
    let end = slice.end
    guard start < end else { throw Malformed(.host, at: start) }

    var i = start
    if bytes[start] == ASCII.openBracket {
      while i < end, bytes[i] != ASCII.closeBracket { i &+= 1 }
      guard i < end, isIPv6(bytes, start &+ 1, i) else { throw Malformed(.host, at: start) }
      i &+= 1
    } else {
      var labelStart = start
      while i < end {
        let byte = bytes[i]
        if isNameByte(byte) {
          i &+= 1
        } else if byte == ASCII.dot {
          guard i > labelStart else { throw Malformed(.host, at: i) }
          i &+= 1
          labelStart = i
        } else {
          break
        }
      }
      guard i > start, i &- start <= nameLimit else { throw Malformed(.host, at: i) }
    }

    let nameEnd = bytes[i &- 1] == ASCII.dot ? i &- 1 : i
    let name = Slice(start..<nameEnd)
    guard i < end else { return Authority(name: name, port: nil) }
    guard bytes[i] == ASCII.colon else { throw Malformed(.host, at: i) }
    return Authority(name: name, port: try port(bytes, i &+ 1, end))
  }

  /// Whether both mean the same place, a port left out being `defaultPort` (RFC 9110 §4.2.3).
  static func areEqual(
    _ a: Authority, _ b: Authority, _ bytes: Span<UInt8>, defaultPort: UInt32
  ) -> Bool {
    bytes.equalsIgnoringCase(a.name, b.name)
      && number(a.port, bytes, defaultPort) == number(b.port, bytes, defaultPort)
  }

  private static func number(_ port: Slice?, _ bytes: Span<UInt8>, _ otherwise: UInt32) -> UInt32 {
    guard let port else { return otherwise }
    var number: UInt32 = 0
    for i in port.range { number = number &* 10 &+ UInt32(bytes[i] &- ASCII.zero) }
    return number
  }

  private static func port(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int
  ) throws(Malformed) -> Slice {
    guard end > start, end &- start <= 5 else { throw Malformed(.host, at: start) }
    for i in start..<end where !ASCII.isDigit(bytes[i]) { throw Malformed(.host, at: i) }
    let port = Slice(start..<end)
    guard number(port, bytes, 0) <= 65535 else { throw Malformed(.host, at: start) }
    return port
  }

  /// Unreserved but for the dot: letters, digits, `-`, `_`, `~` (RFC 3986 §2.3).
  @inline(__always) private static func isNameByte(_ byte: UInt8) -> Bool {
    ASCII.contains(byte, 0x03ff_2000_0000_0000, 0x47ff_fffe_87ff_fffe)
  }

  /// IPv6address (RFC 3986 §3.2.2): eight groups of up to four digits, the last two perhaps as
  /// an IPv4 address, one run of zero groups perhaps left out.
  private static func isIPv6(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard end &- start >= 2, end &- start <= 45 else { return false }
    var groups = 0
    var compressed = false
    var i = start
    if bytes[i] == ASCII.colon {
      guard bytes[i &+ 1] == ASCII.colon else { return false }
      compressed = true
      i &+= 2
    }
    while i < end {
      let groupStart = i
      while i < end, ASCII.hexadecimal(bytes[i]) != nil { i &+= 1 }
      if i < end, bytes[i] == ASCII.dot {
        guard isIPv4(bytes, groupStart, end) else { return false }
        groups &+= 2
        break
      }
      guard i > groupStart, i &- groupStart <= 4 else { return false }
      groups &+= 1
      guard i < end else { break }
      guard bytes[i] == ASCII.colon, i &+ 1 < end else { return false }
      i &+= 1
      if bytes[i] == ASCII.colon {
        guard !compressed else { return false }
        compressed = true
        i &+= 1
      }
    }
    return compressed ? groups < 8 : groups == 8
  }

  private static func isIPv4(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    var parts = 0
    var i = start
    while true {
      let partStart = i
      var value = 0
      while i < end, i &- partStart < 3, ASCII.isDigit(bytes[i]) {
        value = value &* 10 &+ Int(bytes[i] &- ASCII.zero)
        i &+= 1
      }
      guard i > partStart, value <= 255 else { return false }
      guard i &- partStart == 1 || bytes[partStart] != ASCII.zero else { return false }
      parts &+= 1
      if parts == 4 { return i == end }
      guard i < end, bytes[i] == ASCII.dot else { return false }
      i &+= 1
    }
  }
}
