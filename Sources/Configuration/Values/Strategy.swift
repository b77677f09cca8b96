/// By which rule a pool's next server is chosen.
public enum Strategy: Equatable, Sendable {
  /// In turn, by weight, smoothly. nginx: the default. HAProxy: `balance roundrobin`.
  case roundRobin
  /// The server with the fewest requests in flight for its weight. nginx: `least_conn`.
  case leastRequests
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
      "a strategy", ["round_robin": .roundRobin, "least_requests": .leastRequests],
      others: ["hash"],
      synonyms: [
        "least_conn": "least_requests", "leastconn": "least_requests",
        "least_connections": "least_requests", "least_request": "least_requests",
        "roundrobin": "round_robin", "rr": "round_robin", "wrr": "round_robin",
        "random": "round_robin", "ip_hash": "{hash: [address]}", "source": "{hash: [address]}",
        "hash": "{hash: [address]}",
      ]))
}
