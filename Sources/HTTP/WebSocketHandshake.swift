public import Memory

/// How a server shows that it has understood a WebSocket handshake (RFC 6455 §4.2.2).
public enum WebSocketHandshake {
  /// What Sec-WebSocket-Accept takes.
  public static var acceptCount: Int { 28 }

  /// Whether `key` is what Sec-WebSocket-Key must be: sixteen bytes in base64 (§4.1).
  public static func isKey(_ key: Span<UInt8>) -> Bool {
    guard key.count == 24 else { return false }
    for i in 0..<22 {
      let byte = key[i]
      let isLetter = (byte | 0x20) &- 97 < 26
      guard isLetter || ASCII.isDigit(byte) || byte == 43 || byte == ASCII.slash else {
        return false
      }
    }
    return key[22] == ASCII.equals && key[23] == ASCII.equals
  }

  /// Appends the value of Sec-WebSocket-Accept: base64 of the SHA-1 of the key and a constant.
  ///
  /// - Precondition: `isKey`, and `acceptCount` bytes of space.
  public static func writeAccept(for key: Span<UInt8>, to buffer: inout ByteBuffer) {
    precondition(key.count == 24)
    let digest = Self.digest(key)
    // 20 bytes are six groups of three and one of two.
    for group in 0..<7 {
      var bits: UInt32 = 0
      for k in 0..<3 {
        let i = group * 3 + k
        let byte = i < 20 ? digest[i / 4] >> UInt32(24 - i % 4 * 8) & 0xff : 0
        bits = bits << 8 | byte
      }
      for k in 0..<4 {
        let isPadding = group == 6 && k == 3
        buffer.append(isPadding ? ASCII.equals : base64(UInt8(bits >> UInt32(18 - 6 * k) & 63)))
      }
    }
  }

  private static func base64(_ bits: UInt8) -> UInt8 {
    switch bits {
    case 0..<26: 65 + bits
    case 26..<52: 71 + bits
    case 52..<62: bits - 4
    case 62: 43
    default: ASCII.slash
    }
  }

  /// SHA-1 (FIPS 180-4 §6.1.2) of the key and the constant, 60 bytes together: two blocks.
  private static func digest(_ key: Span<UInt8>) -> InlineArray<5, UInt32> {
    let constant = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    var words = InlineArray<32, UInt32>(repeating: 0)
    func put(_ byte: UInt8, at i: Int) { words[i / 4] |= UInt32(byte) << UInt32(24 - i % 4 * 8) }
    for i in 0..<24 { put(key[i], at: i) }
    var end = 24
    for byte in constant.utf8 {
      put(byte, at: end)
      end += 1
    }
    put(0x80, at: end)
    words[31] = UInt32(end * 8)

    var state: InlineArray<5, UInt32> = [
      0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0,
    ]
    for block in 0..<2 {
      var schedule = InlineArray<80, UInt32>(repeating: 0)
      for i in 0..<16 { schedule[i] = words[block * 16 + i] }
      for i in 16..<80 {
        schedule[i] = rotated(
          schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], by: 1)
      }
      var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
      for i in 0..<80 {
        let (mixed, constant): (UInt32, UInt32) =
          switch i {
          case 0..<20: (b & c | ~b & d, 0x5a82_7999)
          case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
          case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
          default: (b ^ c ^ d, 0xca62_c1d6)
          }
        let next = rotated(a, by: 5) &+ mixed &+ e &+ constant &+ schedule[i]
        (e, d, c, b, a) = (d, c, rotated(b, by: 30), a, next)
      }
      state[0] &+= a
      state[1] &+= b
      state[2] &+= c
      state[3] &+= d
      state[4] &+= e
    }
    return state
  }

  private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
  }
}
