private import CLinux

/// Work for a few threads that come when there is work and go when there has been none for a
/// while: in order, and within a bound.
///
/// It starts no thread: `add` says when one is wanted, and each takes work with `next` until
/// that answers nil.
@safe public final class CrewQueue<Item: Sendable> {
  public enum Admission: Equatable, Sendable {
    case taken
    /// One more thread is to be started for it.
    case takenByNewcomer
    /// As much waits as may; the item has been dropped.
    case refused
  }

  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  /// How long a thread waits for work before it goes.
  private let patience: Int
  /// Those that were taken are not kept here: an item ends with the thread that has taken it,
  /// not under the lock, for that may take its time.
  private var items: [Item?] = []
  private var taken = 0
  private var threads = 0
  /// Threads that have no work: they wait for it, or have just been started or become free.
  private var free = 0
  private var isClosed = false

  /// - Parameter patience: in seconds.
  public init(patience: Int) {
    self.patience = patience
    unsafe lock = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe clinux_condition_init(changed)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(lock)
    unsafe changed.deallocate()
    unsafe lock.deallocate()
  }

  /// Items that no thread has taken up.
  public var waiting: Int {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return items.count - taken
  }

  /// Whether nothing waits, and no thread is at work.
  public var isIdle: Bool {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return taken == items.count && free == threads
  }

  /// - Parameters:
  ///   - limit: threads that there may be.
  ///   - bound: items that may wait beyond those for which a thread is free.
  public func add(_ item: Item, threads limit: Int, waiting bound: Int) -> Admission {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    let before = items.count - taken
    let needsThread = before >= free && threads < limit
    guard needsThread || before - free < bound else { return .refused }
    items.append(item)
    guard needsThread else {
      unsafe pthread_cond_signal(changed)
      return .taken
    }
    threads += 1
    free += 1
    return .takenByNewcomer
  }

  /// The thread that was wanted could not be started.
  ///
  /// - Returns: what waits, when there is no thread at all to take it.
  public func newcomerFailed() -> [Item] {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    threads -= 1
    free -= 1
    guard threads == 0 else { return [] }
    defer { tidy() }
    defer { taken = items.count }
    return items[taken...].compactMap(\.self)
  }

  /// The next piece of work, waited for. Nil when there has been none for so long that the
  /// thread is to end, or when the queue was closed and is empty.
  ///
  /// - Parameter isNew: whether the thread asks for the first time.
  public func next(isNew: Bool) -> Item? {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    if !isNew { free += 1 }
    let deadline = clinux_monotonic() + UInt64(patience) * 1_000_000_000
    while taken == items.count {
      guard !isClosed, unsafe clinux_condition_wait(changed, lock, deadline) else {
        guard taken == items.count else { break }
        threads -= 1
        free -= 1
        return nil
      }
    }
    free -= 1
    let item = items[taken].take()
    taken += 1
    tidy()
    return item
  }

  /// Frees the places of what was taken: all of them when nothing waits, and when something
  /// always does, as often as they are as many as those that wait.
  private func tidy() {
    if taken == items.count {
      items.removeAll(keepingCapacity: items.count <= 1024)
    } else if taken >= 1024, 2 * taken >= items.count {
      items.removeFirst(taken)
    } else {
      return
    }
    taken = 0
  }

  /// Threads go as soon as there is nothing to do, whatever their patience.
  public func close() {
    unsafe pthread_mutex_lock(lock)
    isClosed = true
    unsafe pthread_cond_broadcast(changed)
    unsafe pthread_mutex_unlock(lock)
  }
}

// Every stored variable is touched under `lock` only.
extension CrewQueue: @unchecked Sendable {}
