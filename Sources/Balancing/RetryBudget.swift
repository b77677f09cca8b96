/// Keeps repeated requests to a share of all requests, so that a pool in trouble is not given
/// several times its load.
///
/// A bucket of tokens, a hundredth of a request each: every request puts in the share, every
/// second one request's worth, and a request that is repeated takes out 100. It holds a burst of
/// ten and is full at the start, so that a pool with little traffic may repeat what it has.
/// Finagle and Linkerd: `RetryBudget`.
public struct RetryBudget: Equatable, Sendable {
  public static var burst: Int { 10 }

  private let percent: Int
  private var tokens = RetryBudget.burst * 100
  private var refilled: UInt64 = 0

  /// - Parameter percent: the share, 0 … 100; at 0 nothing is ever repeated.
  public init(percent: Int) {
    precondition((0...100).contains(percent))
    self.percent = percent
  }

  /// A request has begun.
  public mutating func noteRequest() {
    tokens = min(tokens + percent, Self.burst * 100)
  }

  /// Whether one more request may be repeated; if so, it has been taken from the budget.
  ///
  /// - Parameter now: in nanoseconds.
  public mutating func spend(now: UInt64) -> Bool {
    guard percent > 0 else { return false }
    refill(now)
    guard tokens >= 100 else { return false }
    tokens -= 100
    return true
  }

  private mutating func refill(_ now: UInt64) {
    guard now > refilled else { return }
    let hundredths = (now - refilled) / 10_000_000
    tokens = min(tokens + Int(clamping: min(hundredths, 1000)), Self.burst * 100)
    refilled += hundredths * 10_000_000
  }
}
