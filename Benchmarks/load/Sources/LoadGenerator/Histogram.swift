/// How often values occurred, in buckets that are never wider than 1/128 of what is in them.
///
/// Below 256 each value has a bucket of its own; above, each power of two is divided into 128
/// (log-linear, as in HdrHistogram): 35 KiB, whatever is recorded.
public struct Histogram: Sendable {
  /// Values beyond are counted as this one: 18 minutes in nanoseconds.
  public static let limit: UInt64 = 1 << 40 - 1
  private static let fineBits: UInt64 = 7

  private var counts: [UInt64]
  public private(set) var count: UInt64 = 0
  /// Exact; 0 when nothing was recorded.
  public private(set) var maximum: UInt64 = 0

  public init() {
    counts = Array(repeating: 0, count: Self.bucket(of: Self.limit) + 1)
  }

  public mutating func record(_ value: UInt64) {
    counts[Self.bucket(of: min(value, Self.limit))] += 1
    count += 1
    maximum = max(maximum, value)
  }

  public mutating func add(_ other: Histogram) {
    for i in counts.indices { counts[i] += other.counts[i] }
    count += other.count
    maximum = max(maximum, other.maximum)
  }

  /// The value that `share` of all values do not exceed (nearest rank), to within 0.4 %: the
  /// middle of its bucket. 0 when nothing was recorded.
  ///
  /// - Parameter share: from 0 to 1; 0.99 asks for the 99th percentile.
  public func percentile(_ share: Double) -> UInt64 {
    precondition((0...1).contains(share))
    guard count > 0 else { return 0 }
    let rank = max(1, UInt64((share * Double(count)).rounded(.up)))
    if rank >= count { return maximum }
    var seen: UInt64 = 0
    for i in counts.indices {
      seen += counts[i]
      if seen >= rank { return min(Self.middle(ofBucket: i), maximum) }
    }
    return maximum
  }

  private static func bucket(of value: UInt64) -> Int {
    guard value >= 2 << fineBits else { return Int(value) }
    let shift = UInt64(63 - value.leadingZeroBitCount) - fineBits
    return Int(shift << fineBits + value >> shift)
  }

  private static func middle(ofBucket bucket: Int) -> UInt64 {
    guard bucket >= 2 << fineBits else { return UInt64(bucket) }
    let shift = UInt64(bucket) >> fineBits - 1
    let lowest = (UInt64(bucket) - shift << fineBits) << shift
    return lowest + (1 << shift) / 2
  }
}
