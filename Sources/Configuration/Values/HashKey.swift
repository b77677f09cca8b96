/// What of a request tells one client from another.
public enum HashKey: Hashable, Sendable {
  /// The value of this cookie (names are case-sensitive, RFC 6265 §4.1.1).
  case cookie(String)
  /// The value of this header field (names are not case-sensitive; kept as written).
  case header(String)
  /// The client's address.
  case address
}
