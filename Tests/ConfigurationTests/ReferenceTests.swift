import Testing

@testable import Configuration

/// The tables of docs/configuration.md, made from the declarations.
struct Reference {
  private var text = ""
  private var pending: [(path: String, keys: [KeyShape])] = []

  static func markdown() -> String {
    guard case .mapping(let keys) = Configuration.declaration.shape else { return "" }
    var reference = Reference()
    reference.write("The file", path: "", keys)
    return reference.text
  }

  /// The table of one mapping, and then those of its parts.
  private mutating func write(_ title: String, path: String, _ keys: [KeyShape]) {
    text += "### \(title)\n\n| key | takes | default | meaning |\n|---|---|---|---|\n"
    var parts: [(path: String, keys: [KeyShape])] = []
    for key in keys {
      let place = path.isEmpty ? key.name : "\(path).\(key.name)"
      let takes = takes(key.shape, path: place, &parts)
      let standard = key.isRequired ? "*required*" : key.standard.map(Reference.code) ?? "–"
      text += "| `\(key.name)` | \(takes) | \(standard) | \(Reference.cell(key.summary)) |\n"
    }
    for group in keys.compactMap(\.group).reduce(
      into: [KeyGroup](), { if !$0.contains($1) { $0.append($1) } })
    {
      let names = keys.filter { $0.group == group }.map { "`\($0.name)`" }
      let rule = group.isRequired ? "Exactly one" : "At most one"
      text += "\n\(rule) of \(Shape.alternatives(names)).\n"
    }
    text += "\n"
    for part in parts { write("`\(part.path)`", path: part.path, part.keys) }
  }

  private func takes(
    _ shape: Shape, path: String, _ parts: inout [(path: String, keys: [KeyShape])]
  ) -> String {
    switch shape {
    case .boolean: return "`true`, `false`"
    case .integer(let range, let words):
      let number =
        range.upperBound == .max
        ? "from \(range.lowerBound)" : "\(range.lowerBound) … \(range.upperBound)"
      return (words.map { "`\($0)`" } + [number]).joined(separator: ", ")
    case .size(let range): return "size, \(Shape.sizes(range))"
    case .duration(let range): return "duration, \(Shape.durations(range))"
    case .percent(let range): return "\(range.lowerBound)% … \(range.upperBound)%"
    case .words(let words): return words.map { "`\($0)`" }.joined(separator: ", ")
    case .text(let noun, _, let examples):
      let shown = examples.map { "`\($0)`" }.joined(separator: ", ")
      return Reference.cell(examples.isEmpty ? noun : "\(noun): \(shown)")
    case .mapping(let keys):
      parts.append((path, keys))
      let anchor = path.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "_" }
      return "[keys](#\(anchor))"
    case .list(let item, let takesCommas):
      let one = takes(item, path: path, &parts)
      return one + (takesCommas ? "; or several, also with commas" : "; or a list")
    case .dictionary(let keyNoun, _, let value):
      var isMapping = false
      if case .mapping = value { isMapping = true }
      let inner = takes(value, path: isMapping ? "\(path).NAME" : path, &parts)
      return "\(keyNoun) with \(inner)"
    case .anyOf(let shapes):
      return shapes.map { takes($0, path: path, &parts) }.joined(separator: "; or ")
    }
  }

  private static func code(_ value: Plain) -> String {
    switch value {
    case .list(let items) where items.isEmpty: return "none"
    case .list(let items): return items.map(code).joined(separator: ", ")
    case .map(let entries): return entries.isEmpty ? "none" : "see there"
    case .string(let text): return text.isEmpty ? "empty" : "`\(text)`"
    case .integer(let number): return "`\(number)`"
    case .boolean(let flag): return "`\(flag)`"
    }
  }

  private static func cell(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}

struct ReferenceTests {
  private static let begin = "<!-- The tables below are made from the declarations: "
  private static let end = "<!-- The tables end here. -->"

  @Test func `the tables of the documentation are those of the reader`() throws {
    let path = "\(Files.repository)/docs/configuration.md"
    let text = try #require(Files.read(path))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let first = try #require(lines.firstIndex { $0.hasPrefix(ReferenceTests.begin) })
    let last = try #require(lines.lastIndex { $0 == ReferenceTests.end })
    let expected =
      (lines[...first] + ["", Reference.markdown()[...].dropLast() + ""] + lines[last...])
      .joined(separator: "\n")
    if Files.areUpdated { Files.write(expected, to: path) }
    let isCurrent = Files.read(path) == expected
    #expect(isCurrent, "run: UPDATE_EXPECTED=1 swift test --filter ConfigurationTests")
  }

  /// What a reader copies out of the documentation is right.
  @Test func `every example of the documentation is a configuration`() throws {
    let text = try #require(Files.read("\(Files.repository)/docs/configuration.md"))
    var examples: [String] = []
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == "```yaml" {
        isInside = true
        examples.append("")
      } else if line == "```" {
        isInside = false
      } else if isInside {
        examples[examples.count - 1] += line + "\n"
      }
    }
    #expect(!examples.isEmpty)
    for example in examples {
      let (configuration, diagnostics) = read(example, files: ["/run/secrets/token": "x"])
      #expect(configuration != nil, "\(diagnostics)")
    }
  }
}
