/// How clients' connections are kept for their next request; for how long is `Timeouts.keepalive`.
public struct ClientKeepalive: Equatable, Sendable {
  /// How many requests one connection may send before it is closed. 0 is no limit.
  ///
  /// nginx: `keepalive_requests`.
  public var requests = 0

  public init() {}
}

extension ClientKeepalive {
  static let declaration = Declaration(blank: ClientKeepalive()) {
    Key(
      "requests", \.requests, .integer(0...Int.max), synonyms: ["keepalive_requests"],
      "How many requests one connection may send before it is closed. 0 is no limit.")
  }
}
