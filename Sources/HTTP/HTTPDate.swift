public import Memory

/// A moment as HTTP's fields carry it: whole seconds, UTC (RFC 9110 §5.6.7).
public struct HTTPDate: Equatable, Comparable, Sendable {
  /// Since 1970, negative before; within the years 0000 to 9999, which is all the format can say.
  public let seconds: Int64

  /// The bytes that `append` writes.
  public static var length: Int { 29 }

  /// A moment outside the years that can be written counts as the nearest that can.
  public init(seconds: Int64) {
    self.seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
  }

  public static func < (a: HTTPDate, b: HTTPDate) -> Bool { a.seconds < b.seconds }

  /// Appends the preferred form, IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
  public func append(to buffer: inout ByteBuffer) {
    let (days, time) = (floor(seconds, by: 86400), Int(seconds - floor(seconds, by: 86400) * 86400))
    let (year, month, day) = HTTPDate.date(ofDay: Int(days))
    let dayNames = "ThuFriSatSunMonTueWed"  // 1970 began on a Thursday
    let weekday = Int(days - floor(days, by: 7) * 7)
    buffer.append(dayNames.utf8.span.extracting(weekday * 3..<weekday * 3 + 3))
    buffer.append(", ")
    HTTPDate.append(day, digits: 2, to: &buffer)
    buffer.append(UInt8(ascii: " "))
    let monthNames = HTTPDate.monthNames
    buffer.append(monthNames.utf8.span.extracting(month * 3 - 3..<month * 3))
    buffer.append(UInt8(ascii: " "))
    HTTPDate.append(year, digits: 4, to: &buffer)
    buffer.append(UInt8(ascii: " "))
    HTTPDate.append(time / 3600, digits: 2, to: &buffer)
    buffer.append(UInt8(ascii: ":"))
    HTTPDate.append(time / 60 % 60, digits: 2, to: &buffer)
    buffer.append(UInt8(ascii: ":"))
    HTTPDate.append(time % 60, digits: 2, to: &buffer)
    buffer.append(" GMT")
  }

  /// Reads any of the three forms that a recipient must know (RFC 9110 §5.6.7); nil when `field`
  /// is none of them.
  ///
  /// As nginx does it: the name of the day and what follows the date are not looked at, and a
  /// year of two digits lies between 1970 and 2069.
  public static func parse(_ field: Span<UInt8>) -> HTTPDate? {
    var at = 0
    while at < field.count, field[at] != UInt8(ascii: ","), field[at] != UInt8(ascii: " ") {
      at += 1
    }
    guard at < field.count else { return nil }
    let isAsctime = field[at] == UInt8(ascii: " ")
    at += 1
    while at < field.count, field[at] == UInt8(ascii: " ") { at += 1 }

    if isAsctime {  // Sun Nov  6 08:49:37 1994
      guard let month = parseMonth(field, &at), skip(UInt8(ascii: " "), field, &at) else {
        return nil
      }
      _ = skip(UInt8(ascii: " "), field, &at)
      guard let day = parseDigits(2, field, &at) ?? parseDigits(1, field, &at),
        skip(UInt8(ascii: " "), field, &at), let time = parseTime(field, &at),
        skip(UInt8(ascii: " "), field, &at), let year = parseDigits(4, field, &at)
      else { return nil }
      return make(year, month, day, time)
    }
    // Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT
    guard let day = parseDigits(2, field, &at) else { return nil }
    let isShortYear = at < field.count && field[at] == UInt8(ascii: "-")
    let separator = isShortYear ? UInt8(ascii: "-") : UInt8(ascii: " ")
    guard skip(separator, field, &at), let month = parseMonth(field, &at),
      skip(separator, field, &at), var year = parseDigits(isShortYear ? 2 : 4, field, &at),
      skip(UInt8(ascii: " "), field, &at), let time = parseTime(field, &at)
    else { return nil }
    if isShortYear { year += year < 70 ? 2000 : 1900 }
    return make(year, month, day, time)
  }

  // MARK: Pieces of the text

  private static var monthNames: String { "JanFebMarAprMayJunJulAugSepOctNovDec" }

  private static func append(_ number: Int, digits: Int, to buffer: inout ByteBuffer) {
    var unit = 1
    for _ in 1..<digits { unit *= 10 }
    while unit > 0 {
      buffer.append(UInt8(ascii: "0") + UInt8(number / unit % 10))
      unit /= 10
    }
  }

  private static func skip(_ byte: UInt8, _ field: Span<UInt8>, _ at: inout Int) -> Bool {
    guard at < field.count, field[at] == byte else { return false }
    at += 1
    return true
  }

  /// Moves `at` only when all digits are there.
  private static func parseDigits(_ count: Int, _ field: Span<UInt8>, _ at: inout Int) -> Int? {
    guard at + count <= field.count else { return nil }
    var number = 0
    for i in at..<at + count {
      guard case UInt8(ascii: "0")...UInt8(ascii: "9") = field[i] else { return nil }
      number = number * 10 + Int(field[i] - UInt8(ascii: "0"))
    }
    at += count
    return number
  }

  private static func parseMonth(_ field: Span<UInt8>, _ at: inout Int) -> Int? {
    guard at + 3 <= field.count else { return nil }
    let text = monthNames
    let names = text.utf8.span
    for month in 1...12 {
      let name = month * 3 - 3
      if field[at] == names[name], field[at + 1] == names[name + 1],
        field[at + 2] == names[name + 2]
      {
        at += 3
        return month
      }
    }
    return nil
  }

  /// `08:49:37` as seconds. A leap second is no time that a file could have, and is refused.
  private static func parseTime(_ field: Span<UInt8>, _ at: inout Int) -> Int? {
    guard let hour = parseDigits(2, field, &at), skip(UInt8(ascii: ":"), field, &at),
      let minute = parseDigits(2, field, &at), skip(UInt8(ascii: ":"), field, &at),
      let second = parseDigits(2, field, &at), hour < 24, minute < 60, second < 60
    else { return nil }
    return (hour * 60 + minute) * 60 + second
  }

  // MARK: The calendar

  private static func make(_ year: Int, _ month: Int, _ day: Int, _ time: Int) -> HTTPDate? {
    let number = HTTPDate.day(ofYear: year, month, day)
    // A day that the month does not have comes back as one of the next month.
    guard day > 0, HTTPDate.date(ofDay: number) == (year, month, day) else { return nil }
    return HTTPDate(seconds: Int64(number * 86400 + time))
  }

  /// Days since 1970-01-01. Years are counted from March, so that the leap day comes last, in
  /// eras of 400 years, after which the calendar repeats.
  private static func day(ofYear year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = Int(floor(Int64(shifted), by: 400))
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func date(ofDay number: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = number + 719_468
    let era = Int(floor(Int64(shifted), by: 146_097))
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}

/// The quotient rounded towards the past.
private func floor(_ number: Int64, by divisor: Int64) -> Int64 {
  let quotient = number / divisor
  return number % divisor < 0 ? quotient - 1 : quotient
}
