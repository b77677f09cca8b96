import HTTP
import Memory
import Testing

@Suite struct HTTPDateTests {
  struct Row: Sendable {
    var rule: String
    var text: String
    var gives: Int64?
  }

  @Test(arguments: [
    Row(rule: "IMF-fixdate", text: "Sun, 06 Nov 1994 08:49:37 GMT", gives: 784_111_777),
    Row(rule: "RFC 850", text: "Sunday, 06-Nov-94 08:49:37 GMT", gives: 784_111_777),
    Row(rule: "asctime, day of one digit", text: "Sun Nov  6 08:49:37 1994", gives: 784_111_777),
    Row(rule: "asctime, day of two", text: "Wed Nov 16 08:49:37 1994", gives: 784_975_777),
    Row(rule: "the beginning", text: "Thu, 01 Jan 1970 00:00:00 GMT", gives: 0),
    Row(rule: "before it", text: "Wed, 31 Dec 1969 23:59:59 GMT", gives: -1),
    Row(rule: "a leap day", text: "Thu, 29 Feb 2024 12:34:56 GMT", gives: 1_709_210_096),
    Row(rule: "no leap day that year", text: "Thu, 29 Feb 2023 12:34:56 GMT", gives: nil),
    Row(rule: "2000 was a leap year", text: "Tue, 29 Feb 2000 00:00:00 GMT", gives: 951_782_400),
    Row(rule: "1900 was not", text: "Thu, 29 Feb 1900 00:00:00 GMT", gives: nil),
    Row(rule: "nginx: 69 is 2069", text: "X, 01-Jan-69 00:00:00 GMT", gives: 3_124_224_000),
    Row(rule: "nginx: 70 is 1970", text: "X, 01-Jan-70 00:00:00 GMT", gives: 0),
    Row(rule: "nginx: day name unread", text: "Xyz, 06 Nov 1994 08:49:37", gives: 784_111_777),
    Row(rule: "no 31st", text: "Sun, 31 Nov 1994 08:49:37 GMT", gives: nil),
    Row(rule: "no 0th", text: "Sun, 00 Nov 1994 08:49:37 GMT", gives: nil),
    Row(rule: "no such month", text: "Sun, 06 Nev 1994 08:49:37 GMT", gives: nil),
    Row(rule: "months are case-sensitive", text: "Sun, 06 nov 1994 08:49:37 GMT", gives: nil),
    Row(rule: "hour 24", text: "Sun, 06 Nov 1994 24:00:00 GMT", gives: nil),
    Row(rule: "minute 60", text: "Sun, 06 Nov 1994 08:60:00 GMT", gives: nil),
    Row(rule: "second 60", text: "Sun, 06 Nov 1994 08:49:60 GMT", gives: nil),
    Row(rule: "one digit too few", text: "Sun, 6 Nov 1994 08:49:37 GMT", gives: nil),
    Row(rule: "mixed separators", text: "Sun, 06-Nov 1994 08:49:37 GMT", gives: nil),
    Row(rule: "cut short", text: "Sun, 06 Nov 1994 08:49:3", gives: nil),
    Row(rule: "asctime cut short", text: "Sun Nov  6 08:49:37 199", gives: nil),
    Row(rule: "empty", text: "", gives: nil),
    Row(rule: "a word", text: "junk", gives: nil),
    Row(rule: "a number", text: "784111777", gives: nil),
  ])
  func `the three forms of RFC 9110 §5.6.7 are read`(_ row: Row) {
    #expect(HTTPDate.parse(row.text.utf8.span)?.seconds == row.gives, "\(row.rule)")
  }

  @Test(arguments: [
    (Int64(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT"),
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
    (1_709_251_200, "Fri, 01 Mar 2024 00:00:00 GMT"),
    (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
    (Int64.min, "Sat, 01 Jan 0000 00:00:00 GMT"),
  ])
  func `a date is written as IMF-fixdate`(_ seconds: Int64, _ text: String) {
    var buffer = ByteBuffer(capacity: HTTPDate.length)
    HTTPDate(seconds: seconds).append(to: &buffer)
    #expect(string(buffer.readable) == text)
  }

  @Test func `what is written is read back, whatever the day`() {
    var buffer = ByteBuffer(capacity: HTTPDate.length)
    for day in stride(from: Int64(-700_000), to: 2_900_000, by: 97) {
      let date = HTTPDate(seconds: day * 86_400 + day % 86_400)
      buffer.clear()
      date.append(to: &buffer)
      #expect(HTTPDate.parse(buffer.readable) == date)
    }
  }
}

private func string(_ bytes: Span<UInt8>) -> String {
  var text: [UInt8] = []
  for i in bytes.indices { text.append(bytes[i]) }
  return String(decoding: text, as: UTF8.self)
}
