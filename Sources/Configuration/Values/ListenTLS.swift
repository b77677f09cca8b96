public import CLibraries
import Network

/// How clients of one address speak TLS.
public struct ListenTLS: Equatable, Sendable {
  /// What those are shown who ask for no name, or for one that no other certificate has.
  ///
  /// nginx: `ssl_certificate`, `ssl_certificate_key`. HAProxy: `crt`.
  public var first = CertificateFiles()
  /// Others, each for the names that it has (SNI).
  public var others: [CertificateFiles] = []
  /// nil: clients are asked for no certificate.
  public var clients: ClientCertificates?
  /// nginx: `ssl_protocols`. HAProxy: `ssl-min-ver`.
  public var least = TLSVersion.v12
  /// For TLS 1.2, as OpenSSL writes them. nginx: `ssl_ciphers`.
  public var ciphers = TLSContext.ciphers
  /// For the exchange of keys, as OpenSSL writes them. nginx: `ssl_ecdh_curve`. HAProxy: `curves`.
  public var curves = TLSContext.curves

  public init() {}

  /// All of them, the first first.
  public var certificates: [CertificateFiles] { [first] + others }
}

/// Which clients are let in by a certificate.
public struct ClientCertificates: Equatable, Sendable {
  /// PEM. nginx: `ssl_client_certificate`. HAProxy: `ca-file`.
  public var authorities = ""
  /// False lets in who shows none, too. nginx: `ssl_verify_client`. HAProxy: `verify`.
  public var isRequired = true
  /// PEM: which certificates let in no more; nil for none. nginx: `ssl_crl`. HAProxy: `crl-file`.
  public var revoked: String?

  public init() {}
}

extension ClientCertificates {
  static let declaration = Declaration(blank: ClientCertificates()) {
    Key(
      "ca", \.authorities, .certificatePath, isRequired: true,
      synonyms: ["ca_file", "authorities", "ssl_client_certificate"],
      "The file of the authorities whose certificates let in, in PEM.")
    Key(
      "verify", \.isRequired,
      .words(
        "a rule for client certificates", ["required": true, "optional": false],
        synonyms: ["on": "required", "true": "required"]),
      synonyms: ["mode", "ssl_verify_client"],
      "Whether every client has to show one (required), or may (optional).")
    Key(
      "crl", \.revoked, Codec<String>.certificatePath.optional,
      synonyms: ["crl_file", "ssl_crl", "revoked", "revocation"],
      "The file of the lists of revoked certificates, in PEM: of each authority of a chain its own."
    )
  }
}

/// Where a certificate and its key are.
public struct CertificateFiles: Equatable, Hashable, Sendable {
  /// PEM: the certificate, then those that have signed it.
  public var certificate = ""
  /// PEM, not encrypted.
  public var key = ""
  /// DER: an answer of OCSP about it, for clients that ask; of those that clients are shown only.
  ///
  /// nginx: `ssl_stapling_file`. HAProxy: the file beside it with the suffix `.ocsp`.
  public var staple: String?

  public init() {}
}

extension CertificateFiles {
  static let declaration = Declaration(blank: CertificateFiles()) {
    Key(
      "certificate", \.certificate, .certificatePath, isRequired: true,
      synonyms: ["cert", "crt", "cert_file", "ssl_certificate"],
      "The file of the certificate with its chain, in PEM: its own first.")
    Key(
      "key", \.key, .certificatePath, isRequired: true,
      synonyms: ["private_key", "key_file", "ssl_certificate_key"],
      "The file of its private key, in PEM, not encrypted.")
  }

  /// Of one that clients are shown.
  static let shown = Declaration(blank: CertificateFiles()) {
    declaration.keys
    Key(
      "ocsp", \.staple, Codec<String>.certificatePath.optional,
      synonyms: ["staple", "stapling", "ssl_stapling_file", "ocsp_file"],
      "The file of an OCSP response about it, in DER, for clients that ask for one.")
  }
}

