/// A request as the demo's servers look at it. They are no part of the data path, so that
/// strings and arrays do.
struct Request: Sendable {
  var method: String
  /// As it was sent.
  var target: String
  var path: String
  /// Names and values of the query, `+` and percent-encoding left as they are.
  var query: [String: String]
  /// In the order they came, names as they were written.
  var fields: [(name: String, value: String)]
  var body: [UInt8]
  var isPersistent: Bool
  var upgradesToWebSocket: Bool

  /// The value of the first field of that name, in any case.
  subscript(name: String) -> String? {
    fields.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// What answers a request.
struct Response: Sendable {
  var status: Int
  var contentType: String
  var body: [UInt8]

  init(_ status: Int, _ contentType: String, _ body: String) {
    self.status = status
    self.contentType = contentType
    self.body = Array(body.utf8)
  }

  /// Ends in a newline, for terminals.
  static func json(_ body: String, status: Int = 200) -> Response {
    Response(status, "application/json", body + "\n")
  }

  static func problem(_ status: Int, _ words: String) -> Response {
    json(Demo.json(["error": Demo.json(words)]), status: status)
  }

  /// Head and body, ready to send.
  func bytes(isPersistent: Bool, withBody: Bool = true) -> [UInt8] {
    var text = "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(contentType)\r\n"
    text += "Content-Length: \(body.count)\r\nCache-Control: no-store\r\n"
    text += isPersistent ? "\r\n" : "Connection: close\r\n\r\n"
    return Array(text.utf8) + (withBody ? body : [])
  }

  private var reason: String {
    switch status {
    case 200: "OK"
    case 400: "Bad Request"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 500: "Internal Server Error"
    case 503: "Service Unavailable"
    default: ""
    }
  }
}
