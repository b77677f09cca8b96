public import CLibraries

/// What one worker needs to match requests in: made once, used for all of them.
public struct RouteScratch: ~Copyable {
  /// Where the regex of the matched route and its groups were found in the path; empty when the
  /// route has no regex. Good until the next match.
  public internal(set) var captures = PatternCaptures()
  var patterns = PatternScratch()
  var conditions = HeldConditions()

  public init() {}
}

/// The header conditions of a table that hold for one request.
struct HeldConditions {
  /// Beyond so many different ones, further ones count as not held: real requests meet a
  /// handful, and a hostile one gains nothing.
  static var limit: Int { 32 }

  private var held = InlineArray<32, Int32>(repeating: -1)
  private var count = 0

  mutating func removeAll() { count = 0 }

  func contains(_ condition: Int32) -> Bool {
    for i in 0..<count where held[i] == condition { return true }
    return false
  }

  mutating func insert(_ condition: Int32) {
    guard count < HeldConditions.limit, !contains(condition) else { return }
    held[count] = condition
    count += 1
  }
}
