/// How a body's bytes are coded for the way (RFC 9110 §8.4.1).
public enum ContentCoding: UInt8, Sendable {
  case identity
  case gzip
  case brotli
}

/// What a client says it would rather have (RFC 9110 §12.5).
public enum ContentNegotiation {
  // MARK: Accept-Encoding

  /// Whether an Accept-Encoding field takes `coding`, as nginx judges it.
  ///
  /// The first element that begins with the coding's name decides, and a quality of 0 or one
  /// that is malformed means no. `*` does not count: too many clients send it and mean nothing.
  /// nginx: `gzip_static`, and `ngx_http_gzip_accept_encoding` for gzip.
  public static func accepts(_ coding: ContentCoding, _ acceptEncoding: Span<UInt8>) -> Bool {
    let name =
      switch coding {
      case .identity: ""
      case .gzip: "gzip"
      case .brotli: "br"
      }
    guard !name.isEmpty else { return true }
    let text = name.utf8.span
    for i in acceptEncoding.indices {
      let begins =
        i == 0 || acceptEncoding[i - 1] == UInt8(ascii: ",")
        || acceptEncoding[i - 1] == UInt8(ascii: " ")
      if begins, hasPrefix(text, acceptEncoding, at: i) {
        return isWanted(acceptEncoding, after: i + text.count)
      }
    }
    return false
  }

  private static func isWanted(_ field: Span<UInt8>, after start: Int) -> Bool {
    var at = start
    skipSpaces(field, &at)
    guard at < field.count, field[at] != UInt8(ascii: ",") else { return true }
    guard field[at] == UInt8(ascii: ";") else { return false }
    at += 1
    skipSpaces(field, &at)
    guard at < field.count else { return true }
    guard field[at] | 0x20 == UInt8(ascii: "q"), at + 2 < field.count,
      field[at + 1] == UInt8(ascii: "=")
    else { return false }
    at += 2
    var end = at
    while end < field.count, field[end] != UInt8(ascii: ","), field[end] != UInt8(ascii: " ") {
      end += 1
    }
    return (quality(field, at..<end) ?? 0) > 0
  }

  private static func skipSpaces(_ field: Span<UInt8>, _ at: inout Int) {
    while at < field.count, field[at] == UInt8(ascii: " ") { at += 1 }
  }

  /// A quality in thousandths (RFC 9110 §12.4.2); nil when it is none.
  private static func quality(_ field: Span<UInt8>, _ range: Range<Int>) -> Int? {
    guard let first = range.first, range.count <= 5,
      field[first] == UInt8(ascii: "0") || field[first] == UInt8(ascii: "1")
    else { return nil }
    var value = Int(field[first] - UInt8(ascii: "0")) * 1000
    guard range.count > 1 else { return value }
    guard field[first + 1] == UInt8(ascii: ".") else { return nil }
    var unit = 100
    for i in range.dropFirst(2) {
      guard case UInt8(ascii: "0")...UInt8(ascii: "9") = field[i] else { return nil }
      value += Int(field[i] - UInt8(ascii: "0")) * unit
      unit /= 10
    }
    return value <= 1000 ? value : nil
  }

  // MARK: Accept

  /// Whether an Accept field would rather have JSON than HTML (RFC 9110 §12.5.1).
  ///
  /// The higher quality wins, then what is named more precisely, then what is named first;
  /// `*/*` and no opinion at all mean HTML.
  public static func prefersJSON(_ accept: Span<UInt8>) -> Bool {
    var json = Preference()
    var html = Preference()
    var start = 0
    var position = 0
    while start < accept.count {
      var end = start
      while end < accept.count, accept[end] != UInt8(ascii: ",") { end += 1 }
      var typeEnd = start
      while typeEnd < end, accept[typeEnd] != UInt8(ascii: ";") { typeEnd += 1 }
      let type = trimmed(accept, start..<typeEnd)
      let quality = weight(accept, typeEnd..<end)
      json.offer(
        precision(accept, type, "application/json", "application/*"), quality, position)
      html.offer(precision(accept, type, "text/html", "text/*"), quality, position)
      start = end + 1
      position += 1
    }
    guard json.quality > 0, json.quality == html.quality else {
      return json.quality > html.quality
    }
    if json.precision != html.precision { return json.precision > html.precision }
    return json.position < html.position
  }

  /// What the most precise range that matches a type says of it.
  private struct Preference {
    /// 0: not matched. 1: `*/*`. 2: `application/*`. 3: the type itself.
    var precision = 0
    var quality = 0
    var position = 0

    mutating func offer(_ precision: Int, _ quality: Int, _ position: Int) {
      guard precision > self.precision else { return }
      self = Preference(precision: precision, quality: quality, position: position)
    }
  }

  private static func precision(
    _ field: Span<UInt8>, _ range: Range<Int>, _ type: String, _ family: String
  ) -> Int {
    if equals(type.utf8.span, field, range) { return 3 }
    if equals(family.utf8.span, field, range) { return 2 }
    return equals("*/*".utf8.span, field, range) ? 1 : 0
  }

  /// The weight among a range's parameters, in thousandths; 0 when it is malformed.
  private static func weight(_ field: Span<UInt8>, _ parameters: Range<Int>) -> Int {
    var start = parameters.lowerBound
    while start < parameters.upperBound {
      start += 1  // the semicolon
      var end = start
      while end < parameters.upperBound, field[end] != UInt8(ascii: ";") { end += 1 }
      let parameter = trimmed(field, start..<end)
      if parameter.count > 1, field[parameter.lowerBound] | 0x20 == UInt8(ascii: "q"),
        field[parameter.lowerBound + 1] == UInt8(ascii: "=")
      {
        return quality(field, parameter.lowerBound + 2..<parameter.upperBound) ?? 0
      }
      start = end
    }
    return 1000
  }

  private static func trimmed(_ field: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    func isBlank(_ i: Int) -> Bool {
      field[i] == UInt8(ascii: " ") || field[i] == UInt8(ascii: "\t")
    }
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isBlank(start) { start += 1 }
    while start < end, isBlank(end - 1) { end -= 1 }
    return start..<end
  }

  // MARK: Text without regard to case

  private static func hasPrefix(_ text: Span<UInt8>, _ field: Span<UInt8>, at start: Int) -> Bool {
    guard field.count - start >= text.count else { return false }
    for i in text.indices {
      let byte = field[start + i]
      let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      guard (isUpper ? byte | 0x20 : byte) == text[i] else { return false }
    }
    return true
  }

  private static func equals(
    _ text: Span<UInt8>, _ field: Span<UInt8>, _ range: Range<Int>
  ) -> Bool {
    range.count == text.count && hasPrefix(text, field, at: range.lowerBound)
  }
}
