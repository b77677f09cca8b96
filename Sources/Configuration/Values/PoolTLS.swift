/// How TLS is spoken with the servers of a pool.
public struct PoolTLS: Equatable, Sendable {
  /// Their certificates are checked. nginx: `proxy_ssl_verify`, which is off there.
  public var verifies = true
  /// PEM: whose signature is believed; nil for those that the system trusts.
  ///
  /// nginx: `proxy_ssl_trusted_certificate`. HAProxy: `ca-file`.
  public var authorities: String?
  /// PEM: which of their certificates are believed no more; nil for none.
  ///
  /// nginx: `proxy_ssl_crl`. HAProxy: `crl-file`.
  public var revoked: String?
  /// Whom their certificates have to be for; nil for the host of each server's own address.
  ///
  /// nginx: `proxy_ssl_name`. HAProxy: `sni`, `verifyhost`.
  public var serverName: String?
  /// Who we are, to servers that ask. nginx: `proxy_ssl_certificate`.
  public var client: CertificateFiles?
  /// What servers are told that we speak (ALPN), the best first; empty tells them nothing.
  ///
  /// nginx: `proxy_ssl_alpn`. HAProxy: `alpn`.
  public var protocols: [String] = []

  public init() {}
}

extension PoolTLS {
  static let declaration = Declaration(blank: PoolTLS()) {
    Key(
      "verify", \.verifies, .boolean, synonyms: ["proxy_ssl_verify", "check", "insecure"],
      "Whether their certificates are checked: by whom they are signed, for whom, until when.")
    Key(
      "ca", \.authorities, Codec<String>.certificatePath.optional,
      synonyms: ["ca_file", "authorities", "trusted_certificate"],
      "The file of the authorities that are believed, in PEM; without it, those of the system.")
    Key(
      "crl", \.revoked, Codec<String>.certificatePath.optional,
      synonyms: ["crl_file", "proxy_ssl_crl", "revoked", "revocation"],
      "The file of the lists of revoked certificates, in PEM: of each authority of a chain its own."
    )
    Key(
      "server_name", \.serverName, Codec<String>.serverName.optional,
      synonyms: ["sni", "host", "name", "proxy_ssl_name"],
      "Whom their certificates have to be for; without it, each server's own host or address.")
    Key(
      "client_certificate", \.client, CertificateFiles.declaration.codec().optional,
      synonyms: ["certificate", "cert"], "Who Martlet is, to servers that ask.")
    Key(
      "alpn", \.protocols, .list(of: .applicationProtocol, isEmptyAllowed: true),
      synonyms: ["protocols", "proxy_ssl_alpn"],
      "The protocols that servers are told of (ALPN), for those that ask: http/1.1 is spoken.")
  }

  static let codec: Codec<PoolTLS?> = {
    let words = Codec<PoolTLS?>.words(
      "a value of tls", ["on": PoolTLS(), "off": nil, "true": PoolTLS(), "false": nil],
      others: ["{ca: /path/ca.pem}"])
    // Written with its keys, so that `--effective` shows them.
    return declaration.codec().optional.either(
      Codec(
        shape: .words(["on", "off"]), readText: words.readText, readNode: nil,
        write: { $0 == nil ? .string("off") : nil }))
  }()
}

extension Codec where Value == String {
  fileprivate static var applicationProtocol: Codec {
    let spoken = "http/1.1"
    return Codec(
      .words([spoken]),
      parse: { text throws(Complaint) in
        guard text == spoken else {
          throw Complaint(
            "is not spoken with servers", ["write \(spoken): Martlet speaks HTTP/1.1 with them"])
        }
        return text
      }, write: { .string($0) })
  }

  fileprivate static var serverName: Codec {
    .text("a host", examples: ["erp.internal"]) { text throws(Complaint) in
      let isName = text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || "-._:".utf8.contains(byte)
      }
      // To libcrypto a dot in front stands for all names below it (X509_VERIFY_PARAM_set1_host(3)).
      guard isName, (1...253).contains(text.utf8.count), !text.hasPrefix(".") else {
        throw Complaint("is not a host", ["write a name or an address, without a port"])
      }
    }
  }
}
