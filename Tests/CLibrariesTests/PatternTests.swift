import CLibraries
import Testing

struct PatternRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let pattern: String
  let subject: String
  let matches: Bool

  init(_ rule: String, _ pattern: String, _ subject: String, _ matches: Bool) {
    self.rule = rule
    self.pattern = pattern
    self.subject = subject
    self.matches = matches
  }

  var testDescription: String { "\(rule): \(pattern) on \(subject)" }
}

@Test(arguments: [
  PatternRow("found anywhere", "b", "abc", true),
  PatternRow("anchored", "^b", "abc", false),
  PatternRow("a dot is any byte", "^/files/.*.(htm|svg)", "/files/a.svg.png", true),
  PatternRow("a dot is no newline", "^a.b$", "a\nb", false),
  PatternRow("case matters", "\\.html$", "/a.HTML", false),
  PatternRow("case can be told not to matter", "(?i)\\.html$", "/a.HTML", true),
  PatternRow("empty subject", "^$", "", true),
  PatternRow("empty subject", "a", "", false),
  PatternRow("empty pattern", "", "x", true),
  PatternRow("NUL in a subject", "^a\\x00b$", "a\u{0}b", true),
  PatternRow("bytes, not characters", "^.$", "é", false),
  PatternRow("bytes, not characters", "^..$", "é", true),
  PatternRow("a dollar also stands before a last newline, as in nginx", "\\.svg$", "a.svg\n", true),
  PatternRow("lookbehind", "(?<!x)b", "ab", true),
])
func `a pattern matches as in nginx`(_ row: PatternRow) throws {
  var scratch = PatternScratch()
  let pattern = try Pattern(row.pattern)
  let got = pattern.matches(row.subject.utf8.span, &scratch)
  #expect(got == row.matches)
}

@Test func `case can be ignored by option`() throws {
  var scratch = PatternScratch()
  let pattern = try Pattern("\\.html$", caseInsensitive: true)
  let got = pattern.matches("/a.HTML".utf8.span, &scratch)
  #expect(got)
}

@Test(arguments: [
  ("a(b", PatternError(message: "missing closing parenthesis", offset: 3)),
  ("a)b", PatternError(message: "unmatched closing parenthesis", offset: 1)),
  ("*a", PatternError(message: "quantifier does not follow a repeatable item", offset: 0)),
  ("[a", PatternError(message: "missing terminating ] for character class", offset: 2)),
  ("(*UTF)a", PatternError(message: "using UTF is disabled by the application", offset: 6)),
])
func `a text that is no pattern says why and where`(text: String, error: PatternError) {
  #expect(throws: error) { try Pattern(text) }
}

@Test func `captures tell where groups were found`() throws {
  var scratch = PatternScratch()
  var captures = PatternCaptures()
  let pattern = try Pattern("^/(a)?(b+)/(.*)$")
  #expect(pattern.groupCount == 3)

  var outcome = pattern.match("/bb/rest".utf8.span, &scratch, captures: &captures)
  #expect(outcome == .matched)
  #expect(captures[0] == 0..<8)
  #expect(captures[1] == nil, "took no part")
  #expect(captures[2] == 1..<3)
  #expect(captures[3] == 4..<8)
  #expect(captures[4] == nil, "no such group")
  #expect(captures[-1] == nil && captures[10] == nil)

  outcome = pattern.match("/c/rest".utf8.span, &scratch, captures: &captures)
  #expect(outcome == .unmatched)
  #expect(captures[0] == nil, "nothing is left of the match before")
}

@Test func `a pattern with fewer groups does not see those of the pattern before`() throws {
  var scratch = PatternScratch()
  var captures = PatternCaptures()
  let two = try Pattern("(a)(b)")
  let none = try Pattern("a")
  _ = two.match("ab".utf8.span, &scratch, captures: &captures)
  #expect(captures[2] == 1..<2)
  _ = none.match("ab".utf8.span, &scratch, captures: &captures)
  #expect(captures[0] == 0..<1)
  #expect(captures[1] == nil && captures[2] == nil)
}

@Test func `groups beyond the ninth match but are not told`() throws {
  var scratch = PatternScratch()
  var captures = PatternCaptures()
  let pattern = try Pattern(String(repeating: "(.)", count: 12))
  let outcome = pattern.match("abcdefghijklm".utf8.span, &scratch, captures: &captures)
  #expect(outcome == .matched)
  #expect(captures[0] == 0..<12)
  #expect(captures[9] == 8..<9)
  #expect(captures[10] == nil)
}

@Test func `a subject that makes a pattern backtrack without end is given up`() throws {
  var scratch = PatternScratch()
  let pattern = try Pattern("^(a+)+$")
  let hostile = String(repeating: "a", count: 60) + "b"
  let outcome = pattern.match(hostile.utf8.span, &scratch)
  #expect(outcome == .gaveUp)
  let again = pattern.match("aaaa".utf8.span, &scratch)
  #expect(again == .matched, "the scratch is as good as before")
}

@Test func `a long subject is matched`() throws {
  var scratch = PatternScratch()
  let pattern = try Pattern("^/(?:[a-z]|[0-9])*\\.js$")
  let long = "/" + String(repeating: "a1", count: 16_000) + ".js"
  let outcome = pattern.match(long.utf8.span, &scratch)
  #expect(outcome == .matched)
}

@Test func `a set tries its patterns by number`() throws {
  var scratch = PatternScratch()
  var captures = PatternCaptures()
  let set = PatternSet([try Pattern("^/a/(.*)"), try Pattern("^/b")])
  #expect(set.count == 2 && set[1].text == "^/b")
  let first = set.match(0, "/a/x".utf8.span, &scratch, captures: &captures)
  #expect(first == .matched && captures[1] == 3..<4)
  let second = set.match(1, "/a/x".utf8.span, &scratch, captures: &captures)
  #expect(second == .unmatched && captures[0] == nil)
}
