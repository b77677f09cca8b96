/// How the body of a request ends (RFC 9112 §6.3).
public enum RequestFraming: Equatable, Sendable {
  /// There is no body and no field that speaks of one.
  case none
  /// That many bytes: 0 when the client said so.
  case length(UInt64)
  case chunked

  /// Whether bytes of a body follow the head.
  public var hasBody: Bool {
    switch self {
    case .none, .length(0): false
    case .length, .chunked: true
    }
  }
}

/// How the body of a response ends (RFC 9112 §6.3).
public enum ResponseFraming: Equatable, Sendable {
  /// No body can follow: 1xx, 204, 304, or an answer to HEAD.
  case none
  case length(UInt64)
  case chunked
  /// All that comes before the server closes; cut short looks the same.
  case untilClose

  /// Whether bytes of a body follow the head.
  public var hasBody: Bool {
    switch self {
    case .none, .length(0): false
    case .length, .chunked, .untilClose: true
    }
  }
}
