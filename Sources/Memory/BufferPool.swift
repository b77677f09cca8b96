/// Buffers of one size, kept for the next who needs one: last in, first out, so that the bytes
/// handed out are the ones the processor's caches still hold.
@safe public struct BufferPool: ~Copyable {
  public let bufferCapacity: Int
  /// How many unused buffers are kept; what is given back beyond that is freed.
  public let keptLimit: Int
  /// Buffers out with somebody now.
  public private(set) var lent = 0
  public private(set) var kept = 0
  private let store: UnsafeMutablePointer<ByteBuffer>

  public init(bufferCapacity: Int, keptLimit: Int) {
    precondition(bufferCapacity > 0 && keptLimit > 0)
    self.bufferCapacity = bufferCapacity
    self.keptLimit = keptLimit
    unsafe store = .allocate(capacity: keptLimit)
  }

  deinit {
    unsafe store.deinitialize(count: kept)
    unsafe store.deallocate()
  }

  /// An empty buffer.
  public mutating func take() -> ByteBuffer {
    lent += 1
    guard kept > 0 else { return ByteBuffer(capacity: bufferCapacity) }
    kept -= 1
    return unsafe (store + kept).move()
  }

  /// Gives `buffer` room if it has none.
  public mutating func equip(_ buffer: inout ByteBuffer) {
    if buffer.capacity == 0 { buffer = take() }
  }

  /// Takes the room from `buffer`, and all that it holds.
  public mutating func strip(_ buffer: inout ByteBuffer) {
    guard buffer.capacity > 0 else { return }
    var stripped = ByteBuffer()
    swap(&stripped, &buffer)
    give(stripped)
  }

  /// Takes back a buffer; what it holds is forgotten.
  public mutating func give(_ buffer: consuming ByteBuffer) {
    // One that has grown, or has no room, is none of the pool's.
    guard buffer.capacity == bufferCapacity else { return }
    lent -= 1
    guard kept < keptLimit else { return }
    buffer.clear()
    unsafe (store + kept).initialize(to: consume buffer)
    kept += 1
  }
}
