/// By which rule a pool's next server is chosen.
public enum Strategy: Equatable, Sendable {
  /// In turn, by weight, smoothly. nginx: the default. HAProxy: `balance roundrobin`.
  case roundRobin
  /// The server with the fewest requests in flight for its weight. nginx: `least_conn`.
  case leastRequests
  /// Of two servers drawn by weight the one with fewer requests in flight for its weight.
  /// nginx: `random two least_conn`. HAProxy: `balance random(2)`.
  case randomTwo
  /// The shortest time to the first byte, times requests in flight, for the weight. Longer times
  /// count at once, shorter ones by half in 5 s; a server without answers is tried by one request.
  /// nginx Plus: `least_time header`.
  case leastTime
  /// By rendezvous hashing of the first key that a request has; in turn when it has none.
  /// nginx: `hash … consistent`.
  case hash([HashKey])
}

extension Strategy {
  /// `{hash: […]}`
  private struct Hashed: Sendable {
    var keys: [HashKey] = []

    static let declaration = Declaration(blank: Hashed()) {
      Key(
        "hash", \.keys, .hashKeys, isRequired: true,
        "By the first of these keys that a request has: cookie:NAME, header:NAME, address.")
    }
  }

  static let codec = Hashed.declaration.codec().map(
    { Strategy.hash($0.keys) },
    { if case .hash(let keys) = $0 { Hashed(keys: keys) } else { nil } }
  ).either(
    .words(
      "a strategy",
      [
        "round_robin": .roundRobin, "least_requests": .leastRequests, "random_two": .randomTwo,
        "least_time": .leastTime,
      ],
      others: ["hash"],
      synonyms: [
        "least_conn": "least_requests", "leastconn": "least_requests",
        "least_connections": "least_requests", "least_request": "least_requests",
        "roundrobin": "round_robin", "rr": "round_robin", "wrr": "round_robin",
        "random": "random_two", "p2c": "random_two", "power_of_two": "random_two",
        "leasttime": "least_time", "ewma": "least_time", "peak_ewma": "least_time",
        "fastest": "least_time", "ip_hash": "{hash: [address]}", "source": "{hash: [address]}",
        "hash": "{hash: [address]}",
      ]))
}
