import Configuration
import Memory

/// The Set-Cookie values of one pool (RFC 6265 §4.1.1), put together but for the server.
struct AffinityCookieText: Sendable {
  private let before: [UInt8]
  private let after: [UInt8]
  private let secure: AffinityCookie.Secure

  init(_ cookie: AffinityCookie) {
    before = Array("\(cookie.name)=".utf8)
    var attributes = "; Path=\(cookie.path); HttpOnly"
    let seconds = cookie.maxAge.components.seconds
    if seconds > 0 { attributes += "; Max-Age=\(seconds)" }
    switch cookie.sameSite {
    case .lax: attributes += "; SameSite=Lax"
    case .strict: attributes += "; SameSite=Strict"
    case .none: attributes += "; SameSite=None"
    }
    after = Array(attributes.utf8)
    secure = cookie.secure
  }

  func write(_ identity: UInt64, isSecure: Bool, into output: inout ByteBuffer) -> Bool {
    let marksSecure =
      switch secure {
      case .auto: isSecure
      case .always: true
      case .never: false
      }
    let suffix: StaticString = marksSecure ? "; Secure" : ""
    let count = before.count + 16 + after.count + suffix.utf8CodeUnitCount
    guard count <= output.space else { return false }
    output.append(before.span)
    ServerIdentity.write(identity, into: &output)
    output.append(after.span)
    output.append(suffix)
    return true
  }
}
