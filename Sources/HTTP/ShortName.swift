/// Up to 24 bytes with letters in lower case, so that names compare as integers.
///
/// Every byte is or-ed with 0x20. Among the bytes that a token or a field value may hold, only
/// upper-case letters become letters, digits or a hyphen by that: comparison with a name made
/// of those is exact.
struct ShortName {
  let count: Int
  let first: Word
  let second: Word
  let third: Word

  /// A name longer than 24 bytes compares equal to none.
  @inline(__always) init(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) {
    guard count <= 24 else {
      self.count = 0
      first = 0
      second = 0
      third = 0
      return
    }
    self.count = count
    first = Self.lowered(bytes, start, count)
    second = count > 8 ? Self.lowered(bytes, start &+ 8, count &- 8) : 0
    third = count > 16 ? Self.lowered(bytes, start &+ 16, count &- 16) : 0
  }

  @inline(__always) init(_ bytes: Span<UInt8>, _ slice: Slice) {
    self.init(bytes, Int(slice.start), Int(slice.count))
  }

  @inline(__always) private static func lowered(
    _ bytes: Span<UInt8>, _ start: Int, _ size: Int
  ) -> Word {
    bytes.word(at: start, size: size) | (size >= 8 ? .each(0x20) : .each(0x20) & .first(size))
  }

  var isChunked: Bool { count == 7 && first == 0x64_656b_6e75_6863 }
  var isClose: Bool { count == 5 && first == 0x65_736f_6c63 }
  var isKeepAlive: Bool { count == 10 && first == 0x696c_612d_7065_656b && second == 0x6576 }
  var isUpgrade: Bool { count == 7 && first == 0x65_6461_7267_7075 }
  var isWebSocket: Bool { count == 9 && first == 0x656b_636f_7362_6577 && second == 0x74 }
  var isContinue: Bool {
    count == 12 && first == 0x746e_6f63_2d30_3031 && second == 0x6575_6e69
  }
}
