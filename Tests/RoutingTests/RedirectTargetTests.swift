import CLibraries
import Memory
import Routing
import Testing

struct RedirectRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let to: String
  var path = "/"
  var query = ""
  var pattern = ""
  let gives: String

  var testDescription: String { "\(rule): \(to)" }
}

@Test(arguments: [
  RedirectRow(rule: "a path", to: "/new", path: "/old", gives: "/new"),
  RedirectRow(
    rule: "the query goes along", to: "/new", query: "a=1&b=%2F", gives: "/new?a=1&b=%2F"),
  RedirectRow(rule: "unless there is one", to: "/new?x=1", query: "a=1", gives: "/new?x=1"),
  RedirectRow(rule: "or it is placed", to: "/new?x=1&{query}", query: "a=1", gives: "/new?x=1&a=1"),
  RedirectRow(
    rule: "path", to: "https://{host}{path}", path: "/a b/é", query: "q",
    gives: "https://erp.test/a%20b/%C3%A9?q"),
  RedirectRow(
    rule: "port", to: "https://{host}:8443{path}", path: "/a", gives: "https://erp.test:8443/a"),
  RedirectRow(
    rule: "another site", to: "https://www.example.com/x{path}", path: "/a",
    gives: "https://www.example.com/x/a"),
  RedirectRow(rule: "group", to: "{1}", path: "", gives: "error"),
  RedirectRow(rule: "group", to: "/{1}", path: "/app/", pattern: "^/(.+)/$", gives: "/app"),
  RedirectRow(
    rule: "group that took no part", to: "/x{2}", path: "/app", pattern: "^/(.+)$", gives: "/x"),
  RedirectRow(
    rule: "group in a query", to: "/login?to={1}", path: "/a&b=c/é?", pattern: "^(.*)$",
    gives: "/login?to=/a%26b%3Dc/%C3%A9%3F"),
  RedirectRow(
    rule: "no CR and LF", to: "/x{path}", path: "/\r\nSet-Cookie: a=b",
    gives: "/x/%0D%0ASet-Cookie:%20a=b"),
  RedirectRow(rule: "no CR and LF in a query", to: "/x", query: "a\r\nb", gives: "/x?a%0D%0Ab"),
  RedirectRow(
    rule: "a percent sign in a path is data", to: "{path}", path: "/100%", gives: "/100%25"),
  RedirectRow(
    rule: "a question mark in a path is data", to: "{path}", path: "/a?b#c", gives: "/a%3Fb%23c"),
  RedirectRow(
    rule: "not to another site by a group", to: "/{1}", path: "/x//evil.test", pattern: "^/x/(.*)$",
    gives: "/evil.test"),
  RedirectRow(
    rule: "not to another site by a path", to: "{path}", path: "//evil.test", gives: "/evil.test"),
  RedirectRow(
    rule: "not to another site by both", to: "{path}/{1}", path: "/", pattern: "^(/)$", gives: "/"),
  RedirectRow(
    rule: "not to another site by a backslash", to: "/{1}", path: "/\\evil.test",
    pattern: "^/(.*)$", gives: "/%5Cevil.test"),
  RedirectRow(rule: "two slashes further on are two", to: "/a{path}", path: "//b", gives: "/a//b"),
  RedirectRow(
    rule: "site without scheme", to: "//cdn.test{path}", path: "/b", gives: "//cdn.test/b"),
])
func `a redirect target is filled in safely`(_ row: RedirectRow) throws {
  guard let target = try? RedirectTarget(row.to) else {
    #expect(row.gives == "error")
    return
  }
  var scratch = PatternScratch()
  var captures = PatternCaptures()
  _ = try Pattern(row.pattern).match(row.path.utf8.span, &scratch, captures: &captures)
  var output = ByteBuffer(capacity: 256)
  output.append("Location: ")
  let fits = target.write(
    into: &output, path: row.path.utf8.span, query: row.query.utf8.span,
    host: "erp.test".utf8.span, captures: captures)
  #expect(fits)
  #expect(text(output) == "Location: " + row.gives, "\(row.rule)")
}

@Test(arguments: [
  ("", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("new", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("{1}/x", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("javascript:alert(1)", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("https://", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("https:///x", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("///x", RedirectTargetError(.neitherPathNorURL, at: 0)),
  ("https://{path}", RedirectTargetError(.placeholderInHost, at: 8)),
  ("https://{1}/", RedirectTargetError(.placeholderInHost, at: 8)),
  ("https://example.com{1}", RedirectTargetError(.placeholderInHost, at: 19)),
  ("https://example.com{query}", RedirectTargetError(.placeholderInHost, at: 19)),
  ("/a b", RedirectTargetError(.badByte, at: 2)),
  ("/a\r\nb", RedirectTargetError(.badByte, at: 2)),
  ("/a\\b", RedirectTargetError(.badByte, at: 2)),
  ("/a}b", RedirectTargetError(.badByte, at: 2)),
  ("/é", RedirectTargetError(.badByte, at: 1)),
  ("/{path", RedirectTargetError(.unclosedBrace, at: 1)),
  ("/{uri}", RedirectTargetError(.unknownPlaceholder, at: 1)),
  ("/{10}", RedirectTargetError(.unknownPlaceholder, at: 1)),
  ("/{}", RedirectTargetError(.unknownPlaceholder, at: 1)),
])
func `a text that is no redirect target says why and where`(
  to: String, error: RedirectTargetError
) {
  #expect(throws: error) { try RedirectTarget(to) }
}

@Test func `what does not fit is not written in part`() throws {
  let target = try RedirectTarget("/new{path}")
  let captures = PatternCaptures()
  for capacity in 4...14 {
    var output = ByteBuffer(capacity: capacity)
    output.append("abc")
    let fits = target.write(
      into: &output, path: "/ é".utf8.span, query: "".utf8.span, host: "".utf8.span,
      captures: captures)
    #expect(!fits)
    #expect(text(output) == "abc")
  }
}

private func text(_ buffer: borrowing ByteBuffer) -> String {
  let bytes = buffer.readable
  return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
}
