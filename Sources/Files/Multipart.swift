import HTTP
import Memory

/// A body of type `multipart/byteranges` (RFC 9110 §14.6), as nginx frames it.
struct Multipart: Equatable, Sendable {
  /// A number that no content is likely to hold as 20 digits after two dashes.
  let boundary: UInt64
  let parts: [ByteRange]
  /// The media type of each part; empty for the file's own.
  var type: [UInt8] = []

  private static var boundaryCount: Int { 20 }

  func appendBoundary(to buffer: inout ByteBuffer) {
    for _ in Multipart.digits(boundary)..<Multipart.boundaryCount {
      buffer.append(UInt8(ascii: "0"))
    }
    buffer.append(decimal: boundary)
  }

  /// What stands behind the last part.
  func appendClosing(to buffer: inout ByteBuffer) {
    buffer.append("\r\n--")
    appendBoundary(to: &buffer)
    buffer.append("--\r\n")
  }

  static var closingCount: Int { 4 + boundaryCount + 4 }

  /// Bytes of the whole body.
  ///
  /// - Parameters:
  ///   - typeLineCount: of the Content-Type line that each part has, its end included.
  ///   - size: of the file.
  func length(typeLineCount: Int, size: Int) -> Int {
    var length = Multipart.closingCount
    let ofEach =
      4 + Multipart.boundaryCount + 2 + typeLineCount + "Content-Range: bytes -/\r\n\r\n".utf8.count
      + Multipart.digits(UInt64(size))
    for part in parts {
      length += ofEach + part.count + Multipart.digits(UInt64(part.offset))
      length += Multipart.digits(UInt64(part.offset + part.count - 1))
    }
    return length
  }

  private static func digits(_ number: UInt64) -> Int {
    var count = 1
    var rest = number / 10
    while rest > 0 {
      count += 1
      rest /= 10
    }
    return count
  }
}
