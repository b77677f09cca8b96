/// An IPv4 or IPv6 address: three words, no storage of its own.
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) becomes the IPv4 address
/// it stands for, whichever way it comes in, so that one client has one address however a
/// dual-stack listener reports it, and no list of trusted addresses can be passed by in disguise.
public struct IPAddress: Hashable, Sendable {
  public enum Family: UInt8, Sendable {
    case v4 = 4
    case v6 = 6
  }

  public let family: Family
  /// The first 64 bits of an IPv6 address; 0 for IPv4.
  public let high: UInt64
  /// The last 64 bits of an IPv6 address, or the 32 bits of an IPv4 address.
  public let low: UInt64

  public init(v4 bits: UInt32) {
    family = .v4
    high = 0
    low = UInt64(bits)
  }

  public init(v4 a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    self.init(v4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
  }

  /// The address with these two halves, each in host order: `2001:db8::1` is
  /// `high: 0x2001_0db8_0000_0000, low: 1`.
  public init(v6High high: UInt64, low: UInt64) {
    let isMapped = high == 0 && low >> 32 == 0xFFFF
    family = isMapped ? .v4 : .v6
    self.high = high
    self.low = isMapped ? low & 0xFFFF_FFFF : low
  }

  public static var anyV4: IPAddress { IPAddress(v4: 0) }
  public static var anyV6: IPAddress { IPAddress(v6High: 0, low: 0) }
  public static var loopbackV4: IPAddress { IPAddress(v4: 127, 0, 0, 1) }
  public static var loopbackV6: IPAddress { IPAddress(v6High: 0, low: 1) }

  /// 32 or 128.
  public var bitWidth: Int { family == .v4 ? 32 : 128 }
  /// The 32 bits of an IPv4 address; nil for IPv6.
  public var v4Bits: UInt32? { family == .v4 ? UInt32(truncatingIfNeeded: low) : nil }
  /// `0.0.0.0` or `::`: to a listener, all addresses.
  public var isUnspecified: Bool { high == 0 && low == 0 }
  /// 127.0.0.0/8 or `::1`.
  public var isLoopback: Bool {
    family == .v4 ? low >> 24 == 127 : high == 0 && low == 1
  }
}

// MARK: Reading

extension IPAddress {
  /// The longest text that can be an address: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
  public static var textBytesLimit: Int { 45 }

  /// The address that `text` is, all of it: dotted decimal without leading zeros (which some
  /// parsers read as octal), or RFC 4291 §2.2 without brackets and zone.
  public static func parse(_ text: Span<UInt8>) -> IPAddress? {
    guard text.count >= 2, text.count <= textBytesLimit else { return nil }
    for i in text.indices where text[i] == 0x3A {  // a colon
      return parseV6(text)
    }
    return parseV4(text, from: 0).map { IPAddress(v4: $0) }
  }

  public init?(_ text: String) {
    guard let address = IPAddress.parse(text.utf8.span) else { return nil }
    self = address
  }

  private static func parseV4(_ text: Span<UInt8>, from start: Int) -> UInt32? {
    var bits: UInt32 = 0
    var octets = 0
    var i = start
    while true {
      var octet: UInt32 = 0
      var digits = 0
      while i < text.count, let digit = decimalDigit(text[i]) {
        if digits > 0, octet == 0 { return nil }  // a leading zero
        octet = octet * 10 + digit
        guard octet <= 255 else { return nil }
        digits += 1
        i += 1
      }
      guard digits > 0 else { return nil }
      bits = bits << 8 | octet
      octets += 1
      if octets == 4 { return i == text.count ? bits : nil }
      guard i < text.count, text[i] == 0x2E else { return nil }  // a dot
      i += 1
    }
  }

  private static func parseV6(_ text: Span<UInt8>) -> IPAddress? {
    var groups = InlineArray<8, UInt16>(repeating: 0)
    var count = 0
    var gap: Int?  // how many groups stand before `::`
    var i = 0
    if text[0] == 0x3A {
      guard text[1] == 0x3A else { return nil }
      gap = 0
      i = 2
    }
    while i < text.count {
      guard count < 8 else { return nil }
      var value: UInt32 = 0
      var j = i
      while j < text.count, j - i < 4, let digit = hexDigit(text[j]) {
        value = value << 4 | digit
        j += 1
      }
      guard j > i else { return nil }
      if j < text.count, text[j] == 0x2E {
        guard count <= 6, let bits = parseV4(text, from: i) else { return nil }
        groups[count] = UInt16(truncatingIfNeeded: bits >> 16)
        groups[count + 1] = UInt16(truncatingIfNeeded: bits)
        count += 2
        i = text.count
        break
      }
      groups[count] = UInt16(truncatingIfNeeded: value)
      count += 1
      i = j
      guard i < text.count else { break }
      guard text[i] == 0x3A else { return nil }
      i += 1
      guard i < text.count else { return nil }  // ends with a single colon
      if text[i] == 0x3A {
        guard gap == nil else { return nil }
        gap = count
        i += 1
      }
    }
    if let gap {
      guard count < 8 else { return nil }  // `::` stands for at least one group
      let moved = count - gap
      for k in 0..<moved {
        groups[7 - k] = groups[count - 1 - k]
        if 7 - k != count - 1 - k { groups[count - 1 - k] = 0 }
      }
    } else {
      guard count == 8 else { return nil }
    }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for k in 0..<4 {
      high = high << 16 | UInt64(groups[k])
      low = low << 16 | UInt64(groups[k + 4])
    }
    return IPAddress(v6High: high, low: low)
  }
}

// MARK: Writing

extension IPAddress: CustomStringConvertible {
  /// The most bytes that `write` appends.
  public static var writtenBytesLimit: Int { 39 }

  /// Appends the address as RFC 5952 §4 writes it, without brackets.
  ///
  /// - Precondition: `writtenBytesLimit` bytes fit.
  public func write(into output: inout OutputSpan<UInt8>) {
    if let bits = v4Bits { return Self.write(v4: bits, into: &output) }
    var text = AddressText()
    text.append(self)
    text.write(into: &output)
  }

  /// Without the detour: each request to a server names an address.
  private static func write(v4 bits: UInt32, into output: inout OutputSpan<UInt8>) {
    for shift: UInt32 in [24, 16, 8, 0] {
      let number = UInt8(truncatingIfNeeded: bits >> shift)
      if shift < 24 { output.append(0x2E) }
      if number >= 100 { output.append(0x30 + number / 100) }
      if number >= 10 { output.append(0x30 + number / 10 % 10) }
      output.append(0x30 + number % 10)
    }
  }

  public var description: String {
    var text = AddressText()
    text.append(self)
    return text.string
  }
}

func decimalDigit(_ byte: UInt8) -> UInt32? {
  byte >= 0x30 && byte <= 0x39 ? UInt32(byte - 0x30) : nil
}

func hexDigit(_ byte: UInt8) -> UInt32? {
  switch byte {
  case 0x30...0x39: UInt32(byte - 0x30)
  case 0x41...0x46: UInt32(byte - 0x41 + 10)
  case 0x61...0x66: UInt32(byte - 0x61 + 10)
  default: nil
  }
}
