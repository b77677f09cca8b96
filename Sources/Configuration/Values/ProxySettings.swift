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

  /// A response with X-Accel-Redirect is answered by the route that it names.
  /// nginx: on, unless `proxy_ignore_headers X-Accel-Redirect`.
  public var followsAccelRedirect = true

  /// Requests may reach a server twice, whatever their method says: POSTs that only read. nginx:
  /// `proxy_next_upstream … non_idempotent`.
  public var isIdempotent = false

  /// Where requests stand that wait for a server, and how much of one they may fill.
  public var priority = Priority.normal

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

extension ProxySettings {
  static let declaration = Declaration(blank: ProxySettings(pool: "")) {
    Key(
      "pool", \.pool, .name("the name of a pool"), isRequired: true,
      synonyms: ["backend", "upstream", "service", "proxy_pass"], "Whose servers answer.")
    Key(
      "upgrade", \.upgrade, .list(of: .protocolName, isEmptyAllowed: true),
      synonyms: ["upgrades", "websocket"],
      "To which protocols a connection may be upgraded: websocket.")
    Key(
      "request_buffering", \.buffersRequest, .boolean, synonyms: ["proxy_request_buffering"],
      "A request body is here whole before a server is chosen.")
    Key(
      "response_buffering", \.buffersResponse, .boolean, synonyms: ["proxy_buffering"],
      "A response is taken as fast as the server writes it, however slow the client.")
    Key(
      "accel_redirect", \.followsAccelRedirect, .boolean,
      synonyms: ["x_accel_redirect", "x_sendfile", "sendfile"],
      "A response with X-Accel-Redirect is answered by the route that it names.")
    Key(
      "idempotent", \.isIdempotent, .boolean,
      synonyms: ["non_idempotent", "repeatable", "retry_non_idempotent"],
      "Requests may reach a server twice, whatever their method: POSTs that only read.")
    Key(
      "priority", \.priority, .priority, synonyms: ["lane", "priority_class", "class"],
      "Where requests stand that wait for a server: high, normal or low.")
    Key(
      "body_limit", \.bodyBytesLimit, Codec<Int>.size(0...Int.max).optional,
      synonyms: ["client_max_body_size", "body", "max_body"],
      "The largest request body; 0 is no limit; without it, limits.body.")
    Key(
      "timeouts", \.timeouts, RouteTimeouts.declaration.codec(),
      "What this route has otherwise than its pool.")
  }

  /// The pool alone stands for the whole.
  static let codec = declaration.codec().short(
    Codec<String>.name("the name of a pool").map({ ProxySettings(pool: $0) }, { $0.pool }))
}

extension RouteTimeouts {
  static let declaration = Declaration(blank: RouteTimeouts()) {
    Key(
      "response", \.response,
      Codec<Duration>.duration(.milliseconds(1) ... .seconds(86400)).optional,
      synonyms: ["proxy_read_timeout", "read"], "Instead of the pool's.")
    Key(
      "send", \.send, Codec<Duration>.duration(.milliseconds(1) ... .seconds(3600)).optional,
      synonyms: ["proxy_send_timeout", "write"], "Instead of the pool's.")
    Key(
      "tunnel", \.tunnel, Codec<Duration>.duration(.seconds(1) ... .seconds(86400)).optional,
      synonyms: ["websocket"], "Instead of timeouts.tunnel.")
  }
}

extension Codec where Value == String {
  fileprivate static var protocolName: Codec {
    .text("a protocol", pattern: "^[a-z0-9!#$%&'*+.^_`|~-]+$", examples: ["websocket"]) {
      text throws(Complaint) in
      let meant = text.lowercased() == "ws" ? "websocket" : text.lowercased()
      guard HTTPText.isToken(text), text == meant else {
        throw Complaint("is not a protocol", ["did you mean \(meant)?"])
      }
      guard text != "h2c", text != "tls" else {
        throw Complaint("is never let through: it would hide requests from every rule here")
      }
    }
  }
}
