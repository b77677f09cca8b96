/// Where a pattern and its first nine groups were found in a subject.
public struct PatternCaptures: Sendable {
  /// The whole match and nine groups: what `{0}` to `{9}` can name.
  public static var limit: Int { 10 }

  private var starts = InlineArray<10, Int32>(repeating: -1)
  private var ends = InlineArray<10, Int32>(repeating: -1)
  private var count = 0

  public init() {}

  /// Where group `number` was found, in bytes from the subject's beginning; nil when the pattern
  /// has no such group, the group took no part in the match, or there was no match.
  public subscript(number: Int) -> Range<Int>? {
    guard number >= 0, number < count, starts[number] >= 0 else { return nil }
    return Int(starts[number])..<Int(ends[number])
  }

  /// Forgets the match.
  public mutating func removeAll() { count = 0 }

  mutating func append(start: Int, end: Int) {
    starts[count] = Int32(truncatingIfNeeded: start)
    ends[count] = Int32(truncatingIfNeeded: end)
    count += 1
  }
}
