import HTTP
import Testing

@Suite struct GzipRuleTests {
  static let rule = GzipRule(types: ["application/json", "Text/CSS"], minimumLength: 256)

  struct Row: Sendable, CustomTestStringConvertible {
    let rule: String
    let status: Int
    let fields: String
    let isEligible: Bool

    init(_ rule: String, _ fields: String, _ isEligible: Bool) {
      self.init(rule, 200, fields, isEligible)
    }

    init(_ rule: String, _ status: Int, _ fields: String, _ isEligible: Bool) {
      self.rule = rule
      self.status = status
      self.fields = fields
      self.isEligible = isEligible
    }

    var testDescription: String { rule }
  }

  /// All but the last two rows of types were compared with nginx 1.22.1.
  @Test(arguments: [
    Row("200", "Content-Type: text/html\r\n", true),
    Row("403", 403, "Content-Type: text/html\r\n", true),
    Row("404", 404, "Content-Type: text/html\r\n", true),
    Row("no other success", 201, "Content-Type: text/html\r\n", false),
    Row("no part", 206, "Content-Type: text/html\r\nContent-Range: bytes 0-1/2\r\n", false),
    Row("no redirect", 302, "Content-Type: text/html\r\n", false),
    Row("no 304", 304, "Content-Type: text/html\r\n", false),
    Row("no failure", 500, "Content-Type: text/html\r\n", false),
    Row("gzip_types: listed", "Content-Type: application/json\r\n", true),
    Row("gzip_types: not listed", "Content-Type: image/png\r\n", false),
    Row("gzip_types: none", "X: y\r\n", false),
    Row("gzip_types: empty", "Content-Type: \r\n", false),
    Row("gzip_types: parameters", "Content-Type: text/html; charset=utf-8\r\n", true),
    Row("gzip_types: case", "Content-Type: Application/JSON;charset=utf-8\r\n", true),
    Row("gzip_types: case of the list", "Content-Type: text/css\r\n", true),
    Row("gzip_types: a longer one", "Content-Type: text/html5\r\n", false),
    Row("gzip_types: a shorter one", "Content-Type: text/htm\r\n", false),
    Row("RFC 9110 §8.3.1: OWS before ;", "Content-Type: text/html ; charset=x\r\n", true),
    Row("a semicolon alone is no type", "Content-Type: ;\r\n", false),
    Row("gzip_min_length", "Content-Type: text/html\r\nContent-Length: 256\r\n", true),
    Row("shorter", "Content-Type: text/html\r\nContent-Length: 255\r\n", false),
    Row("empty", "Content-Type: text/html\r\nContent-Length: 0\r\n", false),
    Row("coded", "Content-Type: text/html\r\nContent-Encoding: br\r\n", false),
    Row("coded: identity too", "Content-Type: text/html\r\nContent-Encoding: identity\r\n", false),
    Row("coded: empty is not", "Content-Type: text/html\r\nContent-Encoding: \r\n", true),
    Row("no-transform", "Content-Type: text/html\r\nCache-Control: no-transform\r\n", true),
  ])
  func `an answer is eligible by status, type, length and coding`(_ row: Row) throws {
    let text = "HTTP/1.1 \(row.status) x\r\n\(row.fields)\r\n"
    var head = ResponseHead()
    let isWhole = try head.parse(text.utf8.span, limits: .init(), requestMethod: .head)
    #expect(isWhole)
    let isEligible = Self.rule.isEligible(head, in: text.utf8.span)
    #expect(isEligible == row.isEligible)
  }

  @Test(arguments: [
    ("HTTP/1.1", "Accept-Encoding: gzip\r\n", true),
    ("HTTP/1.1", "Accept-Encoding: br, gzip;q=0.5\r\nVia: 1.1 x\r\n", true),
    ("HTTP/1.1", "Accept-Encoding: gzip;q=0\r\n", false),
    ("HTTP/1.1", "Accept-Encoding: *\r\n", false),
    ("HTTP/1.1", "", false),
    ("HTTP/1.0", "Accept-Encoding: gzip\r\n", false),
  ])
  func `gzip goes to who speaks HTTP/1.1 and accepts it`(
    _ version: String, _ fields: String, _ isTaken: Bool
  ) throws {
    let text = "GET / \(version)\r\nHost: a\r\n\(fields)\r\n"
    var head = RequestHead()
    let isWhole = try head.parse(text.utf8.span, limits: .init())
    #expect(isWhole)
    let got = GzipRule.isTaken(by: head, in: text.utf8.span)
    #expect(got == isTaken)
  }

  @Test(arguments: [
    ("", false), ("Vary: Cookie\r\n", false), ("Vary: accept-encoding\r\n", true),
    ("Vary: Cookie, Accept-Encoding\r\n", true), ("Vary: *\r\n", true),
    ("Vary: Cookie\r\nVary: Accept-Encoding\r\n", true), ("Vary: Accept\r\n", false),
  ])
  func `a Vary that names Accept-Encoding is enough`(_ fields: String, _ isVaried: Bool) throws {
    let text = "HTTP/1.1 200 OK\r\n\(fields)\r\n"
    var head = ResponseHead()
    let isWhole = try head.parse(text.utf8.span, limits: .init(), requestMethod: .get)
    #expect(isWhole)
    let got = GzipRule.isVaried(head.fields, in: text.utf8.span)
    #expect(got == isVaried)
  }

  /// Compared with nginx 1.22.1.
  @Test(
    arguments: [
      (#""a""#, #"W/"a""#), (#"W/"a""#, #"W/"a""#), ("a", nil), ("", nil), (#"""#, #"W/""#),
      ("W/", nil), ("W/a", "W/a"),
    ] as [(String, String?)])
  func `a tag becomes weak, and what is none is left out`(_ tag: String, _ weak: String?) {
    #expect(EntityTag.weakPrefix(for: tag.utf8.span).map { "\($0)\(tag)" } == weak)
  }
}
