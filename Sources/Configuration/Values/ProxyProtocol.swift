public import Network

/// Whose connections to a listener begin with a header of the PROXY protocol, version 1 or 2.
///
/// nginx: `listen … proxy_protocol` with `set_real_ip_from`. HAProxy: `accept-proxy`. Traefik:
/// `proxyProtocol.trustedIPs`.
public struct ProxyProtocol: Equatable, Sendable {
  /// nil: those of `trusted_proxies`.
  public var senders: [AddressBlock]?

  public init(from senders: [AddressBlock]? = nil) { self.senders = senders }
}

extension ProxyProtocol {
  private static let declaration = Declaration(blank: ProxyProtocol()) {
    Key(
      "from", \.senders, Codec<[AddressBlock]>.list(of: .addressBlock, takesCommas: true).optional,
      synonyms: ["trusted_ips", "trusted", "set_real_ip_from", "trusted_proxies", "allow"],
      "Whose connections have it: addresses and blocks. Without it, those of trusted_proxies.")
  }

  static let codec: Codec<ProxyProtocol?> = {
    let words = Codec<ProxyProtocol?>.words(
      "a value of proxy_protocol",
      ["on": ProxyProtocol(), "off": nil, "true": ProxyProtocol(), "false": nil],
      others: ["{from: [10.0.0.0/8]}"],
      synonyms: ["accept": "on", "yes": "on", "v1": "on", "v2": "on", "no": "off"])
    return declaration.codec().optional.either(
      Codec(
        shape: .words(["on", "off"]), readText: words.readText, readNode: nil,
        write: { $0?.senders == nil ? words.write($0) : nil }))
  }()
}
