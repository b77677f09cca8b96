/// How clients' connections are kept for their next request; for how long is `Timeouts.keepalive`.
public struct ClientKeepalive: Equatable, Sendable {
  /// How many requests one connection may send before it is closed. 0 is no limit.
  ///
  /// nginx: `keepalive_requests`.
  public var requests = 0

  /// How old a connection may become; the first response after that ends it, so that clients which
  /// keep theirs for long, such as an ingress, spread over instances that have come meanwhile.
  /// 0 is no limit.
  ///
  /// nginx: `keepalive_time`.
  public var age: Duration = .seconds(3600)

  public init() {}
}

extension ClientKeepalive {
  static let declaration = Declaration(blank: ClientKeepalive()) {
    Key(
      "requests", \.requests, .integer(0...Int.max), synonyms: ["keepalive_requests"],
      "How many requests one connection may send before it is closed. 0 is no limit.")
    Key(
      "age", \.age, .duration(.zero ... .seconds(86400)), synonyms: ["keepalive_time", "max_age"],
      "How old a connection may become: the response after that ends it. 0 is no limit.")
  }
}
