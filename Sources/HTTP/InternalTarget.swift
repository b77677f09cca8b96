public import Memory

/// Where a server's X-Accel-Redirect leads: a path within the configuration's own routes.
///
/// As nginx 1.22 reads it (`ngx_http_parse_unsafe_uri`): decoded once, not normalised, and refused
/// when a `..` in it could lead out of a directory.
public enum InternalTarget {
  /// Appends the decoded path of `value` to `buffer`.
  ///
  /// - Returns: where in `value` the query stands, empty for none; nil, and the buffer as it was,
  ///   for what leads nowhere: no path, a `..` segment, a NUL, or an escape that is none.
  public static func write(_ value: Span<UInt8>, to buffer: inout ByteBuffer) -> Range<Int>? {
    guard value.count > 0, value[0] == ASCII.slash, value.count <= buffer.space else { return nil }
    let start = buffer.count
    var i = 0
    while i < value.count, value[i] != ASCII.question {
      var byte = value[i]
      i &+= 1
      if byte == ASCII.percent {
        guard i &+ 1 < value.count, let high = ASCII.hexadecimal(value[i]),
          let low = ASCII.hexadecimal(value[i &+ 1])
        else { return giveUp(&buffer, start) }
        byte = high &<< 4 | low
        i &+= 2
      }
      guard byte != 0 else { return giveUp(&buffer, start) }
      if byte == ASCII.slash, endsInDotDot(buffer, from: start) { return giveUp(&buffer, start) }
      buffer.append(byte)
    }
    guard !endsInDotDot(buffer, from: start) else { return giveUp(&buffer, start) }
    return i < value.count ? i &+ 1..<value.count : i..<i
  }

  /// Appends `value` as a request's target: what no target may hold is escaped, so that it leads
  /// to the same place and no server reads another request line out of it.
  ///
  /// - Precondition: `buffer` has room for three times as much.
  public static func escape(_ value: Span<UInt8>, to buffer: inout ByteBuffer) {
    for i in value.indices {
      let byte = value[i]
      if byte > ASCII.space, byte < ASCII.delete, byte != ASCII.hash {
        buffer.append(byte)
      } else {
        buffer.append(ASCII.percent)
        buffer.append(hexadecimal: UInt64(byte), width: 2)
      }
    }
  }

  private static func giveUp(_ buffer: inout ByteBuffer, _ start: Int) -> Range<Int>? {
    buffer.removeLast(buffer.count &- start)
    return nil
  }

  /// Whether the last segment so far is `..`.
  private static func endsInDotDot(_ buffer: borrowing ByteBuffer, from start: Int) -> Bool {
    let count = buffer.count
    let bytes = buffer.readable
    return count &- start >= 3 && bytes[count &- 1] == ASCII.dot && bytes[count &- 2] == ASCII.dot
      && bytes[count &- 3] == ASCII.slash
  }
}
