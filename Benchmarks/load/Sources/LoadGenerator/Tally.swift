/// What went wrong with a request.
public enum Failure: Int, CaseIterable, Sendable {
  /// The answer has another status than is right.
  case status
  /// The answer should be compressed and is not.
  case uncompressed
  /// No answer in time, counted from when the request was meant to be sent.
  case timeout
  /// The connection could not be opened, or ended before the answer had.
  case connection
  /// The answer cannot be read.
  case malformed
}

/// What came of the requests of one kind.
public struct Tally: Sendable {
  /// Nanoseconds from when a request was meant to be sent until its answer was complete.
  public private(set) var latency = Histogram()
  /// The same from when it was sent: what a closed loop would have measured, and why it is not
  /// to be believed.
  public private(set) var uncorrected = Histogram()
  public private(set) var failures = Array(repeating: UInt64(0), count: Failure.allCases.count)
  public private(set) var bodyBytes: UInt64 = 0

  public init() {}

  public var answers: UInt64 { latency.count }
  public var errors: UInt64 { failures.reduce(0, +) }

  mutating func record(_ latency: UInt64, uncorrected: UInt64, bodyBytes: UInt64) {
    self.latency.record(latency)
    self.uncorrected.record(uncorrected)
    self.bodyBytes += bodyBytes
  }

  mutating func record(_ failure: Failure) { failures[failure.rawValue] += 1 }

  mutating func add(_ other: Tally) {
    latency.add(other.latency)
    uncorrected.add(other.uncorrected)
    for i in failures.indices { failures[i] += other.failures[i] }
    bodyBytes += other.bodyBytes
  }
}
