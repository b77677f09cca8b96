import Synchronization

/// Numbers that workers count up and the control thread reads: a row of slots for each worker.
///
/// Each row has one writer, so that counting is a plain load and store: no locked instruction,
/// no line of cache that two processors fight over. A reader sums the rows; what it sees of
/// two slots need not be from the same moment.
public struct CounterTable: Sendable {
  public let workers: Int
  /// Slots of each worker.
  public let slots: Int
  let cells: SharedTable<Atomic<UInt64>>
  let stride: Int

  public init(workers: Int, slots: Int) {
    precondition(workers > 0 && slots > 0)
    self.workers = workers
    self.slots = slots
    stride = slots + 16  // 128 bytes between rows: processors fetch lines in pairs
    cells = SharedTable(count: workers * stride) { _ in Atomic(0) }
  }

  /// The row of one worker; only that worker's thread may write to it.
  public func row(ofWorker worker: Int) -> WorkerCounters {
    precondition(worker >= 0 && worker < workers)
    return WorkerCounters(cells: cells, first: worker * stride, slots: slots)
  }

  public func value(ofWorker worker: Int, slot: Int) -> UInt64 {
    row(ofWorker: worker).value(slot)
  }

  /// The slot summed over all workers. It wraps, so that a gauge that one worker counted up and
  /// another down is right when read as `Int64(bitPattern:)`.
  public func sum(_ slot: Int) -> UInt64 {
    var sum: UInt64 = 0
    for worker in 0..<workers { sum &+= value(ofWorker: worker, slot: slot) }
    return sum
  }
}

/// One worker's row of a `CounterTable`: what the hot path holds. A copy costs no counting of
/// references.
public struct WorkerCounters: Sendable {
  let cells: SharedTable<Atomic<UInt64>>
  let first: Int
  let slots: Int

  public func add(_ slot: Int, _ amount: UInt64 = 1) {
    precondition(slot >= 0 && slot < slots)
    let i = first + slot
    cells[i].store(cells[i].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// Counts a gauge down.
  public func subtract(_ slot: Int, _ amount: UInt64 = 1) {
    add(slot, 0 &- amount)
  }

  public func set(_ slot: Int, _ value: UInt64) {
    precondition(slot >= 0 && slot < slots)
    cells[first + slot].store(value, ordering: .relaxed)
  }

  public func value(_ slot: Int) -> UInt64 {
    precondition(slot >= 0 && slot < slots)
    return cells[first + slot].load(ordering: .relaxed)
  }

  /// Counts a duration into the histogram whose `LatencyBuckets.slots` slots begin at `base`.
  public func observe(_ base: Int, nanoseconds: UInt64) {
    add(base + LatencyBuckets.index(ofNanoseconds: nanoseconds))
    add(base + LatencyBuckets.count, nanoseconds)
  }
}

/// The buckets that durations are counted into: the same for every histogram, so that they can
/// be summed, and wide enough for a file from memory and for a report that takes a minute.
public enum LatencyBuckets {
  /// Buckets, the last one without a bound.
  public static let count = 16
  /// Slots a histogram takes: its buckets, then the sum of nanoseconds.
  public static let slots = count + 1

  /// The upper bound of a bucket in seconds, as Prometheus writes it in `le`.
  public static func bound(ofBucket index: Int) -> StaticString {
    switch index {
    case 0: "0.001"
    case 1: "0.0025"
    case 2: "0.005"
    case 3: "0.01"
    case 4: "0.025"
    case 5: "0.05"
    case 6: "0.1"
    case 7: "0.25"
    case 8: "0.5"
    case 9: "1"
    case 10: "2.5"
    case 11: "5"
    case 12: "10"
    case 13: "30"
    case 14: "60"
    default: "+Inf"
    }
  }

  /// The bucket that a duration falls into: a bound belongs to the bucket below it.
  public static func index(ofNanoseconds duration: UInt64) -> Int {
    switch duration {
    case ...1_000_000: 0
    case ...2_500_000: 1
    case ...5_000_000: 2
    case ...10_000_000: 3
    case ...25_000_000: 4
    case ...50_000_000: 5
    case ...100_000_000: 6
    case ...250_000_000: 7
    case ...500_000_000: 8
    case ...1_000_000_000: 9
    case ...2_500_000_000: 10
    case ...5_000_000_000: 11
    case ...10_000_000_000: 12
    case ...30_000_000_000: 13
    case ...60_000_000_000: 14
    default: 15
    }
  }
}
