public import Network
import Synchronization

/// What all workers and the control thread know about one server, in one block of memory.
///
/// The control thread writes health, draining and address; workers count requests and failures.
/// Cells are 128 bytes, so that two servers share no line of cache and no pair of lines.
public struct ServerCell: ~Copyable, Sendable {
  /// Bits of `status`; a server takes requests when the first two are set and the third is not.
  enum Status {
    static var healthy: UInt64 { 1 }
    static var addressed: UInt64 { 2 }
    static var draining: UInt64 { 4 }
    /// Does not matter to who picks.
    static var maintained: UInt64 { 8 }
    static var ready: UInt64 { healthy | addressed }
  }

  let status = Atomic<UInt64>(0)
  let requests = Atomic<Int>(0)
  /// Failures of live traffic in a row: milliseconds of the first one's instant, shifted by 20
  /// bits, and their count.
  let failures = Atomic<UInt64>(0)
  /// 0 when the server is in; otherwise the instant when it may be tried again.
  let ejectedUntil = Atomic<UInt64>(0)

  /// The instant until when one request is trying an ejected server.
  let trialUntil = Atomic<UInt64>(0)
  /// How often in a row the server was ejected, and when its last ejection ended.
  let ejections = Atomic<UInt64>(0)
  let lastEjectionEnd = Atomic<UInt64>(0)
  /// 1 while a worker decides about an ejection in the pool whose first server this is.
  let gate = Atomic<UInt64>(0)

  /// Odd while the address is being changed.
  private let addressVersion = Atomic<UInt64>(0)
  private let addressHigh = Atomic<UInt64>(0)
  private let addressLow = Atomic<UInt64>(0)
  /// The port, and above it the family.
  private let addressPort = Atomic<UInt64>(0)

  /// An `AnswerTime`, for pools that choose by it; 0 while none is known.
  private let answerTime = Atomic<UInt64>(0)

  /// When the server came up or back from an ejection; 0 when nobody knows, long ago then.
  let upSince = Atomic<UInt64>(0)

  /// How many requests the server takes at once; 0 is no limit.
  private let capacity = Atomic<Int>(0)

  /// When a worker last told that the server cannot be reached.
  private let lastComplaint = Atomic<UInt64>(0)

  public init() {}

  // MARK: The control thread's side

  /// Publishes what health checks say. Coming up undoes an ejection: down and up again, the
  /// server is not the one that failed.
  ///
  /// - Parameter now: in nanoseconds, from when a slow start counts; 0 for a server that counts as
  ///   having been up for long.
  public func setHealthy(_ isHealthy: Bool, at now: UInt64 = 0) {
    if isHealthy {
      let before = status.bitwiseOr(Status.healthy, ordering: .relaxed).oldValue
      if before & Status.healthy == 0 {
        forgetFailures()
        answerTime.store(0, ordering: .relaxed)
        upSince.store(now, ordering: .relaxed)
      }
    } else {
      status.bitwiseAnd(~Status.healthy, ordering: .relaxed)
    }
  }

  /// Publishes that checks find the server well and its site being maintained.
  public func setMaintained(_ isMaintained: Bool) {
    if isMaintained {
      status.bitwiseOr(Status.maintained, ordering: .relaxed)
    } else {
      status.bitwiseAnd(~Status.maintained, ordering: .relaxed)
    }
  }

  /// A draining server finishes what it has and gets nothing new.
  public func setDraining(_ isDraining: Bool) {
    if isDraining {
      status.bitwiseOr(Status.draining, ordering: .relaxed)
    } else {
      status.bitwiseAnd(~Status.draining, ordering: .relaxed)
    }
  }

  /// Publishes how many requests the server takes at once; 0 is no limit.
  public func setCapacity(_ limit: Int) { capacity.store(limit, ordering: .relaxed) }

