import Memory

/// What a cookie calls a server: 16 hexadecimal digits that tell nothing of names or addresses,
/// and that every instance with the same configuration understands.
enum ServerIdentity {
  /// Not 0.
  static func of(pool: String, server: String) -> UInt64 {
    let hash = StableHash.mixed(StableHash.of(pool), StableHash.of(server))
    return hash == 0 ? 1 : hash
  }

  /// Exactly what `write` writes; nil for anything else.
  static func parse(_ text: Span<UInt8>) -> UInt64? {
    guard text.count == 16 else { return nil }
    var value: UInt64 = 0
    for i in text.indices {
      switch text[i] {
      case 0x30...0x39: value = value << 4 | UInt64(text[i] - 0x30)
      case 0x61...0x66: value = value << 4 | UInt64(text[i] - 0x57)
      default: return nil
      }
    }
    return value
  }

  /// - Precondition: 16 bytes fit.
  static func write(_ identity: UInt64, into output: inout ByteBuffer) {
    output.append(hexadecimal: identity, width: 16)
  }
}
