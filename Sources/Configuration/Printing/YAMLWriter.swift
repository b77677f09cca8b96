/// Writes a value as YAML: blocks, and lists of scalars on one line.
struct YAMLWriter {
  private var text = ""

  static func text(_ value: Plain) -> String {
    var writer = YAMLWriter()
    switch value {
    case .map(let entries) where !entries.isEmpty: writer.write(entries, indent: "")
    default: writer.writeValue(value, indent: "")
    }
    return writer.text
  }

  /// - Parameter isFirstIndented: false for an item of a list, whose first key follows the dash.
  private mutating func write(
    _ entries: [Plain.Entry], indent: String, isFirstIndented: Bool = true
  ) {
    for (i, entry) in entries.enumerated() {
      if i > 0 || isFirstIndented { text += indent }
      text += "\(YAMLWriter.scalar(entry.key, isInFlow: false)):"
      writeValue(entry.value, indent: indent)
    }
  }

  /// What follows a key and its colon.
  private mutating func writeValue(_ value: Plain, indent: String) {
    switch value {
    case .map(let entries) where !entries.isEmpty:
      text += "\n"
      write(entries, indent: indent + "  ")
    case .list(let items) where !items.allSatisfy(\.isScalar):
      text += "\n"
      for item in items {
        text += indent + "  - "
        if case .map(let entries) = item, !entries.isEmpty {
          write(entries, indent: indent + "    ", isFirstIndented: false)
        } else {
          text += YAMLWriter.flow(item) + "\n"
        }
      }
    default:
      text += " " + YAMLWriter.flow(value, isInFlow: false) + "\n"
    }
  }

  private static func flow(_ value: Plain, isInFlow: Bool = true) -> String {
    switch value {
    case .boolean(let flag): flag ? "true" : "false"
    case .integer(let number): String(number)
    case .string(let string): scalar(string, isInFlow: isInFlow)
    case .list(let items): "[" + items.map { flow($0) }.joined(separator: ", ") + "]"
    case .map(let entries):
      "{"
        + entries.map { "\(scalar($0.key, isInFlow: true)): \(flow($0.value))" }
        .joined(separator: ", ") + "}"
    }
  }

  /// A text as a plain scalar, or in quotes where it would be read as something else.
  private static func scalar(_ text: String, isInFlow: Bool) -> String {
    isPlain(text, isInFlow: isInFlow) ? text : JSONWriter.quoted(text)
  }

  private static func isPlain(_ text: String, isInFlow: Bool) -> Bool {
    let scalars = text.unicodeScalars
    guard let first = scalars.first, let last = scalars.last else { return false }
    // Words and numbers that are no text to other readers.
    let words = ["~", "null", "true", "false", "<<", "...", ".inf", ".nan"]
    guard !words.contains(Suggestion.folded(text)), !looksLikeNumber(text) else { return false }
    guard !"-?:,[]{}#&*!|>'\"%@`= ".unicodeScalars.contains(first), last != " ", last != ":"
    else { return false }
    var previous: Unicode.Scalar = "x"
    for scalar in scalars {
      switch scalar {
      case " " where previous == ":": return false
      case "#" where previous == " ": return false
      case ",", "[", "]", "{", "}": if isInFlow { return false }
      case " "..."~": break
      default: return false
      }
      previous = scalar
    }
    return true
  }

  /// A number, a time of day or a date to some reader of YAML.
  private static func looksLikeNumber(_ text: String) -> Bool {
    let isDigits = { (part: Substring) in !part.isEmpty && part.allSatisfy(\.isWholeNumber) }
    return Double(text.filter { $0 != "_" }) != nil
      || text.hasPrefix("0o") || text.hasPrefix("0b")
      || text.split(separator: ":", omittingEmptySubsequences: false).allSatisfy(isDigits)
      || (text.split(separator: "-").count == 3 && text.split(separator: "-").allSatisfy(isDigits))
  }
}
