/// Every request at a listener in plain HTTP is sent to the same place over HTTPS.
///
/// nginx: a `server` with `return 301 https://$host$request_uri`. Traefik:
/// `http.redirections.entryPoint`.
public struct ListenRedirect: Equatable, Sendable {
  /// Where HTTPS is spoken, as clients see it; 443 is not written.
  public var port = 443
  /// 301, 302, 307 or 308, which keeps the method.
  public var status = 308

  public init(port: Int = 443, status: Int = 308) {
    self.port = port
    self.status = status
  }
}

extension ListenRedirect {
  private static let declaration = Declaration(blank: ListenRedirect()) {
    Key(
      "port", \.port, .integer(1...65535), synonyms: ["https_port", "to"],
      "The port of HTTPS, as clients see it.")
    Key(
      "status", \.status,
      Codec<Int>.integer(300...399).checked { status throws(Complaint) in
        guard [301, 302, 307, 308].contains(status) else {
          throw Complaint(
            "is not a status that repeats the request elsewhere", ["one of 301, 302, 307, 308"])
        }
      }, synonyms: ["code", "permanent"], "301, 302, 307 or 308. The last two keep the method.")
  }

  static let codec: Codec<ListenRedirect?> = {
    let words = Codec<ListenRedirect?>.words(
      "a value of redirect", ["https": ListenRedirect(), "off": nil],
      others: ["{port: 8443}"],
      synonyms: [
        "on": "https", "true": "https", "tls": "https", "websecure": "https", "false": "off",
      ])
    return declaration.codec().optional.either(
      Codec(
        shape: .words(["https", "off"]), readText: words.readText, readNode: nil,
        write: { $0 == nil || $0 == ListenRedirect() ? words.write($0) : nil }))
  }()
}
