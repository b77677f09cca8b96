internal import Memory

/// Where the connections of one thread take records apart and put them together: between calls
/// there is nothing in it.
public final class RecordRoom: @unchecked Sendable {  // one thread's, as its connections are
  /// Read at once: eight records.
  static let inputBytes = 8 * RecordLayer.sealedBytes
  /// Sent at once: four records, and one that renews the key. What of them the kernel does not take
  /// is kept for the connection.
  static let outputBytes = 4 * RecordLayer.sealedBytes + RecordLayer.renewalBytes

  /// Records that are sealed by one key: it is changed long before it would be too many (RFC 8446
  /// §5.5).
  let sealingLimit: UInt64
  var inputs = BufferPool(bufferCapacity: inputBytes, keptLimit: 1)
  var outputs = BufferPool(bufferCapacity: outputBytes, keptLimit: 1)

  public init(sealingLimit: UInt64 = 1 << 24) { self.sealingLimit = sealingLimit }
}