  /// Publishes where the server is; nil while its name has no address. What live traffic held
  /// against the server does not go with it to another address. One thread at a time.
  public func setAddress(_ address: SocketAddress?) {
    guard let address else {
      status.bitwiseAnd(~Status.addressed, ordering: .relaxed)
      return
    }
    let version = addressVersion.load(ordering: .relaxed)
    addressVersion.store(version &+ 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    addressHigh.store(address.address.high, ordering: .relaxed)
    addressLow.store(address.address.low, ordering: .relaxed)
    addressPort.store(
      UInt64(address.address.family.rawValue) << 16 | UInt64(address.port), ordering: .relaxed)
    addressVersion.store(version &+ 2, ordering: .releasing)
    forgetFailures()
    status.bitwiseOr(Status.addressed, ordering: .releasing)
  }

  /// Makes the cell as new, for another server.
  func reset() {
    status.store(0, ordering: .relaxed)
    requests.store(0, ordering: .relaxed)
    answerTime.store(0, ordering: .relaxed)
    upSince.store(0, ordering: .relaxed)
    capacity.store(0, ordering: .relaxed)
    lastComplaint.store(0, ordering: .relaxed)
    forgetFailures()
  }

  private func forgetFailures() {
    failures.store(0, ordering: .relaxed)
    ejectedUntil.store(0, ordering: .relaxed)
    trialUntil.store(0, ordering: .relaxed)
    ejections.store(0, ordering: .relaxed)
    lastEjectionEnd.store(0, ordering: .relaxed)
  }

  // MARK: Anybody's side

  public var isHealthy: Bool { status.load(ordering: .relaxed) & Status.healthy != 0 }
  /// Its site is being maintained: what it answers says nothing against it.
  public var isMaintained: Bool { status.load(ordering: .relaxed) & Status.maintained != 0 }
  public var isDraining: Bool { status.load(ordering: .relaxed) & Status.draining != 0 }

  /// Live traffic has taken the server out: it gets nothing, or one request that tries it.
  public var isEjected: Bool { ejectedUntil.load(ordering: .relaxed) != 0 }

  /// Requests that all workers have with the server now.
  public var inFlight: Int { requests.load(ordering: .relaxed) }

  /// The server has as many requests as it takes at once.
  public var isFull: Bool {
    let limit = capacity.load(ordering: .relaxed)
    return limit > 0 && inFlight >= limit
  }

  /// Another number after each move: connections to where the server was lead nowhere now.
  public var placement: UInt64 { addressVersion.load(ordering: .acquiring) }

  /// Where the server is; nil while that is unknown.
  public var address: SocketAddress? {
    guard status.load(ordering: .acquiring) & Status.addressed != 0 else { return nil }
    // A change takes nanoseconds; who meets so many has no address to go by.
    for _ in 0..<64 {
      let version = addressVersion.load(ordering: .acquiring)
      let high = addressHigh.load(ordering: .relaxed)
      let low = addressLow.load(ordering: .relaxed)
      let port = addressPort.load(ordering: .relaxed)
      atomicMemoryFence(ordering: .acquiring)
      guard version & 1 == 0, addressVersion.load(ordering: .relaxed) == version else { continue }
      let address =
        port >> 16 == UInt64(IPAddress.Family.v4.rawValue)
        ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : IPAddress(v6High: high, low: low)
      return SocketAddress(address, port: UInt16(truncatingIfNeeded: port))
    }
    return nil
  }

  // MARK: The workers' side

  /// Counts one more request, unless there are `limit` already.
  func claimSlot(below limit: Int) -> Bool { requests.increment(below: limit) }

  /// Healthy, with an address, not draining; ejection is a matter of the pool.
  var isReady: Bool { status.load(ordering: .relaxed) & ~Status.maintained == Status.ready }

  /// Healthy, with an address: it can be asked for what only it has.
  var isReachable: Bool {
    status.load(ordering: .relaxed) & Status.ready == Status.ready
  }

  /// Ready but for what health checks say.
  var isReadyUnchecked: Bool {
    status.load(ordering: .relaxed) & ~Status.maintained | Status.healthy == Status.ready
  }

  /// Not ejected, or ejected long enough that a request may try the server and none does.
  func admits(at now: UInt64) -> Bool {
    let until = ejectedUntil.load(ordering: .relaxed)
    if until == 0 { return true }
    return now >= until && trialUntil.load(ordering: .relaxed) <= now
  }

  /// Makes the caller's request the one that tries an ejected server; true also for a server
  /// that is in. False when another request is trying it.
  func claimTrial(at now: UInt64, until end: UInt64) -> Bool {
    guard ejectedUntil.load(ordering: .relaxed) != 0 else { return true }
    let before = trialUntil.load(ordering: .relaxed)
    guard before <= now else { return false }
    return trialUntil.compareExchange(
      expected: before, desired: end, ordering: .relaxed
    ).exchanged
  }

  /// Makes the caller the one who tells that the server cannot be reached; false when that has been
  /// told less than `interval` (in ns) ago.
  func claimComplaint(at now: UInt64, interval: UInt64) -> Bool {
    let before = lastComplaint.load(ordering: .relaxed)
    guard before == 0 || now >= before &+ interval else { return false }
    return lastComplaint.compareExchange(
      expected: before, desired: now, ordering: .relaxed
    ).exchanged
  }

  /// How long the server takes to begin an answer, as far as is known at `now`.
  func answerTime(at now: UInt64) -> AnswerTime.Estimate {
    AnswerTime(bits: answerTime.load(ordering: .relaxed)).estimate(at: now)
  }

  /// The server has taken `time` (in ns) to begin an answer.
  func noteAnswer(after time: UInt64, at now: UInt64) {
    var before = answerTime.load(ordering: .relaxed)
    while true {
      let next = AnswerTime(bits: before).adding(time, at: now).bits
      guard next != before else { return }
      let (exchanged, current) = answerTime.compareExchange(
        expected: before, desired: next, ordering: .relaxed)
      if exchanged { return }
      before = current
    }
  }

  /// Counts a failure; the answer is how many there were in a row since the first one, which
  /// was no longer ago than `window` (in ns).
  func countFailure(at now: UInt64, window: UInt64) -> Int {
    let moment = now / 1_000_000
    let span = window / 1_000_000
    var before = failures.load(ordering: .relaxed)
    while true {
      let count = before & 0xF_FFFF
      let first = before >> 20
      let isFresh = count == 0 || moment > first &+ span
      let next = isFresh ? moment << 20 | 1 : first << 20 | min(count + 1, 0xF_FFFF)
      let (exchanged, current) = failures.compareExchange(
        expected: before, desired: next, ordering: .relaxed)
      if exchanged { return Int(next & 0xF_FFFF) }
      before = current
    }
  }
}
