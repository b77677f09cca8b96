/// Some of the statuses 400 to 599.
struct FailureStatuses: Sendable {
  private var words = InlineArray<4, UInt64>(repeating: 0)

  init() {}

  init(_ ranges: [ClosedRange<Int>]) {
    for range in ranges {
      for status in range where (400...599).contains(status) {
        words[(status - 400) / 64] |= 1 << UInt64((status - 400) % 64)
      }
    }
  }

  func contains(_ status: UInt16) -> Bool {
    guard status >= 400, status <= 599 else { return false }
    let place = Int(status) - 400
    return words[place / 64] & 1 << UInt64(place % 64) != 0
  }
}
