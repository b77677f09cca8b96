public import Network

/// One address where clients connect.
public struct Listen: Equatable, Sendable {
  /// An IP address or nothing before the port; never a name.
  ///
  /// `:8080` is all addresses, IPv6 and IPv4, and so is `[::]:8080`; port 0 lets the kernel
  /// choose one. nginx: `listen`. HAProxy: `bind`.
  public var endpoint: Endpoint
  /// What its clients are shown, who speak TLS; nil where they speak plain HTTP.
  public var tls: ListenTLS?
  /// Who says in front of each connection whose it is; nil: nobody.
  public var proxyProtocol: ProxyProtocol?
  /// Where requests are sent that come in plain HTTP; nil: they are served.
  public var redirect: ListenRedirect?

  public init(_ endpoint: Endpoint, tls: ListenTLS? = nil) {
    self.endpoint = endpoint
    self.tls = tls
  }
}

extension Codec where Value == Listen {
  static var listener: Codec {
    Codec(
      .text(
        noun: "an address and port", pattern: "^[0-9A-Fa-f.:\\[\\]*]*:?[0-9]{1,5}$",
        examples: [":8080", "127.0.0.1:8080", "[::1]:8080"]),
      parse: { text throws(Complaint) in
        if !text.isEmpty, text.count <= 5, text.allSatisfy({ ("0"..."9").contains($0) }) {
          throw Complaint("has no colon", ["did you mean :\(text), which is all addresses?"])
        }
        if text.hasPrefix("*:") {
          throw Complaint("is not an address", ["did you mean \(text.dropFirst())?"])
        }
        if IPAddress(text) != nil, !text.contains(":") {
          throw Complaint("names no port", ["did you mean \(text):8080?"])
        }
        let endpoint = try Endpoint.read(text)
        guard case .name = endpoint.host else { return Listen(endpoint) }
        let port = endpoint.port
        throw Complaint(
          "is a name, and only addresses can be listened on",
          text.hasPrefix("localhost:")
            ? ["did you mean 127.0.0.1:\(port)?"] : ["all addresses are :\(port)"])
      }, write: { .string($0.endpoint.description) })
  }
}

extension Codec where Value == [Listen] {
  /// Addresses alone.
  static var listeners: Codec { .list(of: .listener, takesCommas: true) }
  /// Addresses, or what is at them.
  static var clientListeners: Codec { .list(of: Listen.codec, takesCommas: true) }
}

extension Endpoint {
  static func read(_ text: String) throws(Complaint) -> Endpoint {
    do throws(AddressError) {
      return try Endpoint(text)
    } catch {
      if let end = text.range(ofScheme: ()) {
        throw Complaint(
          "is a URL", ["write host and port alone: \(text[end...].prefix { $0 != "/" })"])
      }
      throw Complaint(error)
    }
  }
}

extension Complaint {
  /// What is wrong stands before the semicolon, what would be right behind it.
  init(_ error: AddressError) {
    let parts = error.description.split(separator: ";", maxSplits: 1)
    self.init(
      parts.first.map(String.init) ?? "is not an address",
      parts.dropFirst().map { String($0.dropFirst()) })
  }
}

extension String {
  /// Where what follows `://` begins.
  fileprivate func range(ofScheme _: Void) -> Index? {
    for i in indices where self[i...].hasPrefix("://") { return index(i, offsetBy: 3) }
    return nil
  }
}
