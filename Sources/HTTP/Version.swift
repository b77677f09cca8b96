import Memory

/// The version a message was sent in.
public enum Version: UInt8, Sendable {
  /// HTTP/1.0.
  case http10
  /// HTTP/1.1, and any later minor version, which is read as 1.1 (RFC 9110 §2.5).
  case http11
}

extension Version {
  /// `HTTP/1.1`, the first byte lowest.
  static var http11Word: Word { 0x312e_312f_5054_5448 }

  /// Reads `HTTP/1.0` or `HTTP/1.1`: letters in upper case, one digit each (RFC 9112 §2.3).
  ///
  /// - Returns: nil when fewer than its eight bytes are here.
  static func read(_ bytes: Span<UInt8>, from start: Int) throws(Malformed) -> Version? {
    // As nearly all of them are.
    if start &+ 8 <= bytes.count, bytes.word(at: start) == http11Word { return .http11 }
    // "HTTP/", lowest byte first
    let name: UInt64 = 0x2f_5054_5448
    var i = 0
    while i < 8, start &+ i < bytes.count {
      let byte = bytes[start &+ i]
      let fits =
        switch i {
        case 0...4: byte == UInt8(truncatingIfNeeded: name &>> UInt64(i &* 8))
        case 6: byte == ASCII.dot
        default: ASCII.isDigit(byte)
        }
      guard fits else { throw Malformed(.version, at: start &+ i) }
      i &+= 1
    }
    guard i == 8 else { return nil }
    guard bytes[start &+ 5] == 49 else { throw Malformed(.versionNotSupported, at: start &+ 5) }
    return bytes[start &+ 7] == ASCII.zero ? .http10 : .http11
  }
}
