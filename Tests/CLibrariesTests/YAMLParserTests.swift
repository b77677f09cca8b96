import CLibraries
import Testing

/// A tree as one line, to compare with what is meant.
private func line(_ node: YAMLNode?) -> String {
  guard let node else { return "nothing" }
  switch node.content {
  case .scalar(let text, .plain): return text
  case .scalar(let text, .singleQuoted): return "'\(text)'"
  case .scalar(let text, .doubleQuoted): return "\"\(text)\""
  case .scalar(let text, _): return "|\(text)|"
  case .sequence(let items): return "[" + items.map(line).joined(separator: ", ") + "]"
  case .mapping(let entries):
    return "{"
      + entries.map { "\($0.key): \(line($0.value))" }.joined(separator: ", ") + "}"
  }
}

private func failure(_ text: String) -> YAMLError? {
  do throws(YAMLError) {
    _ = try YAMLParser.parse(text)
    return nil
  } catch {
    return error
  }
}

struct YAMLParserTests {
  struct Row: Sendable {
    let rule: String
    let text: String
    let gives: String
  }

  @Test(arguments: [
    Row(rule: "block mapping", text: "a: 1\nb: two words\n", gives: "{a: 1, b: two words}"),
    Row(rule: "nothing but comments", text: "# a\n", gives: "nothing"),
    Row(rule: "nothing", text: "", gives: "nothing"),
    Row(rule: "flow in block", text: "a: [1, {b: c}]", gives: "{a: [1, {b: c}]}"),
    Row(rule: "an empty value", text: "a:\nb: ~", gives: "{a: , b: ~}"),
    Row(rule: "quotes are known", text: "a: 'x'\nb: \"y\\n\"", gives: "{a: 'x', b: \"y\n\"}"),
    Row(rule: "literal block", text: "a: |\n  x\n  y\n", gives: "{a: |x\ny\n|}"),
    Row(rule: "folded block", text: "a: >-\n  x\n  y\n", gives: "{a: |x y|}"),
    Row(rule: "alias", text: "a: &x [1]\nb: *x", gives: "{a: [1], b: [1]}"),
    Row(rule: "an anchor may be set anew", text: "[&x 1, *x, &x 2, *x]", gives: "[1, 1, 2, 2]"),
    Row(
      rule: "a merge gives way to own keys", text: "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}",
      gives: "{a: {k: 1, l: 2}, b: {k: 3, l: 2}}"),
    Row(
      rule: "of several merged the first wins", text: "<<: [{k: 1}, {k: 2, m: 3}]",
      gives: "{k: 1, m: 3}"),
    Row(rule: "a quoted << is a key", text: "'<<': 1", gives: "{<<: 1}"),
    Row(rule: "known tags", text: "a: !!str 8\nb: ! x", gives: "{a: 8, b: x}"),
    Row(rule: "byte order mark", text: "\u{FEFF}a: 1", gives: "{a: 1}"),
    Row(rule: "document markers", text: "---\na: 1\n...\n", gives: "{a: 1}"),
    Row(rule: "the first of two keys stays", text: "a: 1\na: 2", gives: "{a: 1}"),
  ])
  func `a text gives its tree`(_ row: Row) throws {
    #expect(try line(YAMLParser.parse(row.text).root) == row.gives, "\(row.rule)")
  }

  struct Refusal: Sendable {
    let rule: String
    let text: String
    let reason: YAMLError.Reason
    let line: Int
    let column: Int
  }

