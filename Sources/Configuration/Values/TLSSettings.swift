/// What holds for TLS towards clients wherever it is spoken.
public struct TLSSettings: Equatable, Sendable {
  /// How often the files of certificates and keys are looked at; nil is never. A change that two
  /// looks in a row agree on is taken for handshakes that begin from then on.
  ///
  /// 100 ms … 1 h.
  public var watch: Duration? = .seconds(10)

  /// How long before a certificate expires the log says so, once a day.
  ///
  /// 1 … 365 days.
  public var warning: Duration = .seconds(14 * 86400)

  /// How long session tickets are sealed with one key; they are opened for two to three times as
  /// long.
  ///
  /// 1 min … 7 days. nginx leaves it to whoever writes `ssl_session_ticket_key`.
  public var ticketRotation: Duration = .seconds(8 * 3600)

  /// The file of the keys that session tickets are sealed with, for processes that resume each
  /// other's sessions: 80 bytes each, the first seals, all open. nil: they are made up here.
  ///
  /// nginx: `ssl_session_ticket_key`. HAProxy: `tls-ticket-keys`.
  public var ticketKeys: String?

  public init() {}
}

extension TLSSettings {
  static let declaration = Declaration(blank: TLSSettings()) {
    Key(
      "watch", \.watch,
      Codec<Duration>.duration(.milliseconds(100) ... .seconds(3600)).optional.or("off", nil),
      synonyms: ["interval", "poll", "reload"],
      "How often files of certificates are looked at; what has changed is shown without a reload.")
    Key(
      "warning", \.warning, .duration(.seconds(86400) ... .seconds(365 * 86400)),
      synonyms: ["warn", "expiry"],
      "How long before a certificate expires the log says so, once a day.")
    Key(
      "ticket_rotation", \.ticketRotation, .duration(.seconds(60) ... .seconds(7 * 86400)),
      synonyms: ["tickets", "ssl_session_timeout", "session_timeout"],
      "How long session tickets are sealed with one key; they hold two to three times as long.")
    Key(
      "ticket_keys", \.ticketKeys, Codec<String>.certificatePath.optional,
      synonyms: ["ssl_session_ticket_key", "tls-ticket-keys", "session_ticket_key"],
      "A file of keys of 80 bytes for session tickets, which several processes share.")
  }
}
