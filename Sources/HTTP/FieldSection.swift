import Memory

/// The field lines of a head and the empty line behind them (RFC 9112 §5), the same for
/// requests and responses.
enum FieldSection {
  /// Reads from `start`, the beginning of a line, to the end of the head.
  ///
  /// - Returns: the length of the head; nil when its end is not here yet.
  /// - Throws: at the first byte that nothing after it could make valid.
  static func read(
    _ bytes: Span<UInt8>, from start: Int, limits: HeadLimits, dropsUnderscores: Bool,
    into fields: inout FieldTable
  ) throws(Malformed) -> Int? {
    var i = start
    lines: while true {
      switch try readLine(bytes, from: i, dropsUnderscores: dropsUnderscores) {
      case .incomplete:
        break lines
      case .end:
        guard i &+ 2 <= limits.headBytes else { throw Malformed(.headTooLong, at: i) }
        return i &+ 2
      case .field(let field, let end):
        guard fields.count < limits.fields else { throw Malformed(.tooManyFields, at: i) }
        fields.append(field)
        i = end
      }
    }
    guard bytes.count < limits.headBytes else {
      throw Malformed(.headTooLong, at: limits.headBytes)
    }
    return nil
  }

  enum Line {
    case incomplete
    /// The empty line: CRLF.
    case end
    /// A field, and where the line after it begins.
    case field(Field, end: Int)
  }

  /// Reads one line, `field-name ":" OWS field-value OWS CRLF` or empty.
  @inline(__always) static func readLine(
    _ bytes: Span<UInt8>, from start: Int, dropsUnderscores: Bool
  ) throws(Malformed) -> Line {
    let end = bytes.count
    guard start < end else { return .incomplete }
    if bytes[start] == ASCII.cr {
      guard start &+ 1 < end else { return .incomplete }
      guard bytes[start &+ 1] == ASCII.lf else { throw Malformed(.bareCR, at: start) }
      return .end
    }

    let known = scanKnownName(bytes, from: start)
    let name =
      known.id == .other
      ? scanName(bytes, from: start) : (end: known.end, hasUnderscore: false)
    let colon = name.end
    guard colon < end else { return .incomplete }
    guard bytes[colon] == ASCII.colon, colon > start else {
      throw nameFault(bytes, start, colon)
    }

    var value = colon &+ 1
    while value < end, ASCII.isBlank(bytes[value]) { value &+= 1 }
    let stop = scanValue(bytes, from: value)
    guard stop < end else { return .incomplete }
    guard bytes[stop] == ASCII.cr else {
      throw Malformed(bytes[stop] == ASCII.lf ? .bareLF : .fieldValue, at: stop)
    }
    guard stop &+ 1 < end else { return .incomplete }
    guard bytes[stop &+ 1] == ASCII.lf else { throw Malformed(.bareCR, at: stop) }

    var last = stop
    while last > value, ASCII.isBlank(bytes[last &- 1]) { last &-= 1 }
    let field = Field(
      name: Slice(start..<colon), value: Slice(value..<last),
      id: known.id == .other ? .init(bytes, Slice(start..<colon)) : known.id,
      marks: name.hasUnderscore && dropsUnderscores ? Field.dropped : 0)
    return .field(field, end: stop &+ 2)
  }

  /// The name that begins at `start` if it is one of those we know, which is a token then; its
  /// end is good only so.
  @inline(__always) private static func scanKnownName(
    _ bytes: Span<UInt8>, from start: Int
  ) -> (end: Int, id: FieldName) {
    var i = start
    while i &+ 8 <= bytes.count, i &- start <= 24 {
      // What stands below `!` would pass for a hyphen or a digit once bits are or-ed in.
      let word = bytes.word(at: i)
      let marks = (word.belowFirst(33) | word.equalsFirst(ASCII.colon)) & ~word & .highBits
      guard marks != 0 else {
        i &+= 8
        continue
      }
      i &+= marks.firstMarked
      guard bytes[i] == ASCII.colon else { break }
      return (i, FieldName(bytes, Slice(start..<i)))
    }
    return (i, .other)
  }

  /// Where the token that begins at `start` ends.
  @inline(never) private static func scanName(
    _ bytes: Span<UInt8>, from start: Int
  ) -> (end: Int, hasUnderscore: Bool) {
    var i = start
    while i &+ 8 <= bytes.count {
      // Letters, digits and hyphens pass by eights; what else a token may hold, one by one.
      let word = bytes.word(at: i)
      let ascii = word & ~.highBits
      let lower = ascii | .each(0x20)
      let letters = lower.atLeast(97) & ~lower.atLeast(123)
      let digits = ascii.atLeast(48) & ~ascii.atLeast(58)
      let others = ~(letters | digits | ascii.equals(ASCII.hyphen)) & .highBits | word & .highBits
      guard others != 0 else {
        i &+= 8
        continue
      }
      i &+= others.firstMarked
      break
    }
    // The colon, nearly always.
    guard i < bytes.count, bytes[i] != ASCII.colon else { return (i, false) }
    var hasUnderscore = false
    while i < bytes.count, ASCII.isToken(bytes[i]) {
      hasUnderscore = hasUnderscore || bytes[i] == ASCII.underscore
      i &+= 1
    }
    return (i, hasUnderscore)
  }

  /// Where the field content that begins at `start` ends.
  @inline(__always) private static func scanValue(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var i = start
    while i &+ 8 <= bytes.count {
      let word = bytes.word(at: i)
      let controls =
        (word.belowFirst(ASCII.space) | word.equalsFirst(ASCII.delete)) & ~word & .highBits
      guard controls != 0 else {
        i &+= 8
        continue
      }
      i &+= controls.firstMarked
      guard bytes[i] == ASCII.tab else { return i }
      i &+= 1
    }
    while i < bytes.count, ASCII.isFieldContent(bytes[i]) { i &+= 1 }
    return i
  }

  @inline(never) private static func nameFault(_ bytes: Span<UInt8>, _ start: Int, _ stop: Int)
    -> Malformed
  {
    let byte = bytes[stop]
    if ASCII.isBlank(byte) {
      // RFC 9112 §5.2 obs-fold, §2.2 before the first field; §5.1 before a colon.
      return Malformed(stop == start ? .fold : .spaceBeforeColon, at: stop)
    }
    return Malformed(byte == ASCII.lf ? .bareLF : .fieldName, at: stop)
  }
}
