private import CLinux

/// Work that threads take from each other: in order, without losing any.
///
/// It has no bound of its own: whoever adds work bounds how much of it may be under way.
@safe public final class WorkQueue<Item: Sendable> {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var items: [Item] = []
  private var taken = 0
  private var isClosed = false

  public init() {
    unsafe lock = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(lock)
    unsafe changed.deallocate()
    unsafe lock.deallocate()
  }

  public func add(_ item: Item) {
    unsafe pthread_mutex_lock(lock)
    items.append(item)
    unsafe pthread_cond_signal(changed)
    unsafe pthread_mutex_unlock(lock)
  }

  /// The next piece of work; waits for it. Nil when the queue was closed and is empty.
  public func next() -> Item? {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while taken == items.count {
      if isClosed { return nil }
      unsafe pthread_cond_wait(changed, lock)
    }
    let item = items[taken]
    taken += 1
    if taken == items.count {
      items.removeAll(keepingCapacity: true)
      taken = 0
    }
    return item
  }

  /// No more work will come.
  public func close() {
    unsafe pthread_mutex_lock(lock)
    isClosed = true
    unsafe pthread_cond_broadcast(changed)
    unsafe pthread_mutex_unlock(lock)
  }
}

// Every stored variable is touched under `lock` only.
extension WorkQueue: @unchecked Sendable {}
