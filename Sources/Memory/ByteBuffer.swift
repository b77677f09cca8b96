/// Bytes that one owner reads at the front and writes at the back, within a fixed capacity.
///
///     | read already | readable | space |
///     0              start      end     capacity
@safe public struct ByteBuffer: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer
  public let capacity: Int
  @usableFromInline var start = 0
  @usableFromInline var end = 0

  public init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }

  /// No room at all, and no memory: what stands where no buffer is needed at the moment.
  public init() {
    capacity = 0
    unsafe base = Self.nowhere
  }

  deinit { if capacity > 0 { unsafe base.deallocate() } }

  // Never read or written: every access is bounded by a capacity of 0.
  private static var nowhere: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: 16)!
  }

  /// Bytes written and not yet read.
  @inlinable public var count: Int { end &- start }
  @inlinable public var isEmpty: Bool { end == start }
  /// Bytes that can be appended as things stand; `compact` adds what was read already.
  @inlinable public var space: Int { capacity &- end }

  /// Bytes in front of the readable ones.
  @inlinable public var consumed: Int { start }

  /// The bytes written and not yet read.
  @inlinable public var readable: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let bytes = unsafe UnsafeRawBufferPointer(start: base + start, count: end - start)
      let span = unsafe Span<UInt8>(_unsafeBytes: bytes)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// All that lies between the beginning of the storage and the last byte written, bytes read
  /// already included: what offsets taken before a `consume` still refer to.
  @inlinable public var written: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let span = unsafe Span<UInt8>(
        _unsafeBytes: UnsafeRawBufferPointer(start: base, count: end))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Lets `body` write into the space; what it has written is readable afterwards.
  @inlinable public mutating func fill<E: Error, R>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> (count: Int, result: R)
  ) throws(E) -> R {
    let room = unsafe UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
    let (count, result) = try unsafe body(room)
    precondition(count >= 0 && count <= capacity - end)
    end += count
    return result
  }

  /// Lets `body` append to what is readable, up to the space there is.
  @inlinable public mutating func write(_ body: (inout OutputSpan<UInt8>) -> Void) {
    let room = unsafe UnsafeMutableBufferPointer(
      start: (base + end).assumingMemoryBound(to: UInt8.self), count: capacity - end)
    var output = unsafe OutputSpan<UInt8>(buffer: room, initializedCount: 0)
    body(&output)
    end += unsafe output.finalize(for: room)
  }

  /// Lends the readable bytes to `body`, which answers how many of them it has taken.
  @inlinable public mutating func drain<E: Error, R>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> (count: Int, result: R)
  ) throws(E) -> R {
    let bytes = unsafe UnsafeRawBufferPointer(start: base + start, count: end - start)
    let (count, result) = try unsafe body(bytes)
    consume(count)
    return result
  }

  /// Lets `body` change the readable bytes where they are.
  @inlinable public mutating func change<R>(
    _ body: (UnsafeMutableRawBufferPointer) -> R
  ) -> R {
    unsafe body(UnsafeMutableRawBufferPointer(start: base + start, count: end - start))
  }

  /// Takes bytes from the front as read.
  @inlinable public mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    start += count
    if start == end { clear() }
  }

  /// Takes bytes from the front as read but keeps offsets valid: see `written`.
  public mutating func skip(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    start += count
  }

  /// Hands over the room and what it holds, and is left without.
  public mutating func take() -> ByteBuffer {
    var taken = ByteBuffer()
    swap(&taken, &self)
    return taken
  }

  /// Makes everything written readable again, from the first byte on: undoes `skip`.
  public mutating func rewind() { start = 0 }

  /// Closes the gap that `count` readable bytes at `offset` leave.
  public mutating func remove(at offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset + count <= end - start)
    let gap = unsafe base + start + offset
    unsafe gap.copyMemory(from: gap + count, byteCount: end - start - offset - count)
    end -= count
  }

  /// Makes the last `count` bytes unwritten.
  public mutating func removeLast(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    end -= count
  }

  /// Empties the buffer and leaves `reserved` bytes of its capacity unused, as if it were smaller.
  public mutating func clear(reserving reserved: Int) {
    precondition(reserved >= 0 && reserved <= capacity)
    start = reserved
    end = reserved
  }

  @inlinable public mutating func clear() {
    start = 0
    end = 0
  }

  /// Moves the readable bytes to the beginning, so that all other room is space.
  public mutating func compact() {
    guard start > 0 else { return }
    unsafe base.copyMemory(from: base + start, byteCount: end - start)
    end -= start
    start = 0
  }

  // MARK: Appending

  // `start` ≤ `end` ≤ `capacity`: what is added to `end` after a look at `space` cannot overflow.

  /// - Precondition: the bytes fit into `space`.
  @inlinable public mutating func append(_ bytes: Span<UInt8>) {
    let count = bytes.count
    precondition(count <= space, "the caller makes room first")
    guard count > 0 else { return }
    unsafe bytes.withUnsafeBytes { source in
      unsafe (base + end).copyMemory(from: source.baseAddress!, byteCount: count)
    }
    end &+= count
  }

  /// Appends as much as fits, from the front of `bytes`; answers how much that was.
  public mutating func appendPrefix(_ bytes: Span<UInt8>) -> Int {
    let count = min(bytes.count, space)
    append(bytes.extracting(first: count))
    return count
  }

  @inlinable public mutating func append(_ byte: UInt8) {
    precondition(end < capacity, "the caller makes room first")
    unsafe base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
    end &+= 1
  }

  @inlinable @inline(__always) public mutating func append(_ text: StaticString) {
    let count = text.utf8CodeUnitCount
    precondition(count <= space, "the caller makes room first")
    unsafe (base + end).copyMemory(from: text.utf8Start, byteCount: count)
    end &+= count
  }

  /// Labelled, so that a literal is taken for a `StaticString`, which costs nothing to look into.
  public mutating func append(text: String) {
    append(text.utf8.span)
  }

  public mutating func append(decimal number: UInt64) {
    if number < 10 { return append(48 | UInt8(truncatingIfNeeded: number)) }
    let digits = ByteBuffer.digits(of: number)
    precondition(digits <= space, "the caller makes room first")
    var rest = number
    var left = digits
    // `digits` bytes from `end` on are there; they are written from the last, two at a time.
    while left >= 2 {
      left &-= 2
      let (tens, units) = (rest % 100).quotientAndRemainder(dividingBy: 10)
      let pair = UInt16(truncatingIfNeeded: 0x3030 | tens | units << 8).littleEndian
      unsafe base.storeBytes(of: pair, toByteOffset: end &+ left, as: UInt16.self)
      rest /= 100
    }
    if left > 0 {
      unsafe base.storeBytes(
        of: 48 | UInt8(truncatingIfNeeded: rest), toByteOffset: end, as: UInt8.self)
    }
    end &+= digits
  }

  /// Three decimal digits, as they stand behind a point.
  ///
  /// - Precondition: the number is less than 1000.
  public mutating func append(thousandths number: UInt64) {
    precondition(number < 1000 && space >= 3, "the caller makes room first")
    let (tens, units) = UInt32(truncatingIfNeeded: number).quotientAndRemainder(dividingBy: 10)
    let pair = UInt16(truncatingIfNeeded: 0x3030 | tens / 10 | (tens % 10) << 8).littleEndian
    // Three bytes from `end` on are there.
    unsafe base.storeBytes(of: pair, toByteOffset: end, as: UInt16.self)
    unsafe base.storeBytes(
      of: 48 | UInt8(truncatingIfNeeded: units), toByteOffset: end &+ 2, as: UInt8.self)
    end &+= 3
  }

  /// How many decimal digits a number has.
  private static func digits(of number: UInt64) -> Int {
    // 1233 / 4096 is a little less than log₁₀ 2: at most one is missing.
    let fewest = ((64 - (number | 1).leadingZeroBitCount) * 1233) >> 12
    return fewest + (number >= powersOfTen[fewest] ? 1 : 0)
  }

  private static let powersOfTen: InlineArray<20, UInt64> = [
    0, 10, 100, 1000, 10000, 100000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    10_000_000_000, 100_000_000_000, 1_000_000_000_000, 10_000_000_000_000,
    100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
    100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
  ]

  /// Lower-case hexadecimal digits, without leading zeros unless `width` asks for them.
  public mutating func append(hexadecimal number: UInt64, width: Int = 1) {
    if width == 16 {
      precondition(space >= 16, "the caller makes room first")
      let high = ByteBuffer.digits(UInt32(truncatingIfNeeded: number >> 32)).bigEndian
      let low = ByteBuffer.digits(UInt32(truncatingIfNeeded: number)).bigEndian
      unsafe base.storeBytes(of: high, toByteOffset: end, as: UInt64.self)
      unsafe base.storeBytes(of: low, toByteOffset: end + 8, as: UInt64.self)
      end &+= 16
      return
    }
    let significant = (64 - number.leadingZeroBitCount + 3) / 4
    let digits = max(width, significant, 1)
    precondition(digits <= space, "the caller makes room first")
    var rest = number
    var at = end + digits - 1
    while at >= end {
      let nibble = UInt8(truncatingIfNeeded: rest) & 15
      let digit = nibble < 10 ? 48 + nibble : 87 + nibble
      unsafe base.storeBytes(of: digit, toByteOffset: at, as: UInt8.self)
      rest &>>= 4
      at -= 1
    }
    end &+= digits
  }

  /// Eight hexadecimal digits at once, the first in the highest byte.
  private static func digits(_ number: UInt32) -> UInt64 {
    var nibbles = UInt64(number)
    nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
    // 1 in each byte that holds more than 9, which stands for a letter.
    let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39
  }
}

extension ByteBuffer: @unchecked Sendable {}
