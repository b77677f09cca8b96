import Memory

/// The memory in which a worker holds bodies of requests.
///
/// Most are small. A large one has a buffer that takes all of it, if it fits and there is one: so
/// much memory is not to be had for as many clients as connect. The others begin in a small one
/// and go on in a spill file.
struct RequestMemory: ~Copyable {
  static let smallBytes = 64 << 10
  /// Bytes of large buffers that bodies may have at once, and that are kept for the next. There is
  /// one, however large.
  static let largeBytes = 16 << 20
  private static let keptBytes = 4 << 20

  private var small: BufferPool
  private var large: BufferPool
  private let largeLimit: Int

  /// - Parameter largest: bytes of the largest body that is held in memory.
  init(largest: Int) {
    small = BufferPool(bufferCapacity: min(largest, Self.smallBytes), keptLimit: 16)
    large = BufferPool(bufferCapacity: largest, keptLimit: max(Self.keptBytes / largest, 1))
    largeLimit = max(Self.largeBytes / largest, 1)
  }

  /// An empty buffer.
  ///
  /// - Parameter length: of the body, nil when it is not known, or need not be held whole.
  mutating func take(for length: UInt64?) -> ByteBuffer {
    guard let length, length > UInt64(small.bufferCapacity), length <= UInt64(large.bufferCapacity),
      large.lent < largeLimit
    else { return small.take() }
    return large.take()
  }

  mutating func give(_ buffer: consuming ByteBuffer) {
    if buffer.capacity == small.bufferCapacity {
      small.give(buffer)
    } else {
      large.give(buffer)
    }
  }
}
