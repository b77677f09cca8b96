public import Configuration
public import Network

/// The limits of one route, made ready for its requests.
public struct LimitPlan: Sendable {
  private struct Item: Sendable {
    let rule: RequestLimiter.Rule
    /// Which limit it is: that of the same route and key is the same across reloads, so that a
    /// reload forgives nobody.
    let identity: UInt64
    let range: AffinityPlan.Range
  }

  private var items: [Item] = []
  private var keys = AffinityPlan()
  /// Whether some limit counts by what a head says.
  public private(set) var asksForFields = false

  /// - Parameter limits: at most `RequestLimit.countLimit`.
  public init(_ limits: [RequestLimit], route: String) {
    precondition(limits.count <= RequestLimit.countLimit)
    for limit in limits {
      let second = limit.rate.map { $0.requests / $0.unit.seconds } ?? 1
      let rule = RequestLimiter.Rule(
        requests: limit.rate?.requests, seconds: limit.rate?.unit.seconds ?? 1,
        burst: limit.burst > 0 ? limit.burst : max(second, 1), inFlight: limit.inFlight)
      let range = keys.add(limit.key)
      var identity = StableHash.mixed(StableHash.of(route), StableHash.of("\(limit.key)"))
      // Two limits of one key: by the second and by the hour.
      for other in items where other.identity == identity {
        identity = StableHash.mixed(identity, 1)
      }
      items.append(Item(rule: rule, identity: identity, range: range))
      if range.asksForFields { asksForFields = true }
    }
  }

  /// Notes what one field of a request says about who is counted.
  public func observe(name: Span<UInt8>, value: Span<UInt8>, by request: inout LimitedRequest) {
    for i in items.indices {
      keys.observe(items[i].range, name: name, value: value, key: &request.keys[i])
    }
  }

  /// Notes the client's address.
  public func observe(_ address: IPAddress, by request: inout LimitedRequest) {
    let network = address.family == .v6 ? address.high : address.low
    let hash = StableHash.mixed(UInt64(address.family.rawValue), network)
    for i in items.indices {
      keys.observe(items[i].range, address: hash, key: &request.keys[i])
    }
  }

  /// Counts a request by all the limits, or by none of them.
  ///
  /// - Returns: nil when it may go on; otherwise after how many nanoseconds it might.
  public func admit(
    _ request: LimitedRequest, by limiter: RequestLimiter, now: UInt64
  ) -> (held: HeldLimits, refusedFor: UInt64?) {
    var held = HeldLimits()
    for i in items.indices where request.keys[i].isKnown {
      let key = StableHash.mixed(items[i].identity, request.keys[i].hash)
      switch limiter.admit(key, by: items[i].rule, now: now) {
      case .admitted: held.take(max(key, 1), at: i)
      case .unknown: break
      case .refused(let after):
        for j in items.indices where held.keys[j] != 0 {
          limiter.release(held.keys[j], undoing: items[j].rule)
        }
        return (HeldLimits(), after)
      }
    }
    return (held, nil)
  }
}

/// Whom a request is counted for, by each limit of its route.
public struct LimitedRequest: Sendable {
  var keys = InlineArray<4, AffinityKey>(repeating: AffinityKey())

  public init() {}
}

/// What counts a request that is under way.
public struct HeldLimits: Sendable {
  /// 0 is none.
  private(set) var keys = InlineArray<4, UInt64>(repeating: 0)
  public private(set) var isEmpty = true

  public init() {}

  mutating func take(_ key: UInt64, at place: Int) {
    keys[place] = key
    isEmpty = false
  }

  /// The request is over.
  public mutating func release(by limiter: RequestLimiter) {
    for i in keys.indices where keys[i] != 0 {
      limiter.release(keys[i])
      keys[i] = 0
    }
    isEmpty = true
  }
}
