import HTTP
import Memory
import Testing

@testable import Proxy

struct AccessLogTests {
  @Test(
    arguments: [
      ("", ""), ("/", "/"), ("/a/b?c=d&e=%20'~{}<>", "/a/b?c=d&e=%20'~{}<>"),
      ("\"", "\\u0022"), ("\\", "\\u005c"), ("\\\"", "\\u005c\\u0022"),
      ("\"},{\"a\":\"b", "\\u0022},{\\u0022a\\u0022:\\u0022b"),
      ("\r\n\t\0\u{1f}\u{7f}", "\\u000d\\u000a\\u0009\\u0000\\u001f\\u007f"),
      ("é", "\\u00c3\\u00a9"), ("\u{2028}", "\\u00e2\\u0080\\u00a8"),
      ("a quote at 15: \"", "a quote at 15: \\u0022"), ("1234567\"9", "1234567\\u00229"),
      ("12345678\"", "12345678\\u0022"), ("\"12345678", "\\u002212345678"),
    ] as [(String, String)])
  func `a client's text stays within its quotes`(text: String, expected: String) {
    #expect(escaped("<\(text)>", 1..<1 + text.utf8.count) == expected)
  }

  @Test func `no more than the limit is read of a text`() {
    #expect(escaped("abc\"d", 0..<5, limit: 3) == "abc")
    #expect(escaped("abc\"d", 0..<5, limit: 4) == "abc\\u0022")
  }

  @Test func `a text of nothing but escapes is cut between two of them`() {
    let text = escaped(String(repeating: "\"", count: 4096), 0..<4096)
    #expect(text == String(repeating: "\\u0022", count: (14 << 10) / 6))
  }

  @Test func `a member without a value is left out`() {
    var line = ByteBuffer(capacity: 32)
    line.append(",\"a\":\"", "b".utf8.span, Slice(0..<1))
    line.append(",\"c\":\"", "d".utf8.span, .empty)
    let text = read(line)
    #expect(text == ",\"a\":\"b\"")
  }

  private func escaped(_ text: String, _ range: Range<Int>, limit: Int = 4096) -> String {
    var line = ByteBuffer(capacity: 16 << 10)
    let bytes = Array(text.utf8)
    line.append(escaped: bytes.span, Slice(range), limit: limit)
    return read(line)
  }

  private func read(_ line: borrowing ByteBuffer) -> String {
    let bytes = line.readable
    return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
  }
}
