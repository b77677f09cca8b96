private import CLinux

/// Filled buffers on their way from many threads to one that does slow things with them: a
/// bounded queue whose writers never wait.
///
/// A writer gives a full buffer and gets an empty one for it, so that in steady state the same
/// few buffers go round and nothing is allocated. The lock is held for a few instructions, once
/// a batch.
@safe public final class BatchQueue {
  /// What the reader has to do next.
  public enum Turn: ~Copyable {
    case batch(ByteBuffer)
    /// Somebody called `nudge`: look at what else may have changed.
    case nudged
    /// `close` was called and every batch has been taken.
    case closed
  }

  /// How many batches may wait.
  public let limit: Int
  public let bufferCapacity: Int
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  // A ring of `limit` slots; `waiting` of them, from `first` on, hold batches.
  private let ring: UnsafeMutablePointer<ByteBuffer>
  private var first = 0
  private var waiting = 0
  private var spare: BufferPool
  private var isNudged = false
  private var isClosed = false

  public init(limit: Int, bufferCapacity: Int) {
    precondition(limit > 0 && bufferCapacity > 0)
    self.limit = limit
    self.bufferCapacity = bufferCapacity
    spare = BufferPool(bufferCapacity: bufferCapacity, keptLimit: limit)
    unsafe lock = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe ring = .allocate(capacity: limit)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    for i in 0..<waiting { unsafe (ring + (first + i) % limit).deinitialize(count: 1) }
    unsafe ring.deallocate()
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(lock)
    unsafe changed.deallocate()
    unsafe lock.deallocate()
  }

  /// An empty buffer of the queue's own capacity.
  public func emptyBuffer() -> ByteBuffer {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return spare.take()
  }

  /// Takes what `batch` holds and leaves an empty buffer in its place.
  ///
  /// - Returns: False when the queue is full or closed: what the batch held is lost, for a
  ///   writer must not wait, and `batch` is empty all the same.
  public func submit(_ batch: inout ByteBuffer) -> Bool {
    guard !batch.isEmpty else { return true }
    unsafe pthread_mutex_lock(lock)
    guard waiting < limit, !isClosed else {
      unsafe pthread_mutex_unlock(lock)
      batch.clear()
      return false
    }
    var other = spare.take()
    swap(&batch, &other)
    unsafe (ring + (first + waiting) % limit).initialize(to: other)
    waiting += 1
    if waiting == 1 { unsafe pthread_cond_signal(changed) }
    unsafe pthread_mutex_unlock(lock)
    return true
  }

  /// Waits until there is something to do. One thread calls it.
  public func next() -> Turn {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while true {
      if isNudged {
        isNudged = false
        return .nudged
      }
      if waiting > 0 {
        let batch = unsafe (ring + first).move()
        first = (first + 1) % limit
        waiting -= 1
        return .batch(batch)
      }
      if isClosed { return .closed }
      unsafe pthread_cond_wait(changed, lock)
    }
  }

  /// Gives back the buffer of a batch that has been dealt with.
  public func give(_ buffer: consuming ByteBuffer) {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    spare.give(buffer)
  }

  /// Makes `next` answer `.nudged` once, before any batch that waits.
  public func nudge() {
    unsafe pthread_mutex_lock(lock)
    isNudged = true
    unsafe pthread_cond_signal(changed)
    unsafe pthread_mutex_unlock(lock)
  }

  /// No more batches: `next` answers those that wait, then `.closed`.
  public func close() {
    unsafe pthread_mutex_lock(lock)
    isClosed = true
    unsafe pthread_cond_signal(changed)
    unsafe pthread_mutex_unlock(lock)
  }
}

// Every stored variable is touched under `lock` only.
extension BatchQueue: @unchecked Sendable {}
