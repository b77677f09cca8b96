import Memory

/// `method SP target SP version CRLF` (RFC 9112 §3).
struct RequestLine {
  let method: Method
  let methodSlice: Slice
  let target: Slice
  /// Where the target's first `?` is, or the target's end.
  let queryMark: Int
  let version: Version
  /// Behind the CRLF.
  let end: Int

  /// No registered method is longer (IANA HTTP Method Registry).
  private static var methodLimit: Int { 32 }

  /// Reads the line, and one empty line before it (RFC 9112 §2.2).
  ///
  /// - Returns: nil when its end is not here yet.
  static func read(
    _ bytes: Span<UInt8>, limits: HeadLimits
  ) throws(Malformed) -> RequestLine? {
    var start = 0
    if bytes.count > 0, bytes[0] == ASCII.cr {
      guard bytes.count > 1 else { return nil }
      guard bytes[1] == ASCII.lf else { throw Malformed(.bareCR, at: 0) }
      start = 2
    }
    guard let line = try read(bytes, from: start) else {
      let room = min(start &+ limits.lineBytes &+ 2, limits.headBytes)
      guard bytes.count < room else { throw Malformed(.targetTooLong, at: room) }
      return nil
    }
    guard line.end &- 2 &- start <= limits.lineBytes else {
      throw Malformed(.targetTooLong, at: start &+ limits.lineBytes)
    }
    return line
  }

  private static func read(
    _ bytes: Span<UInt8>, from start: Int
  ) throws(Malformed) -> RequestLine? {
    // Method
    var i = start
    var hasLowercase = false
    while i < bytes.count, ASCII.isToken(bytes[i]) {
      hasLowercase = hasLowercase || bytes[i] &- 97 < 26
      i &+= 1
      guard i &- start <= methodLimit else { throw Malformed(.methodTooLong, at: i) }
    }
    guard i < bytes.count else { return nil }
    guard bytes[i] == ASCII.space, i > start else { throw methodFault(bytes, start, i) }
    let methodSlice = Slice(start..<i)
    let word = i &- start <= 8 ? bytes.word(at: start, size: i &- start) : 0
    // Methods are case-sensitive (RFC 9110 §9.1), and software that forgets it would see
    // another one than a route did. CONNECT is for forward proxies; TRACE would show a script
    // what was added on the way (RFC 9110 §9.3.8).
    guard !hasLowercase, word != 0x54_4345_4e4e_4f43, word != 0x45_4341_5254 else {
      throw Malformed(.methodNotImplemented, at: start)
    }

    // Target
    let targetStart = i &+ 1
    i = scanTarget(bytes, from: targetStart, past: false)
    var queryMark = i
    if i < bytes.count, bytes[i] == ASCII.question {
      i = scanTarget(bytes, from: i &+ 1, past: true)
    }
    guard i < bytes.count else { return nil }
    guard bytes[i] == ASCII.space, i > targetStart else {
      throw targetFault(bytes, targetStart, i)
    }
    queryMark = min(queryMark, i)

    // Version
    guard let version = try readVersion(bytes, from: i &+ 1) else { return nil }
    return RequestLine(
      method: Method.recognise(word), methodSlice: methodSlice, target: Slice(targetStart..<i),
      queryMark: queryMark, version: version, end: i &+ 11)
  }

  /// The first byte that is not a visible ASCII character other than `#` (RFC 3986 §2): none
  /// of them stands in a target, and where one does software disagrees about its end. `?` ends
  /// the scan too unless it is `past`.
  @inline(__always) private static func scanTarget(
    _ bytes: Span<UInt8>, from start: Int, past: Bool
  ) -> Int {
    let question = past ? ASCII.hash : ASCII.question
    var i = start
    while i &+ 8 <= bytes.count {
      let word = bytes.word(at: i)
      let ascii = word & ~.highBits
      let marks =
        ascii.equals(ASCII.hash) | ascii.equals(question) | ascii.equals(ASCII.delete)
        | ~ascii.atLeast(33) & .highBits | word & .highBits
      guard marks == 0 else { return i &+ marks.firstMarked }
      i &+= 8
    }
    while i < bytes.count {
      let byte = bytes[i]
      guard byte > ASCII.space, byte < ASCII.delete, byte != ASCII.hash, byte != question else {
        break
      }
      i &+= 1
    }
    return i
  }

  /// The version and the CRLF behind it: ten bytes.
  @inline(__always) private static func readVersion(
    _ bytes: Span<UInt8>, from start: Int
  ) throws(Malformed) -> Version? {
    if start &+ 10 <= bytes.count, bytes.word(at: start) == Version.http11Word,
      bytes[start &+ 8] == ASCII.cr, bytes[start &+ 9] == ASCII.lf
    {
      return .http11
    }
    guard start < bytes.count else { return nil }
    guard bytes[start] != ASCII.space else { throw Malformed(.spaces, at: start) }
    guard let version = try Version.read(bytes, from: start) else { return nil }
    guard start &+ 8 < bytes.count else { return nil }
    switch bytes[start &+ 8] {
    case ASCII.cr: break
    case ASCII.lf: throw Malformed(.bareLF, at: start &+ 8)
    case ASCII.space, ASCII.tab: throw Malformed(.spaces, at: start &+ 8)
    default: throw Malformed(.version, at: start &+ 8)
    }
    guard start &+ 9 < bytes.count else { return nil }
    guard bytes[start &+ 9] == ASCII.lf else { throw Malformed(.bareCR, at: start &+ 8) }
    return version
  }

  private static func methodFault(_ bytes: Span<UInt8>, _ start: Int, _ stop: Int) -> Malformed {
    switch bytes[stop] {
    case ASCII.lf: Malformed(.bareLF, at: stop)
    case ASCII.cr: Malformed(stop == start ? .emptyLine : .versionMissing, at: stop)
    case ASCII.space, ASCII.tab: Malformed(stop == start ? .spaces : .method, at: stop)
    default: Malformed(.method, at: stop)
    }
  }

  private static func targetFault(_ bytes: Span<UInt8>, _ start: Int, _ stop: Int) -> Malformed {
    switch bytes[stop] {
    case ASCII.lf: Malformed(.bareLF, at: stop)
    case ASCII.cr: Malformed(.versionMissing, at: stop)
    case ASCII.space, ASCII.tab: Malformed(.spaces, at: stop)
    default: Malformed(.target, at: stop)
    }
  }
}
