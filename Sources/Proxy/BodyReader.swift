import HTTP

/// Where a body that is being read stands: how much of it is still to come.
enum BodyReader {
  /// Nothing follows, or everything has been read.
  case none
  case length(UInt64)
  case chunked(ChunkedDecoder)
  /// All that comes before the end of the connection.
  case untilClose

  init(_ framing: RequestFraming) {
    switch framing {
    case .none, .length(0): self = .none
    case .length(let count): self = .length(count)
    case .chunked: self = .chunked(ChunkedDecoder())
    }
  }

  init(_ framing: ResponseFraming) {
    switch framing {
    case .none, .length(0): self = .none
    case .length(let count): self = .length(count)
    case .chunked: self = .chunked(ChunkedDecoder())
    case .untilClose: self = .untilClose
    }
  }

  var isDone: Bool {
    if case .none = self { return true }
    return false
  }

  /// Bytes that are still to come at most.
  var left: UInt64 {
    switch self {
    case .none: 0
    case .length(let left): left
    case .chunked, .untilClose: .max
    }
  }

  var isChunked: Bool {
    if case .chunked = self { return true }
    return false
  }
}

/// How a body goes on.
enum BodyEncoding: UInt8 {
  /// As it is: its length is known, or the end of the connection ends it.
  case identity
  case chunked
}
