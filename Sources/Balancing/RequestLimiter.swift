import Synchronization

/// How many requests came of late, and how many are under way, by key: one table for all workers.
///
/// A rate is kept as the generic cell rate algorithm does (ITU-T I.371), which is a token bucket
/// told by one number: the moment at which the bucket is full again. A bucket that is full and has
/// nothing under way says nothing, so its place is free for another key; no other is ever evicted,
/// and the table never grows. Who finds no place, because somebody has invented keys faster than
/// their buckets fill, is not limited.
public final class RequestLimiter: Sendable {
  /// What a key of a limit may have.
  public struct Rule: Equatable, Sendable {
    /// Nanoseconds in which one request becomes due; 0 is no rate.
    let interval: UInt64
    /// How much earlier than due one may come: the rest of a burst.
    let tolerance: UInt64
    /// Requests under way at the same time; 0 is no limit.
    let inFlight: UInt32

    /// - Parameters:
    ///   - requests: of `seconds`; nil for no rate.
    ///   - burst: at least 1.
    public init(requests: Int?, seconds: Int = 1, burst: Int = 1, inFlight: Int = 0) {
      interval = requests.map { UInt64(seconds) * 1_000_000_000 / UInt64($0) } ?? 0
      tolerance = interval * UInt64(max(burst, 1) - 1)
      self.inFlight = UInt32(clamping: inFlight)
    }
  }

  public enum Verdict: Equatable, Sendable {
    /// It goes on, and is counted until it is released.
    case admitted
    /// It goes on uncounted, for there was no place.
    case unknown
    /// It is too much now; after so many nanoseconds it would not be, 0 when nobody can know.
    case refused(after: UInt64)
  }

  private struct Bucket {
    /// 0 while nobody has been here.
    var key: UInt64 = 0
    /// When it is full again.
    var full: UInt64 = 0
    var inFlight: UInt32 = 0

    func isFree(now: UInt64) -> Bool { inFlight == 0 && full <= now }
  }

  /// A part of the table, with a lock of its own.
  private final class Shard: Sendable {
    let buckets = Mutex<[Bucket]>([])
  }

  /// Where a key may be: so many buckets in a row are looked through.
  private static let ways = 16
  private let shards: [Shard]
  private let setsPerShard: Int

  /// - Parameter places: keys that are known at once, rounded to the table's own measure. They
  ///   take memory from the first request that is limited on.
  public init(places: Int = 1 << 16, shards count: Int = 64) {
    shards = (0..<count).map { _ in Shard() }
    setsPerShard = max(places / count / Self.ways, 1)
  }

  /// - Parameter key: a hash, of the limit and of whom it counts.
  public func admit(_ key: UInt64, by rule: Rule, now: UInt64) -> Verdict {
    let key = max(key, 1)
    return shard(key).buckets.withLock { buckets in
      if buckets.isEmpty {
        buckets = Array(repeating: Bucket(), count: setsPerShard * Self.ways)
      }
      guard let i = place(of: key, in: buckets, now: now) else { return .unknown }
      if buckets[i].key != key { buckets[i] = Bucket(key: key) }
      return Self.admit(&buckets[i], by: rule, now: now)
    }
  }

  /// What was admitted is over, or, with its rule, has not been after all.
  public func release(_ key: UInt64, undoing rule: Rule? = nil) {
    let key = max(key, 1)
    shard(key).buckets.withLock { buckets in
      guard let i = set(of: key).first(where: { buckets[$0].key == key }) else {
        preconditionFailure("a bucket with something under way stays")
      }
      buckets[i].inFlight -= 1
      if let rule { buckets[i].full -= rule.interval }
    }
  }

  private static func admit(_ bucket: inout Bucket, by rule: Rule, now: UInt64) -> Verdict {
    if rule.inFlight > 0, bucket.inFlight >= rule.inFlight { return .refused(after: 0) }
    if rule.interval > 0 {
      guard bucket.full <= now + rule.tolerance else {
        return .refused(after: bucket.full - rule.tolerance - now)
      }
      bucket.full = max(bucket.full, now) + rule.interval
    }
    bucket.inFlight += 1
    return .admitted
  }

  // MARK: Places

  private func shard(_ key: UInt64) -> Shard {
    shards[Int(key.multipliedFullWidth(by: UInt64(shards.count)).high)]
  }

  /// The buckets that a key may have in its shard.
  private func set(of key: UInt64) -> Range<Int> {
    // Other bits than those that chose the shard.
    let set = Int((key << 32).multipliedFullWidth(by: UInt64(setsPerShard)).high)
    return set * Self.ways..<(set + 1) * Self.ways
  }

  /// The key's own bucket, or else a free one.
  private func place(of key: UInt64, in buckets: [Bucket], now: UInt64) -> Int? {
    var free: Int?
    for i in set(of: key) {
      if buckets[i].key == key { return i }
      if free == nil, buckets[i].isFree(now: now) { free = i }
    }
    return free
  }
}
