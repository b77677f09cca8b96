import Memory

/// Eight bytes at once, the first in the lowest: what the scanners read and compare.
typealias Word = UInt64

extension Span<UInt8> {
  /// The `size` ≤ 8 bytes from `i` on, the rest of the word zero; of a larger `size` eight.
  @inline(__always) func word(at i: Int, size: Int) -> Word {
    guard i &+ 8 <= count else { return wordAtEnd(i, size) }
    return size >= 8 ? word(at: i) : word(at: i) & .first(size)
  }

  /// Where fewer than eight bytes are left: rare within a head, which ends in four of its own.
  @inline(never) private func wordAtEnd(_ i: Int, _ size: Int) -> Word {
    var word: Word = 0
    for k in 0..<Swift.min(size, 8) { word |= Word(self[i &+ k]) &<< (Word(k) &* 8) }
    return word
  }

  /// How many bytes from `start` on, and before `end`, may stand in a string of JSON as they are
  /// and look the same in any encoding: all of ASCII but control characters, `"` and `\`.
  public func plainCount(from start: Int, to end: Int) -> Int {
    var i = start
    while i &+ 8 <= end {
      let marks = word(at: i).notPlainFirst
      if marks != 0 { return i &- start &+ marks.firstMarked }
      i &+= 8
    }
    // Behind the end there are zeros, which are not plain.
    return i &- start &+ word(at: i, size: end &- i).notPlainFirst.firstMarked
  }

  /// Whether both places hold the same bytes, letters of either case being the same.
  func equalsIgnoringCase(_ a: Slice, _ b: Slice) -> Bool {
    guard a.count == b.count else { return false }
    var i = Int(a.start)
    var j = Int(b.start)
    while i < a.end {
      guard ASCII.lowercased(self[i]) == ASCII.lowercased(self[j]) else { return false }
      i &+= 1
      j &+= 1
    }
    return true
  }
}

extension Word {
  /// 0x01 in each byte.
  static var ones: Word { 0x0101_0101_0101_0101 }
  /// The highest bit of each byte.
  static var highBits: Word { 0x8080_8080_8080_8080 }

  /// All bits of the first `count` < 8 bytes.
  @inline(__always) static func first(_ count: Int) -> Word { (1 &<< (Word(count) &* 8)) &- 1 }

  @inline(__always) static func each(_ byte: UInt8) -> Word { Word(byte) &* ones }

  /// The highest bit of each byte of `self` that equals `byte`; `self` holds ASCII only.
  @inline(__always) func equals(_ byte: UInt8) -> Word {
    ~((self ^ .each(byte)) &+ .each(0x7f)) & .highBits
  }

  /// The highest bit of each byte of `self` that is at least `byte`; `self` holds ASCII only.
  @inline(__always) func atLeast(_ byte: UInt8) -> Word {
    (self &+ .each(0x80 &- byte)) & .highBits
  }

  /// The highest bit of the first ASCII byte of `self` that is less than `byte`; what stands in
  /// the bytes behind that one, and in those that are not ASCII, means nothing.
  @inline(__always) func belowFirst(_ byte: UInt8) -> Word { self &- .each(byte) }

  /// The same for the first that equals `byte`, itself ASCII.
  @inline(__always) func equalsFirst(_ byte: UInt8) -> Word { (self ^ .each(byte)) &- .ones }

  /// The highest bit of the first byte that is not ASCII, a control character, `"` or `\`; what
  /// stands in the bytes behind that one means nothing.
  @inline(__always) var notPlainFirst: Word {
    let controls = belowFirst(0x20) | equalsFirst(0x7f)
    return (self | controls | equalsFirst(0x22) | equalsFirst(0x5c)) & .highBits
  }

  /// Which byte the lowest bit set belongs to.
  @inline(__always) var firstMarked: Int { trailingZeroBitCount &>> 3 }
}
