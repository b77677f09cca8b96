import Synchronization

/// How many bytes all spill files together may hold, shared by all workers.
public final class SpillBudget: Sendable {
  public let limit: Int
  private let reserved = Atomic<Int>(0)
  private let refused = Atomic<Int>(0)

  public init(limit: Int) { self.limit = limit }

  /// Bytes reserved now.
  public var inUse: Int { reserved.load(ordering: .relaxed) }
  /// How often a body was refused room, and streamed instead.
  public var refusals: Int { refused.load(ordering: .relaxed) }

  /// False when the budget is spent: nothing was reserved.
  func reserve(_ bytes: Int) -> Bool {
    let (_, after) = reserved.add(bytes, ordering: .relaxed)
    if after <= limit { return true }
    reserved.subtract(bytes, ordering: .relaxed)
    return false
  }

  func release(_ bytes: Int) { reserved.subtract(bytes, ordering: .relaxed) }

  func countRefusal() { refused.add(1, ordering: .relaxed) }
}
