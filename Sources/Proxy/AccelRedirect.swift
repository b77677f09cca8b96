import HTTP
import Memory

/// What a server's X-Accel-Redirect has made of an exchange: where it leads now, and what of the
/// server's head goes with it.
///
/// nginx: `ngx_http_upstream_process_headers`.
struct AccelRedirect: ~Copyable {
  /// Redirects so far; more than this are a circle. nginx: `NGX_HTTP_MAX_URI_CHANGES`.
  static let countLimit = 10

  /// Fields of the server that stay in the answer, whoever gives it. All others are about a body
  /// that nobody gets.
  static let survivors: FieldNameSet = [.setCookie, .contentDisposition, .cacheControl, .expires]

  var count = 0
  /// The media type that the server gave, then whole lines of the fields that stay.
  var text = ByteBuffer()
  var typeCount = 0
  /// Whether a Cache-Control is among them.
  var keepsCacheControl = false
  /// In place of the request's own target, fit for a request line; empty where that still holds.
  var target = ByteBuffer()
  var query = 0..<0

  var isActive: Bool { count > 0 }
  var linesCount: Int { text.count - typeCount }

  /// The route that the target names by `@name`; nil where it is a path.
  var name: String? {
    let bytes = target.readable
    guard bytes.count > 0, bytes[0] == UInt8(ascii: "@") else { return nil }
    return String(decoding: (1..<bytes.count).map { bytes[$0] }, as: UTF8.self)
  }

  /// Forgets what was kept of the server's head.
  mutating func clear() {
    text.clear()
    typeCount = 0
    keepsCacheControl = false
  }
}
