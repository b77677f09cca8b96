/// What servers are told about the client and the way its request came.
public struct ForwardedPolicy: Equatable, Sendable {
  /// `X-Forwarded-For`.
  public enum Addresses: String, CaseIterable, Equatable, Sendable {
    /// The list of a trusted proxy with the peer's address added.
    /// nginx: `$proxy_add_x_forwarded_for`.
    case append
    /// The client's address alone, for applications that read the first of the list unasked.
    /// nginx: `proxy_set_header X-Forwarded-For $remote_addr`.
    case replace
    /// What came goes on as it is.
    case off
  }

  /// `X-Request-Id`, the name under which a request is found in every log.
  public enum RequestID: String, CaseIterable, Equatable, Sendable {
    /// That of the request if it has a well-formed one, else a new one.
    case keep
    /// Always a new one.
    case always
    /// None is made; what came goes on as it is.
    case off
  }

  public var addresses = Addresses.append
  /// `X-Forwarded-Proto` is set: to what a trusted proxy said, else to the connection's scheme.
  /// Otherwise what came goes on as it is.
  public var setsProto = true
  /// `X-Forwarded-Host` is set: to what a trusted proxy said, else to the request's Host.
  /// Otherwise what came goes on as it is.
  public var setsHost = true
  /// `X-Forwarded-Client-Cert` of a trusted proxy goes on, where the address that it came by asks
  /// for no certificates itself. Otherwise what came is dropped, so that nobody passes for another.
  ///
  /// Envoy: `forward_client_cert_details`, `SANITIZE_SET` unless this is set.
  public var keepsClientCertificate = false
  public var requestID = RequestID.keep
  /// The name under which this proxy appends itself to `Via` (RFC 9110 §7.6.3); nil does not.
  public var via: String?

  public init() {}
}

extension ForwardedPolicy {
  static let declaration = Declaration(blank: ForwardedPolicy()) {
    Key(
      "for", \.addresses, .words("a policy for X-Forwarded-For"),
      synonyms: ["x_forwarded_for", "xff"],
      "X-Forwarded-For: append the peer's address to what a trusted proxy sent; replace it by the "
        + "client's address alone; off leaves it as it came.")
    Key(
      "proto", \.setsProto, .words("a policy for X-Forwarded-Proto", ["set": true, "off": false]),
      synonyms: ["x_forwarded_proto", "scheme"],
      "X-Forwarded-Proto: set it to what a trusted proxy said, else to the connection's scheme; "
        + "off leaves it as it came.")
    Key(
      "host", \.setsHost, .words("a policy for X-Forwarded-Host", ["set": true, "off": false]),
      synonyms: ["x_forwarded_host"],
      "X-Forwarded-Host: set it to what a trusted proxy said, else to the request's Host; "
        + "off leaves it as it came.")
    Key(
      "client_cert", \.keepsClientCertificate,
      .words("a policy for X-Forwarded-Client-Cert", ["set": false, "keep": true]),
      synonyms: ["x_forwarded_client_cert", "xfcc", "client_certificate"],
      "X-Forwarded-Client-Cert: set it where a client has shown a certificate, and drop what came; "
        + "keep lets through what a trusted proxy sent where no certificates are asked for.")
    Key(
      "request_id", \.requestID, .words("a policy for X-Request-Id"),
      synonyms: ["x_request_id", "id"],
      "X-Request-Id: keep a well-formed one, else make one; always make one; off makes none.")
    Key(
      "via", \.via, Codec<String>.token.optional.or("off", nil),
      "The name under which this proxy adds itself to Via.")
  }
}
