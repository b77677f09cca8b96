extension Span<UInt8> {
  /// The eight bytes from `i` on, the first in the lowest byte of the word: one load, behind one
  /// check for all eight.
  ///
  /// - Precondition: they are there.
  @inlinable @inline(__always) public func word(at i: Int) -> UInt64 {
    precondition(i >= 0 && i <= count &- 8, "out of range")
    let word = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self)
    return UInt64(littleEndian: word)
  }
}
