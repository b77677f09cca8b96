/// What a request asks to be done (RFC 9110 §9, RFC 5789).
public enum Method: UInt8, Sendable {
  case other, get, head, post, put, delete, options, patch

  /// May be sent again when nobody knows whether it arrived (RFC 9110 §9.2.2).
  public var isIdempotent: Bool {
    switch self {
    case .get, .head, .options, .put, .delete: true
    case .other, .post, .patch: false
    }
  }

  @inline(__always) static func recognise(_ word: Word) -> Method {
    switch word {
    case 0x54_4547: .get
    case 0x4441_4548: .head
    case 0x5453_4f50: .post
    case 0x54_5550: .put
    case 0x4554_454c_4544: .delete
    case 0x53_4e4f_4954_504f: .options
    case 0x48_4354_4150: .patch
    default: .other
    }
  }
}
