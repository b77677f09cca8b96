/// A pool's servers answer.
public struct ProxySettings: Equatable, Sendable {
  public var pool: String

  /// To which protocols a connection may be upgraded (lower case); never `h2c`. Other
  /// Upgrade fields are dropped and the request goes on without.
  public var upgrade: [String] = []

  /// A request body is here whole before a server is chosen, so that no server waits for a
  /// slow client. nginx: `proxy_request_buffering`.
  public var buffersRequest = true

  /// A response is taken as fast as the server writes it, so that no server waits for a slow
  /// client. nginx: `proxy_buffering`.
  public var buffersResponse = true

  /// In bytes; nil is `limits.body`, 0 no limit. nginx: `client_max_body_size`.
  public var bodyBytesLimit: Int?

  public var timeouts = RouteTimeouts()

  public init(pool: String) {
    self.pool = pool
  }
}

/// What a route has otherwise than its pool and the process; nil is as there.
public struct RouteTimeouts: Equatable, Sendable {
  /// Instead of `UpstreamTimeouts.response`.
  public var response: Duration?
  /// Instead of `UpstreamTimeouts.send`.
  public var send: Duration?
  /// Instead of `Timeouts.tunnel`.
  public var tunnel: Duration?

  public init() {}
}
