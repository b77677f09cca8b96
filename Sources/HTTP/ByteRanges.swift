/// Some of a representation's bytes.
public struct ByteRange: Equatable, Sendable {
  /// Of the first byte.
  public let offset: Int
  /// At least 1.
  public let count: Int

  public init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }
}

/// What a Range field asks of a representation (RFC 9110 §14.2).
public enum ByteRanges: Equatable, Sendable {
  /// All of it: the field is to be ignored.
  case whole
  /// 206 with one part.
  case single(ByteRange)
  /// 206 with `multipart/byteranges` (RFC 9110 §14.6): two parts or more, in the order asked.
  case several([ByteRange])
  /// 416 (RFC 9110 §15.5.17).
  case unsatisfiable

  /// Reads `field` as nginx 1.22 does.
  ///
  /// Units other than bytes are ignored (RFC 9110 §14.2), and so are ranges that overlap until
  /// they ask for more than the whole, more than `limit` of them, and an empty one from
  /// the beginning of an empty representation. What is malformed after `bytes=` is refused like what cannot be satisfied,
  /// as the RFC allows.
  ///
  /// - Parameters:
  ///   - size: of the representation, in bytes.
  ///   - limit: the most parts in one answer, each of which costs a head of its own. Apache's
  ///     `MaxRanges` has the same default; nginx: `max_ranges`, unlimited.
  public static func parse(_ field: Span<UInt8>, size: Int, limit: Int = 200) -> ByteRanges {
    guard field.count > 6, hasBytesUnit(field) else { return .whole }
    var first: ByteRange?
    var several: [ByteRange] = []
    var total = 0
    var at = 6
    while true {
      guard let range = parseRange(field, &at, size: size) else { return .unsatisfiable }
      if range.count > 0 {
        let (sum, overflow) = total.addingReportingOverflow(range.count)
        guard !overflow else { return .whole }
        total = sum
        if let first {
          if several.isEmpty { several = [first] }
          guard several.count < limit else { return .whole }
          several.append(range)
        } else {
          first = range
        }
      } else if range.offset == 0 {
        return .whole  // nothing, from the beginning: an empty representation is that already
      }
      guard at < field.count else { break }
      at += 1  // the comma
    }
    guard let first else { return .unsatisfiable }
    guard total <= size else { return .whole }
    return several.isEmpty ? .single(first) : .several(several)
  }

  private static func hasBytesUnit(_ field: Span<UInt8>) -> Bool {
    let text = "bytes="
    let unit = text.utf8.span
    for i in 0..<5 where field[i] | 0x20 != unit[i] { return false }
    return field[5] == unit[5]
  }

  /// One range up to its comma or the end, cut to what there is: nothing, when it lies outside;
  /// nil when it is malformed.
  private static func parseRange(
    _ field: Span<UInt8>, _ at: inout Int, size: Int
  ) -> ByteRange? {
    skipSpaces(field, &at)
    var start: Int?
    if at < field.count, field[at] != UInt8(ascii: "-") {
      start = parseNumber(field, &at)
      guard start != nil else { return nil }
      skipSpaces(field, &at)
    }
    guard at < field.count, field[at] == UInt8(ascii: "-") else { return nil }
    at += 1
    if start != nil { skipSpaces(field, &at) }

    var last = Int.max
    if let start, at == field.count || field[at] == UInt8(ascii: ",") {
      return ByteRange(offset: start, count: max(size - start, 0))
    }
    guard let number = parseNumber(field, &at) else { return nil }
    last = number
    skipSpaces(field, &at)
    guard at == field.count || field[at] == UInt8(ascii: ",") else { return nil }
    guard let start else {
      let count = min(last, size)
      return ByteRange(offset: size - count, count: count)
    }
    let end = last < size ? last + 1 : size
    return ByteRange(offset: start, count: max(end - start, 0))
  }

  private static func skipSpaces(_ field: Span<UInt8>, _ at: inout Int) {
    while at < field.count, field[at] == UInt8(ascii: " ") { at += 1 }
  }

  /// Nil when there is no digit, or more of a number than 63 bits hold.
  private static func parseNumber(_ field: Span<UInt8>, _ at: inout Int) -> Int? {
    let begin = at
    var number = 0
    while at < field.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = field[at] {
      let (tens, over) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(field[at] - UInt8(ascii: "0")))
      guard !over, !carry else { return nil }
      number = sum
      at += 1
    }
    return at > begin ? number : nil
  }
}
