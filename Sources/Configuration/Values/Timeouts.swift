/// How long the client's side of an exchange may take. Each counts from the last progress.
public struct Timeouts: Equatable, Sendable {
  /// From the connection to the end of TLS's handshake; then the connection is closed. A header of
  /// the PROXY protocol has as long for itself.
  ///
  /// 1 s … 1 h. nginx: `client_header_timeout`. HAProxy: `timeout client`.
  public var handshake: Duration = .seconds(10)

  /// From the first byte of a request head to its last; then 408.
  ///
  /// 1 s … 1 h. nginx: `client_header_timeout`. HAProxy: `timeout http-request`.
  public var head: Duration = .seconds(30)

  /// Between two reads of a request body; then 408.
  ///
  /// 1 s … 1 h. nginx: `client_body_timeout`.
  public var body: Duration = .seconds(60)

  /// How long a connection may wait for its next request before it is closed.
  ///
  /// 0 closes after each response; to 1 h. Longer than what stands in front keeps idle
  /// connections, else it sends a request into a connection that is closing.
  /// nginx: `keepalive_timeout`. HAProxy: `timeout http-keep-alive`.
  public var keepalive: Duration = .seconds(75)

  /// Between two writes of a response to a client that does not read; then the connection ends.
  ///
  /// 1 s … 1 h. nginx: `send_timeout`. HAProxy: `timeout client`.
  public var send: Duration = .seconds(60)

  /// How long a connection that is to end is still read, so that the last answer is not lost.
  ///
  /// 0 … 60 s. nginx: `lingering_timeout`.
  public var linger: Duration = .seconds(5)

  /// How long a tunnel may pass nothing either way before both ends are closed.
  ///
  /// 1 s … 24 h. nginx: `proxy_read_timeout`. HAProxy: `timeout tunnel`.
  public var tunnel: Duration = .seconds(3600)

  /// How long a tunnel whose one side has ended waits for the other.
  ///
  /// 0 … 1 h. HAProxy: `timeout client-fin`, `timeout server-fin`.
  public var halfClosed: Duration = .seconds(1)

  public init() {}
}

extension Timeouts {
  static let declaration = Declaration(blank: Timeouts()) {
    Key(
      "handshake", \.handshake, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["tls", "ssl", "tls_handshake"],
      "From the connection to the end of TLS's handshake; then the connection is closed. A header "
        + "of the PROXY protocol has as long for itself.")
    Key(
      "head", \.head, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["client_header_timeout", "request", "header"],
      "From the first byte of a request head to its last; then 408.")
    Key(
      "body", \.body, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["client_body_timeout"],
      "Between two reads of a request body; then 408.")
    Key(
      "keepalive", \.keepalive, .duration(.zero ... .seconds(3600)),
      synonyms: ["keepalive_timeout", "keep_alive", "idle"],
      "How long a connection may wait for its next request. 0 closes after each response.")
    Key(
      "send", \.send, .duration(.seconds(1) ... .seconds(3600)),
      synonyms: ["send_timeout", "write", "client"],
      "Between two writes of a response to a client that does not read; then the connection ends.")
    Key(
      "linger", \.linger, .duration(.zero ... .seconds(60)),
      synonyms: ["lingering_timeout", "lingering"],
      "How long a connection that is to end is still read, so that the last answer is not lost.")
    Key(
      "tunnel", \.tunnel, .duration(.seconds(1) ... .seconds(86400)),
      synonyms: ["websocket", "upgrade"],
      "How long a tunnel (WebSocket) may pass nothing either way.")
    Key(
      "half_closed", \.halfClosed, .duration(.zero ... .seconds(3600)),
      synonyms: ["client_fin", "server_fin"],
      "How long a tunnel whose one side has ended waits for the other.")
  }
}
