/// How long a server may take.
public struct UpstreamTimeouts: Equatable, Sendable {
  /// How long a connection to a server may take to open before the next is tried.
  ///
  /// 1 ms … 60 s, TLS handshake not counted. When it passes, the server counts a failure;
  /// when no server is left, the client gets 504 (RFC 9110 §15.6.5).
  /// nginx: `proxy_connect_timeout`. HAProxy: `timeout connect`.
  public var connect: Duration = .seconds(5)

  /// Between two reads of a response, and from the end of the request to its first byte.
  ///
  /// 1 ms … 24 h. Before the first byte the client gets 504; after it, a response cut short.
  /// nginx: `proxy_read_timeout`. HAProxy: `timeout server`.
  public var response: Duration = .seconds(120)

  /// Between two writes of a request to a server that does not read; then 504.
  ///
  /// 1 ms … 1 h. nginx: `proxy_send_timeout`. HAProxy: `timeout server`.
  public var send: Duration = .seconds(60)

  public init() {}
}

extension UpstreamTimeouts {
  static let declaration = Declaration(blank: UpstreamTimeouts()) {
    Key(
      "connect", \.connect, .duration(.milliseconds(1) ... .seconds(60)),
      synonyms: ["proxy_connect_timeout"],
      "How long a connection to a server may take to open before the next is tried.")
    Key(
      "response", \.response, .duration(.milliseconds(1) ... .seconds(86400)),
      synonyms: ["proxy_read_timeout", "read", "server"],
      "From the end of the request to the first byte of the response, and between two reads of "
        + "it; then 504.")
    Key(
      "send", \.send, .duration(.milliseconds(1) ... .seconds(3600)),
      synonyms: ["proxy_send_timeout", "write"],
      "Between two writes of a request to a server that does not read; then 504.")
  }
}
