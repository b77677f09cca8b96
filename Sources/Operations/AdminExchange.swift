import HTTP

/// What somebody asks the admin listener for.
public struct AdminRequest: Equatable, Sendable {
  /// The target without its query, as it was sent.
  public let path: String
  public var method = Method.get
  /// What stands behind the target's first `?`; nil without one.
  public var query: String?
  /// The value of Authorization; empty, which is never right, when there are several.
  public var authorization: String?
  /// It came to a loopback address, which nobody reaches from another machine.
  public var isLocal = false
  /// It has an Origin, as what a page sends has.
  public var isFromBrowser = false

  public enum Method: Sendable { case get, post }

  public init(path: String) { self.path = path }
}

/// What the admin listener answers.
public struct AdminResponse: Equatable, Sendable {
  public let status: Int
  public let contentType: String
  public let body: String
  /// The methods that would be right, for 405 (RFC 9110 §15.5.6).
  var allow: String?
  /// What would be right, for 401 (RFC 9110 §11.6.1).
  var challenge: String?

  public init(status: Int = 200, contentType: String, body: String) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  public static func text(_ status: Int, _ body: String) -> AdminResponse {
    AdminResponse(status: status, contentType: "text/plain; charset=utf-8", body: body)
  }

  public static func json(_ status: Int, _ body: String) -> AdminResponse {
    AdminResponse(status: status, contentType: "application/json", body: body)
  }

  /// The bytes of the answer.
  ///
  /// - Parameter omitsBody: the request was HEAD: the fields are the same, the body stays away.
  func message(omitsBody: Bool, closes: Bool) -> String {
    let reason = ReasonPhrase.of(UInt16(clamping: status))
    var text = "HTTP/1.1 \(status) \(reason)\r\n"
    text += "Content-Type: \(contentType)\r\nContent-Length: \(body.utf8.count)\r\n"
    text += "Cache-Control: no-store\r\n"
    if let allow { text += "Allow: \(allow)\r\n" }
    if let challenge { text += "WWW-Authenticate: \(challenge)\r\n" }
    if closes { text += "Connection: close\r\n" }
    return text + "\r\n" + (omitsBody ? "" : body)
  }
}
