/// SHA-1 (RFC 3174): what `Sec-WebSocket-Accept` is made of (RFC 6455 §4.2.2), and a name for
/// a file by its content. No security rests on it.
enum SHA1 {
  /// The 20 bytes of the digest.
  static func digest(of message: Span<UInt8>) -> [UInt8] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var block: [UInt8] = []
    block.reserveCapacity(64)
    for i in message.indices {
      block.append(message[i])
      if block.count == 64 { absorb(&block, into: &state) }
    }
    // §4: a 1 bit, zeros, and the length in bits as 64 bits, to a whole block.
    block.append(0x80)
    if block.count > 56 {
      block += [UInt8](repeating: 0, count: 64 - block.count)
      absorb(&block, into: &state)
    }
    block += [UInt8](repeating: 0, count: 56 - block.count)
    let bits = UInt64(message.count) * 8
    for shift in stride(from: 56, through: 0, by: -8) {
      block.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
    absorb(&block, into: &state)
    return state.flatMap { word in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
    }
  }

  /// §6.1, for one block of 64 bytes, which it empties.
  private static func absorb(_ block: inout [UInt8], into state: inout [UInt32]) {
    var words = [UInt32](repeating: 0, count: 80)
    for t in 0..<16 {
      for byte in block[(t * 4)..<(t * 4 + 4)] { words[t] = words[t] << 8 | UInt32(byte) }
    }
    block.removeAll(keepingCapacity: true)
    for t in 16..<80 {
      words[t] = rotate(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], by: 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for t in 0..<80 {
      let (mixed, constant): (UInt32, UInt32) =
        switch t {
        case ..<20: (b & c | ~b & d, 0x5A82_7999)
        case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
        case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
        default: (b ^ c ^ d, 0xCA62_C1D6)
        }
      let next = rotate(a, by: 5) &+ mixed &+ e &+ words[t] &+ constant
      (a, b, c, d, e) = (next, a, rotate(b, by: 30), c, d)
    }
    for (i, word) in [a, b, c, d, e].enumerated() { state[i] &+= word }
  }

  private static func rotate(_ word: UInt32, by bits: UInt32) -> UInt32 {
    word << bits | word >> (32 - bits)
  }
}
