import Synchronization

extension Atomic<Int> {
  /// Counts one more; false, and nothing, when there are `limit` already.
  func increment(below limit: Int) -> Bool {
    var before = load(ordering: .relaxed)
    while before < limit {
      let (exchanged, current) = compareExchange(
        expected: before, desired: before + 1, ordering: .relaxed)
      if exchanged { return true }
      before = current
    }
    return false
  }
}
