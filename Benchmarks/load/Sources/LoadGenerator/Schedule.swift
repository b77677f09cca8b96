private import Glibc
public import Reactor

/// How requests follow one another.
public enum Arrivals: String, Sendable, CaseIterable {
  /// As from many users who know nothing of each other: exponential gaps.
  case poisson
  /// At equal gaps.
  case uniform
}

/// When requests are meant to be sent. What the server does moves none of it: that is what makes
/// the load open.
public struct Schedule: Sendable {
  private let gap: Double
  private let arrivals: Arrivals
  private var random: RandomSource
  /// Nanoseconds after the start; a sum of whole numbers would round each gap.
  private var offset = 0.0
  private let start: Instant

  /// - Parameter rate: requests in a second, on average.
  public init(from start: Instant, rate: Double, arrivals: Arrivals, seed: UInt64) {
    precondition(rate > 0)
    self.start = start
    self.arrivals = arrivals
    gap = 1e9 / rate
    random = RandomSource(seed: seed)
    moveOn()
  }

  /// When the next request is meant to be sent.
  public var next: Instant { start + UInt64(offset) }

  /// That one has been sent, or waits for a connection.
  public mutating func moveOn() {
    switch arrivals {
    case .poisson: offset -= gap * log(random.unit())
    case .uniform: offset += gap
    }
  }
}
