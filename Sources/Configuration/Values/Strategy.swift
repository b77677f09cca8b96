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