  @Test(arguments: [
    Refusal(
      rule: "a tab for indentation", text: "a:\n\tb: 1",
      reason: .syntax(
        problem: "found character that cannot start any token",
        context: "while scanning for the next token"), line: 2, column: 1),
    Refusal(
      rule: "a second colon", text: "a: b: c",
      reason: .syntax(problem: "mapping values are not allowed in this context", context: nil),
      line: 1, column: 5),
    Refusal(
      rule: "a control character", text: "a: é\u{1}",
      reason: .syntax(problem: "control characters are not allowed", context: nil), line: 1,
      column: 5),
    Refusal(
      rule: "two documents", text: "a: 1\n---\nb: 2", reason: .secondDocument, line: 2,
      column: 1),
    Refusal(
      rule: "an unknown alias", text: "a: *x", reason: .unknownAlias("x"), line: 1, column: 4),
    Refusal(
      rule: "an alias of itself", text: "a: &x [*x]", reason: .recursiveAlias("x"), line: 1,
      column: 8),
    Refusal(
      rule: "a list as a key", text: "? [a]\n: 1", reason: .keyIsNoScalar, line: 1, column: 3),
    Refusal(
      rule: "an alias of a list as a key", text: "- &x [a]\n- *x : 1", reason: .keyIsNoScalar,
      line: 2, column: 3),
    Refusal(
      rule: "a tag of one's own", text: "a: !secret x", reason: .unknownTag("!secret"), line: 1,
      column: 4),
    Refusal(rule: "a merged scalar", text: "<<: 1", reason: .badMerge, line: 1, column: 5),
  ])
  func `what is no YAML is refused with its place`(_ row: Refusal) {
    let expected = YAMLError(row.reason, at: YAMLMark(line: row.line, column: row.column))
    #expect(failure(row.text) == expected, "\(row.rule)")
  }

  @Test func `columns count characters, not bytes`() throws {
    let root = try #require(try YAMLParser.parse("ключ: [ä, b]\n").root)
    guard case .mapping(let entries) = root.content,
      case .sequence(let items) = entries[0].value.content
    else {
      Issue.record("not a mapping of a list")
      return
    }
    #expect(entries[0].keyRange.end == YAMLMark(line: 1, column: 5))
    #expect(items[1].range.start == YAMLMark(line: 1, column: 11))
    #expect(items[1].range.end == YAMLMark(line: 1, column: 12))
  }

  @Test func `a key that comes twice is reported with both places`() throws {
    let document = try YAMLParser.parse("a: 1\nb: 2\na: 3\n")
    let twice = try #require(document.duplicateKeys.first)
    #expect(document.duplicateKeys.count == 1)
    #expect(twice.key == "a")
    #expect(twice.first.start == YAMLMark(line: 1, column: 1))
    #expect(twice.range.start == YAMLMark(line: 3, column: 1))
  }

  @Test func `aliases of aliases are refused before they fill memory`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for i in 1...20 {
      text +=
        "a\(i): &a\(i) [\(Array(repeating: "*a\(i - 1)", count: 10).joined(separator: ","))]\n"
    }
    #expect(failure(text)?.reason == .tooManyNodes)
  }

  @Test func `aliases do not deepen a tree past the limit`() {
    var text = "a0: &a0 [x]\n"
    for i in 1...80 { text += "a\(i): &a\(i) [*a\(i - 1)]\n" }
    #expect(failure(text)?.reason == .tooDeep)
  }

  @Test func `nesting has a limit`() throws {
    let limit = YAMLParser.depthLimit
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(failure(nested(limit)) == nil)
    #expect(failure(nested(limit + 1))?.reason == .tooDeep)
  }

  @Test func `a text has a largest size`() {
    let longest = "#" + String(repeating: "x", count: YAMLParser.textBytesLimit - 1)
    #expect(failure(longest) == nil)
    #expect(failure(longest + "x")?.reason == .tooLarge)
  }

  @Test(.timeLimit(.minutes(1))) func `no text traps`() {
    let pieces = [
      "a", ":", " ", "\n", "- ", "[", "]", "{", "}", ",", "&x", "*x", "<<", "|", ">", "'", "\"",
      "#", "!", "%", "---\n", "? ", "\t", "é", "\u{0}", "\\", "  ", "~",
    ]
    var random = SplitMix(state: 7)
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        text += pieces.randomElement(using: &random) ?? ""
      }
      _ = failure(text)
    }
  }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
