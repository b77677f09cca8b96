import HTTP
import Memory

/// What people and programs read when Martlet itself answers: the status in words and the
/// request's id, and nothing of what is behind the proxy.
enum ErrorBody {
  /// - Parameter refresh: in how many seconds a page loads itself anew; 0 is never.
  static func write(
    _ status: UInt16, asJSON: Bool, refresh: UInt64, id: RequestIDText, from head: Span<UInt8>,
    to buffer: inout ByteBuffer
  ) {
    let words = ReasonPhrase.of(status)
    if asJSON {
      buffer.append("{\"status\":")
      buffer.append(decimal: UInt64(status))
      buffer.append(",\"error\":\"")
      buffer.append(words)
      buffer.append("\"")
      if !id.isEmpty {
        buffer.append(",\"request_id\":\"")
        id.write(from: head, to: &buffer)
        buffer.append("\"")
      }
      buffer.append("}\n")
      return
    }
    buffer.append("<!doctype html>\n<html lang=\"en\"><head><title>")
    buffer.append(decimal: UInt64(status))
    buffer.append(" ")
    buffer.append(words)
    buffer.append("</title>")
    if refresh > 0 {
      buffer.append("<meta http-equiv=\"refresh\" content=\"")
      buffer.append(decimal: refresh)
      buffer.append("\">")
    }
    buffer.append("</head>\n<body><h1>")
    buffer.append(decimal: UInt64(status))
    buffer.append(" ")
    buffer.append(words)
    buffer.append("</h1>\n")
    if !id.isEmpty {
      buffer.append("<p>Request <code>")
      id.write(from: head, to: &buffer)
      buffer.append("</code></p>\n")
    }
    buffer.append("</body></html>\n")
  }
}

/// A request's id as text: the one that came with it, or the one that was made for it.
struct RequestIDText {
  private let slice: Slice
  private let made: (UInt64, UInt64)

  init(_ exchange: borrowing Exchange) {
    slice = exchange.facts.requestID
    made = exchange.requestID
  }

  var isEmpty: Bool { slice.isEmpty && made == (0, 0) }

  /// At most `RequestID.lengthLimit` bytes, none of which means anything to HTML or JSON.
  func write(from head: Span<UInt8>, to buffer: inout ByteBuffer) {
    if !slice.isEmpty {
      buffer.append(head.extracting(slice.range))
    } else if !isEmpty {
      buffer.append(hexadecimal: made.0, width: 16)
      buffer.append(hexadecimal: made.1, width: 16)
    }
  }
}
