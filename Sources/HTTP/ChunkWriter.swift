public import Memory

/// Frames a body in chunks (RFC 9112 §7.1): head, data, `end`, again and again, then `last`.
public enum ChunkWriter {
  /// The most that `head` takes.
  public static var headSpace: Int { 18 }
  public static var endSpace: Int { 2 }
  public static var lastSpace: Int { 5 }

  /// - Precondition: `size` > 0 (0 is `last`), and `headSpace` is there.
  public static func head(_ size: Int, to buffer: inout ByteBuffer) {
    precondition(size > 0, "an empty chunk would end the body")
    buffer.append(hexadecimal: UInt64(size))
    buffer.append("\r\n")
  }

  /// What follows the data of a chunk.
  public static func end(to buffer: inout ByteBuffer) {
    buffer.append("\r\n")
  }

  /// The last chunk, without trailers.
  public static func last(to buffer: inout ByteBuffer) {
    buffer.append("0\r\n\r\n")
  }
}
