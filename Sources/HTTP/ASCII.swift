/// The bytes that HTTP/1 gives a meaning to, and the classes it sorts bytes into.
///
/// The classes are literal bitmaps: a table built by a closure is checked for its
/// initialisation at each use.
enum ASCII {
  static let tab: UInt8 = 9
  static let lf: UInt8 = 10
  static let cr: UInt8 = 13
  static let space: UInt8 = 32
  static let quote: UInt8 = 34
  static let hash: UInt8 = 35
  static let percent: UInt8 = 37
  static let asterisk: UInt8 = 42
  static let comma: UInt8 = 44
  static let hyphen: UInt8 = 45
  static let dot: UInt8 = 46
  static let slash: UInt8 = 47
  static let zero: UInt8 = 48
  static let colon: UInt8 = 58
  static let semicolon: UInt8 = 59
  static let equals: UInt8 = 61
  static let question: UInt8 = 63
  static let openBracket: UInt8 = 91
  static let backslash: UInt8 = 92
  static let closeBracket: UInt8 = 93
  static let underscore: UInt8 = 95
  static let delete: UInt8 = 127

  /// tchar: ``!#$%&'*+-.^_`|~``, digits and letters (RFC 9110 §5.6.2).
  @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
    contains(byte, 0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe)
  }

  /// What a field value may hold: VCHAR, SP, HTAB and obs-text (RFC 9110 §5.5).
  @inline(__always) static func isFieldContent(_ byte: UInt8) -> Bool {
    byte >= space ? byte != delete : byte == tab
  }

  @inline(__always) static func isDigit(_ byte: UInt8) -> Bool {
    byte &- zero < 10
  }

  @inline(__always) static func isBlank(_ byte: UInt8) -> Bool {
    byte == space || byte == tab
  }

  /// The value of a hexadecimal digit of either case; nil for any other byte.
  @inline(__always) static func hexadecimal(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte &- zero }
    let letter = (byte | 0x20) &- 97
    return letter < 6 ? letter &+ 10 : nil
  }

  /// Letters in lower case, every other byte as it is.
  @inline(__always) static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 65 < 26 ? byte | 0x20 : byte
  }

  /// Whether a bitmap of the bytes 0…63 and 64…127 holds `byte`.
  @inline(__always) static func contains(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
    guard byte < 128 else { return false }
    return (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0
  }
}
