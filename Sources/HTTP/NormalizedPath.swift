public import Memory

/// The path by which a route or a file is found: percent-decoded once, `//` merged, `.` and
/// `..` resolved. What goes to a server is the target as it was sent.
///
/// Byte for byte what nginx 1.22 makes of it for its locations and `$uri`
/// (`ngx_http_parse_complex_uri`; directive `merge_slashes`).
public enum NormalizedPath {
  /// Whether `path` is its own normal form, so that nothing needs to be written: nearly always.
  @inline(__always) public static func isNormal(_ path: Span<UInt8>, mergeSlashes: Bool = true)
    -> Bool
  {
    guard path.count > 0, path[0] == ASCII.slash else { return false }
    let slash = mergeSlashes ? ASCII.slash : ASCII.dot
    var i = 0
    while i &+ 9 <= path.count {
      let word = path.word(at: i) & ~.highBits
      let next = path.word(at: i &+ 1) & ~.highBits
      // A byte above 127 may count as one of these: then `write` looks closer.
      let marks =
        word.equals(ASCII.percent) | word.equals(ASCII.question) | word.equals(ASCII.hash)
        | word.equals(0)
        | word.equals(ASCII.slash) & (next.equals(ASCII.dot) | next.equals(slash))
      guard marks == 0 else { return false }
      i &+= 8
    }
    while i < path.count {
      switch path[i] {
      case ASCII.percent, ASCII.question, ASCII.hash, 0: return false
      case ASCII.slash where i &+ 1 < path.count:
        if path[i &+ 1] == ASCII.dot || path[i &+ 1] == slash { return false }
      default: break
      }
      i &+= 1
    }
    return true
  }

  /// Appends the normal form of `path`, which is at most one byte longer.
  ///
  /// An empty path is `/`. `%2F`, `%2E` count as `/`, `.`; `%25`, `%3F`, `%23` only as
  /// themselves. A literal `?` or `#` ends the path.
  ///
  /// - Throws: 400 for a bad escape, a NUL, or a `..` above the root; 414 when there is not the
  ///   space for it. The buffer is then as it was.
  public static func write(
    _ path: Span<UInt8>, mergeSlashes: Bool = true, to buffer: inout ByteBuffer
  ) throws(Refusal) {
    guard path.count < buffer.space else { throw Refusal(.pathTooLong, at: 0) }
    if isNormal(path, mergeSlashes: mergeSlashes) { return buffer.append(path) }
    let start = buffer.count
    do throws(Refusal) {
      try resolve(path, mergeSlashes, start, &buffer)
    } catch {
      buffer.removeLast(buffer.count &- start)
      throw error
    }
  }

  private enum State { case usual, slash, dot, dotDot }

  private static func resolve(
    _ path: Span<UInt8>, _ mergeSlashes: Bool, _ start: Int, _ buffer: inout ByteBuffer
  ) throws(Refusal) {
    var state = State.usual
    if path.count == 0 || path[0] == ASCII.question || path[0] == ASCII.hash {
      buffer.append(ASCII.slash)
      return
    }
    var i = 0
    while i < path.count {
      var byte = path[i]
      let at = i
      i &+= 1
      if byte == ASCII.question || byte == ASCII.hash { break }
      if byte == ASCII.percent {
        guard i &+ 1 < path.count, let high = ASCII.hexadecimal(path[i]),
          let low = ASCII.hexadecimal(path[i &+ 1])
        else { throw Refusal(.percentEncoding, at: at) }
        i &+= 2
        byte = high &<< 4 | low
        if byte == ASCII.percent || byte == ASCII.question || byte == ASCII.hash {
          buffer.append(byte)
          state = .usual
          continue
        }
      }
      // Files are opened by names that end at it.
      guard byte != 0 else { throw Refusal(.nulInPath, at: at) }

      switch (state, byte) {
      case (.usual, ASCII.slash):
        buffer.append(byte)
        state = .slash
      case (.usual, _):
        buffer.append(byte)
      case (.slash, ASCII.slash):
        if !mergeSlashes { buffer.append(byte) }
      case (.slash, ASCII.dot):
        buffer.append(byte)
        state = .dot
      case (.dot, ASCII.slash):
        buffer.removeLast(1)
        state = .slash
      case (.dot, ASCII.dot):
        buffer.append(byte)
        state = .dotDot
      case (.dotDot, ASCII.slash):
        try removeSegment(from: start, &buffer, at: at)
        state = .slash
      case (.slash, _), (.dot, _), (.dotDot, _):
        buffer.append(byte)
        state = .usual
      }
    }
    switch state {
    case .usual, .slash: break
    case .dot: buffer.removeLast(1)
    case .dotDot: try removeSegment(from: start, &buffer, at: i)
    }
  }

  /// Takes `/segment/..` back to `/`.
  private static func removeSegment(
    from start: Int, _ buffer: inout ByteBuffer, at: Int
  ) throws(Refusal) {
    // The last byte of the segment stands before "/..".
    var last = buffer.count &- 4
    while last >= start, buffer.readable[last] != ASCII.slash { last &-= 1 }
    guard last >= start else { throw Refusal(.aboveRoot, at: at) }
    buffer.removeLast(buffer.count &- last &- 1)
  }
}