extension ListenTLS {
  static let declaration = Declaration(blank: ListenTLS()) {
    CertificateFiles.shown.keys.map { Key($0, of: \.first) }
    Key(
      "certificates", \.others,
      .list(of: CertificateFiles.shown.codec(), isEmptyAllowed: true),
      synonyms: ["sni", "more", "certs"],
      "Others, for clients that ask for one of their names; of one name, RSA beside ECDSA.")
    Key(
      "clients", \.clients, ClientCertificates.declaration.codec().optional,
      synonyms: ["mtls", "client_auth", "client_certificates"],
      "Clients are asked for a certificate; servers are told whose it is.")
    Key(
      "min_version", \.least,
      .words(
        "a version of TLS", ["1.2": .v12, "1.3": .v13],
        synonyms: ["tlsv12": "1.2", "tlsv13": "1.3", "tls12": "1.2", "tls13": "1.3"]),
      synonyms: ["protocols", "ssl_protocols", "version"], "The oldest version that is spoken.")
    Key(
      "ciphers", \.ciphers, .ciphers, synonyms: ["ssl_ciphers", "cipher_suites"],
      "The ciphers of TLS 1.2, as OpenSSL writes them; those of 1.3 are all good.")
    Key(
      "curves", \.curves, .curves, synonyms: ["ssl_ecdh_curve", "curve", "groups", "ecdh"],
      "The curves by which keys are agreed on, as OpenSSL writes them; the client's order counts.")
  }
}

extension Listen {
  private static let declaration = Declaration(
    blank: Listen(Endpoint(.any, port: 0))
  ) {
    Key(
      "address", \.endpoint, Codec<Listen>.listener.map({ $0.endpoint }, { Listen($0) }),
      isRequired: true, synonyms: ["bind", "port"],
      "Where: ADDRESS:PORT, or :PORT for all addresses, IPv6 and IPv4.")
    Key(
      "tls", \.tls, ListenTLS.declaration.codec().optional,
      synonyms: ["ssl", "https", "certificate"], "Clients speak TLS here.")
    Key(
      "proxy_protocol", \.proxyProtocol, ProxyProtocol.codec,
      synonyms: ["accept_proxy", "send_proxy"],
      "Balancers in front say by the PROXY protocol whose connection it is: on for those of "
        + "trusted_proxies, off, or keys.")
    Key(
      "redirect", \.redirect, ListenRedirect.codec, synonyms: ["redirections", "return"],
      "Requests in plain HTTP are sent to HTTPS: https, off, or keys.")
  }

  /// The address alone stands for the whole.
  static let codec: Codec<Listen> = {
    let whole = declaration.codec()
    let address = Codec<Listen>.listener
    return Codec(
      shape: .anyOf([address.shape, whole.shape]), readText: address.readText,
      readNode: whole.readNode,
      write: { $0 == Listen($0.endpoint) ? address.write($0) : whole.write($0) })
  }()
}

extension Codec where Value == String {
  static var certificatePath: Codec {
    .text("the path of a file", examples: ["/etc/martlet/tls/tls.crt"]) { text throws(Complaint) in
      guard !text.isEmpty, !text.contains("\0") else {
        throw Complaint("is not a path", ["name a file; a relative path begins where Martlet does"])
      }
    }
  }

  /// A list of curves of which libssl knows each.
  fileprivate static var curves: Codec {
    .text("a list of curves", examples: ["X25519:P-256"]) { text throws(Complaint) in
      guard !TLSContext.knows(curves: text) else { return }
      throw Complaint(
        "has a curve that OpenSSL does not know",
        ["write them with colons between: X25519:P-256:P-384; or leave it out"])
    }
  }

  /// A list of ciphers that libssl finds at least one in.
  fileprivate static var ciphers: Codec {
    .text("a list of ciphers", examples: ["ECDHE-RSA-AES128-GCM-SHA256"]) {
      text throws(Complaint) in
      guard !TLSContext.knows(ciphers: text) else { return }
      throw Complaint(
        "has no cipher that OpenSSL knows", ["openssl ciphers -v lists them; or leave it out"])
    }
  }
}
