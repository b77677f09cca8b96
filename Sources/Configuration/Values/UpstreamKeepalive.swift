/// How connections to a pool's servers are kept for the next request.
public struct UpstreamKeepalive: Equatable, Sendable {
  /// The most idle ones that a worker keeps for the pool.
  ///
  /// 1 … 10,000. nginx: `keepalive`. HAProxy: `pool-max-conn`.
  public var connections = 64

  /// How long one may be idle before it is retired. Shorter than the server's own keep-alive
  /// (gunicorn: 2 s), else a request may meet a connection that is closing.
  ///
  /// 10 ms … 1 h. nginx: `keepalive_timeout`. HAProxy: `pool-purge-delay`.
  public var idle: Duration = .milliseconds(1500)

  /// How many requests one connection may carry. 0 is no limit.
  ///
  /// nginx: `keepalive_requests`. HAProxy: `max-reuse`.
  public var requests = 0

  /// How old a connection may become; it is closed when its request ends, so that load spreads
  /// over replicas that have come behind one address. Each connection has a time of its own, from
  /// three quarters of this on, for not all are to end at once. 0 is no limit.
  ///
  /// nginx: `keepalive_time`. Envoy: `max_connection_duration`.
  public var age: Duration = .seconds(300)

  /// Which requests go out on kept connections.
  ///
  /// HAProxy: `http-reuse`.
  public enum Reuse: String, CaseIterable, Equatable, Sendable {
    /// Those that may be sent again. A server that ends closes its kept connections, perhaps with a
    /// request unread in them, and a POST is lost over that: nobody knows whether it was read. A
    /// fresh connection is refused by then, and the request goes to another server.
    case safe
    /// All of them.
    case always
  }

  public var reuse = Reuse.safe

  public init() {}
}

extension UpstreamKeepalive {
  static let declaration = Declaration(blank: UpstreamKeepalive()) {
    Key(
      "connections", \.connections, .integer(1...10_000), synonyms: ["keepalive", "max"],
      "The most idle connections that a worker keeps for the pool.")
    Key(
      "idle", \.idle, .duration(.milliseconds(10) ... .seconds(3600)),
      synonyms: ["keepalive_timeout", "timeout"],
      "How long one may be idle before it is retired: shorter than the server's own keep-alive.")
    Key(
      "requests", \.requests, .integer(0...Int.max), synonyms: ["keepalive_requests"],
      "How many requests one connection may carry. 0 is no limit.")
    Key(
      "age", \.age, .duration(.zero ... .seconds(86400)), synonyms: ["keepalive_time", "max_age"],
      "How old a connection may become; then it is closed when its request ends. 0 is no limit.")
    Key(
      "reuse", \.reuse, .words("a way to use kept connections", synonyms: ["aggressive": "always"]),
      synonyms: ["http_reuse"],
      "Which requests go out on kept connections: those that may be sent again (safe), or always.")
  }

  static let codec = declaration.codec().optional.or("off", nil)
}
