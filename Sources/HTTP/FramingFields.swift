/// What Content-Length and Transfer-Encoding say (RFC 9112 §6), read as strictly from servers
/// as from clients: two readings of where a message ends are a smuggled message.
enum FramingFields {
  /// The announced length; nil without the field.
  ///
  /// At most 18 digits, so that it fits an `Int`.
  static func contentLength(
    _ bytes: Span<UInt8>, _ fields: borrowing FieldTable
  ) throws(Malformed) -> UInt64? {
    guard let field = fields.first(.contentLength) else { return nil }
    let at = Int(field.value.start)
    // Even equal ones: RFC 9112 §6.3 lets a recipient reject them.
    guard !fields.isRepeated(.contentLength) else {
      throw Malformed(.contentLengthRepeated, at: at)
    }
    guard field.value.count >= 1, field.value.count <= 18 else {
      throw Malformed(.contentLength, at: at)
    }
    var length: UInt64 = 0
    for i in field.value.range {
      guard ASCII.isDigit(bytes[i]) else { throw Malformed(.contentLength, at: at) }
      length = length &* 10 &+ UInt64(bytes[i] &- ASCII.zero)
    }
    return length
  }

  /// Whether the body is chunked; false without Transfer-Encoding.
  static func isChunked(
    _ bytes: Span<UInt8>, _ fields: borrowing FieldTable, version: Version
  ) throws(Malformed) -> Bool {
    guard let field = fields.first(.transferEncoding) else { return false }
    let at = Int(field.value.start)
    guard !fields.contains(.contentLength) else { throw Malformed(.lengthAndCoding, at: at) }
    // RFC 9112 §6.1: the framing is faulty, however the coding reads.
    guard version == .http11 else { throw Malformed(.transferEncodingIn10, at: at) }
    guard !fields.isRepeated(.transferEncoding) else {
      throw Malformed(.transferEncodingRepeated, at: at)
    }
    if ShortName(bytes, field.value).isChunked { return true }
    throw Malformed(
      endsChunked(bytes, field.value) ? .transferCodingUnknown : .transferEncoding, at: at)
  }

  /// Whether a list of tokens ends in `chunked` and has it nowhere else: well-formed, then, but
  /// with codings before it that we do not undo (501 rather than 400, RFC 9112 §6.1).
  private static func endsChunked(_ bytes: Span<UInt8>, _ value: Slice) -> Bool {
    var list = ListReader(value)
    var codings = 0
    var chunked = 0
    var last = false
    while let coding = list.next(bytes) {
      for i in coding.range where !ASCII.isToken(bytes[i]) { return false }
      last = ShortName(bytes, coding).isChunked
      chunked &+= last ? 1 : 0
      codings &+= 1
    }
    return last && chunked == 1 && codings > 1
  }
}
