/// Writes a value as JSON (RFC 8259), indented, short lists of scalars on one line.
struct JSONWriter {
  private var text = ""

  static func text(_ value: Plain) -> String {
    var writer = JSONWriter()
    writer.write(value, indent: "")
    return writer.text + "\n"
  }

  private mutating func write(_ value: Plain, indent: String) {
    switch value {
    case .boolean(let flag): text += flag ? "true" : "false"
    case .integer(let number): text += String(number)
    case .string(let string): text += JSONWriter.quoted(string)
    case .list(let items):
      guard !items.isEmpty else {
        text += "[]"
        return
      }
      let isShort = items.allSatisfy(\.isScalar)
      text += isShort ? "[" : "[\n"
      for (i, item) in items.enumerated() {
        if i > 0 { text += isShort ? ", " : ",\n" }
        if !isShort { text += indent + "  " }
        write(item, indent: indent + "  ")
      }
      text += isShort ? "]" : "\n\(indent)]"
    case .map(let entries):
      guard !entries.isEmpty else {
        text += "{}"
        return
      }
      text += "{\n"
      for (i, entry) in entries.enumerated() {
        if i > 0 { text += ",\n" }
        text += "\(indent)  \(JSONWriter.quoted(entry.key)): "
        write(entry.value, indent: indent + "  ")
      }
      text += "\n\(indent)}"
    }
  }

  /// YAML reads the same text the same way (YAML 1.2 §5.7): its double quotes know these escapes.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\0"..<" ", "\u{7F}"..."\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}",
        "\u{FFFE}"..."\u{FFFF}":
        let digits = String(scalar.value, radix: 16, uppercase: true)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
