/// The places of routes in groups of hosts. Those for the same path stand in a row, those of a
/// group's regexes too; who comes first in a row goes first.
struct RouteCandidates: Sendable {
  struct Candidate: Sendable {
    let route: Int32
    /// The number of its regex; -1 without.
    let pattern: Int32
    /// A bit for each method that it takes; 0 is any method.
    let methods: UInt64
    /// Where its header conditions stand, all of which must hold.
    let firstCondition: Int32
    let conditionCount: Int32
    /// nginx: `^~`.
    let isFinal: Bool
    /// The row ends here.
    var isLast = false

    /// Prefers a request with certain methods or fields to any other.
    var isConditional: Bool { methods != 0 || conditionCount > 0 }
  }

  private var all: [Candidate] = []
  private var conditions: [Int32] = []

  subscript(number: Int32) -> Candidate { all[Int(number)] }

  /// The first candidate of the row, from `first` on, that takes a request with this method and
  /// these conditions held; -1 without.
  func firstHolding(
    from first: Int32, _ methodBit: UInt64, _ held: borrowing HeldConditions
  ) -> Int32 {
    let all = all.span
    var number = first
    while number >= 0 {
      if holds(all[Int(number)], methodBit, held) { return number }
      number = all[Int(number)].isLast ? -1 : number + 1
    }
    return -1
  }

  /// The same, after candidate `number`.
  func nextHolding(
    after number: Int32, _ methodBit: UInt64, _ held: borrowing HeldConditions
  ) -> Int32 {
    all[Int(number)].isLast ? -1 : firstHolding(from: number + 1, methodBit, held)
  }

  private func holds(
    _ candidate: Candidate, _ methodBit: UInt64, _ held: borrowing HeldConditions
  ) -> Bool {
    guard candidate.methods == 0 || candidate.methods & methodBit != 0 else { return false }
    for i in candidate.firstCondition..<candidate.firstCondition + candidate.conditionCount
    where !held.contains(conditions[Int(i)]) {
      return false
    }
    return true
  }

  // MARK: Building

  /// Adds conditions and gives where they stand.
  mutating func add(conditions new: [Int32]) -> Int32 {
    conditions.append(contentsOf: new)
    return Int32(conditions.count - new.count)
  }

  /// Adds a row and gives its first number; -1 for an empty row.
  mutating func add(row: [Candidate]) -> Int32 {
    guard let last = row.last else { return -1 }
    let first = Int32(all.count)
    all.append(contentsOf: row.dropLast())
    var marked = last
    marked.isLast = true
    all.append(marked)
    return first
  }
}
