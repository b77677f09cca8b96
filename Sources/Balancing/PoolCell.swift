public import Configuration
import Synchronization

/// What all workers know together about the requests that wait for servers of one pool: how many
/// there are, and which workers have them.
///
/// Cells are 128 bytes, so that two pools share no line of cache and no pair of lines.
public struct PoolCell: ~Copyable, Sendable {
  /// Workers beyond so many share a bit; who is called for another then looks and finds nothing,
  /// and who is not called looks by himself a moment later.
  public static var workers: Int { 64 }

  private let count = Atomic<Int>(0)
  /// By priority: a bit for each worker that has such requests.
  private let masks = InlineArray<3, Atomic<UInt64>> { _ in Atomic(0) }
  /// The worker that was called last.
  private let turn = Atomic<Int>(0)
  /// When a request came, as far as anybody wants to know.
  private let lastRequest = Atomic<UInt64>(0)
  private let padding = InlineArray<10, UInt64>(repeating: 0)

  public init() {}

  /// Notes that a request has come; answers how long none had, in nanoseconds.
  ///
  /// Written ten times a second at most, for all workers write here.
  public func noteRequest(at now: UInt64) -> UInt64 {
    let before = lastRequest.load(ordering: .relaxed)
    guard now > before, now - before >= 100_000_000 else { return 0 }
    lastRequest.store(now, ordering: .relaxed)
    return now - before
  }

  /// How long no request has come, in nanoseconds; from the start on, when none ever has.
  public func idleTime(at now: UInt64) -> UInt64 {
    let last = lastRequest.load(ordering: .relaxed)
    return now > last ? now - last : 0
  }

  /// How many requests wait now.
  public var waiting: Int { count.load(ordering: .relaxed) }

  /// Counts one more that waits; false, and nothing, when there are `limit` already.
  public func join(limit: Int) -> Bool { count.increment(below: limit) }

  /// One waits no more.
  public func leave() { count.wrappingSubtract(1, ordering: .relaxed) }

  /// A worker has requests of a priority that wait, or has none any more.
  ///
  /// Sequentially consistent: who stands in line looks for a free slot after this, and who frees
  /// one looks for a line after that, so that one of them sees the other.
  public func note(_ hasWaiting: Bool, of priority: Priority, worker: Int) {
    let bit: UInt64 = 1 << UInt64(worker % PoolCell.workers)
    if hasWaiting {
      masks[priority.rawValue].bitwiseOr(bit, ordering: .sequentiallyConsistent)
    } else {
      masks[priority.rawValue].bitwiseAnd(~bit, ordering: .sequentiallyConsistent)
    }
  }

  /// Whether requests wait that come before a new one of this priority.
  public func isWaiting(before priority: Priority) -> Bool {
    for i in 0...priority.rawValue where masks[i].load(ordering: .relaxed) != 0 { return true }
    return false
  }

  /// The worker that is to take a slot that has become free: those that have the most urgent
  /// requests, each in turn; nil when nothing waits.
  public func next() -> Int? {
    for i in 0..<3 {
      let mask = masks[i].load(ordering: .sequentiallyConsistent)
      guard mask != 0 else { continue }
      let last = turn.load(ordering: .relaxed)
      let above = last + 1 < PoolCell.workers ? mask & (~0 << UInt64(last + 1)) : 0
      let worker = (above == 0 ? mask : above).trailingZeroBitCount
      turn.store(worker, ordering: .relaxed)
      return worker
    }
    return nil
  }

  /// Makes the cell as new, for another pool.
  func reset() {
    count.store(0, ordering: .relaxed)
    lastRequest.store(0, ordering: .relaxed)
    for i in 0..<3 { masks[i].store(0, ordering: .relaxed) }
  }
}
