/// The addresses that share their first bits (CIDR, RFC 4632 and RFC 4291 §2.3): `10.0.0.0/8`.
/// A single address is the block of its full length.
public struct AddressBlock: Hashable, Sendable {
  /// The first address: every bit after the prefix is 0.
  public let address: IPAddress
  /// 0…32 for IPv4, 0…128 for IPv6.
  public let prefixLength: Int

  /// The block around `address`; bits after the prefix are cleared.
  ///
  /// - Precondition: `prefixLength` is no more than the family has.
  public init(_ address: IPAddress, prefixLength: Int) {
    precondition(prefixLength >= 0 && prefixLength <= address.bitWidth)
    self.prefixLength = prefixLength
    switch address.family {
    case .v4:
      let bits = address.low & AddressBlock.mask(prefixLength, of: 32)
      self.address = IPAddress(v4: UInt32(truncatingIfNeeded: bits))
    case .v6:
      self.address = IPAddress(
        v6High: address.high & AddressBlock.mask(prefixLength, of: 64),
        low: address.low & AddressBlock.mask(prefixLength - 64, of: 64))
    }
  }

  public init(_ address: IPAddress) {
    self.init(address, prefixLength: address.bitWidth)
  }

  /// Reads `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`. Bits after the prefix may be set, and
  /// are cleared. `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
  public init(_ text: String) throws(AddressError) {
    let bytes = text.utf8.span
    var slash = bytes.count
    for i in bytes.indices where bytes[i] == 0x2F {
      slash = i
      break
    }
    guard let address = IPAddress.parse(bytes.extracting(first: slash)) else {
      throw AddressError(.notAnAddress, at: 0)
    }
    guard slash < bytes.count else {
      self.init(address)
      return
    }
    var length = 0
    guard slash + 1 < bytes.count else { throw AddressError(.badPrefixLength, at: slash) }
    for i in slash + 1..<bytes.count {
      guard let digit = decimalDigit(bytes[i]), i - slash <= 3 else {
        throw AddressError(.badPrefixLength, at: slash + 1)
      }
      length = length * 10 + Int(digit)
    }
    // An IPv4 address written with colons counts its prefix in 128 bits.
    let isMapped = address.family == .v4 && AddressBlock.hasColon(bytes)
    if isMapped {
      guard length >= 96 else { throw AddressError(.badPrefixLength, at: slash + 1) }
      length -= 96
    }
    guard length <= address.bitWidth else {
      throw AddressError(.badPrefixLength, at: slash + 1)
    }
    self.init(address, prefixLength: length)
  }

  /// A block holds addresses of its own family only.
  public func contains(_ other: IPAddress) -> Bool {
    guard other.family == address.family else { return false }
    switch other.family {
    case .v4:
      return other.low & AddressBlock.mask(prefixLength, of: 32) == address.low
    case .v6:
      return other.high & AddressBlock.mask(prefixLength, of: 64) == address.high
        && other.low & AddressBlock.mask(prefixLength - 64, of: 64) == address.low
    }
  }

  /// `count` one bits at the top of a number of `width` bits; none and all beyond either end.
  private static func mask(_ count: Int, of width: Int) -> UInt64 {
    let all = UInt64.max >> UInt64(64 - width)
    // A smart shift by 64 or more gives 0, as wanted.
    return all & ~(all >> max(count, 0))
  }

  private static func hasColon(_ text: Span<UInt8>) -> Bool {
    for i in text.indices where text[i] == 0x3A { return true }
    return false
  }
}

extension AddressBlock: CustomStringConvertible {
  /// `10.0.0.0/8`; a single address without its length.
  public var description: String {
    prefixLength == address.bitWidth
      ? address.description : "\(address.description)/\(prefixLength)"
  }
}
