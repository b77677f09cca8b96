import CLibraries

/// A line of a file without its indentation, and the part of it that is meant.
public struct Excerpt: Hashable, Sendable {
  public let text: String
  /// Where the part begins, in characters.
  public let offset: Int
  /// How long the part is, in characters; at least 1.
  public let length: Int

  /// What of a long line is shown.
  private static let lengthLimit = 100

  /// - Parameters:
  ///   - line: as it is in the file.
  ///   - column: from 1.
  init(line: String, column: Int, length: Int) {
    // A tab has no width of its own, and nothing in a file may reach a terminal as a command.
    let characters = line.unicodeScalars.map { scalar -> Unicode.Scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        scalar == "\t" ? " " : "\u{FFFD}"
      default: scalar
      }
    }
    let indent = characters.prefix { $0 == " " }.count
    var from = min(indent, max(column - 1, 0))
    var to = characters.count
    var lead = ""
    var end = ""
    let start = min(max(column - 1, from), to)
    if to - from > Excerpt.lengthLimit {
      let half = Excerpt.lengthLimit / 2
      if start - from > half {
        from = start - half
        lead = "…"
      }
      if to - from > Excerpt.lengthLimit {
        to = from + Excerpt.lengthLimit
        end = "…"
      }
    }
    var shown = String.UnicodeScalarView()
    shown.append(contentsOf: characters[from..<to])
    text = lead + String(shown) + end
    offset = start - from + lead.count
    self.length = max(1, min(length, to - start))
  }
}

/// The text of a file in lines, to show what a diagnostic is about.
struct SourceText: Sendable {
  let fileName: String
  private let lines: [Substring.UnicodeScalarView]

  init(_ text: String, fileName: String) {
    self.fileName = fileName
    lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.last == "\r" ? $0.dropLast() : $0 }
  }

  /// A line's text, counted from 1; empty beyond the last.
  func line(_ number: Int) -> Substring.UnicodeScalarView {
    lines.indices.contains(number - 1) ? lines[number - 1] : Substring.UnicodeScalarView()
  }

  /// What stands there, if it is on one line.
  func text(in range: YAMLRange) -> String? {
    guard range.start.line == range.end.line else { return nil }
    let line = line(range.start.line)
    guard range.start.column >= 1, range.end.column >= range.start.column,
      range.end.column - 1 <= line.count
    else { return nil }
    let part = line.dropFirst(range.start.column - 1).prefix(range.end.column - range.start.column)
    return String(part)
  }

  func diagnostic(
    _ severity: Diagnostic.Severity, at range: YAMLRange, _ problem: String, _ advice: [String]
  ) -> Diagnostic {
    // What ends on a later line is shown up to the end of its first.
    var line = line(range.start.line)
    while let last = line.last, last == " " { line.removeLast() }
    let end = range.end.line == range.start.line ? range.end.column : line.count + 1
    let excerpt =
      line.isEmpty
      ? nil
      : Excerpt(
        line: String(line), column: range.start.column, length: end - range.start.column)
    return Diagnostic(
      severity, file: fileName, line: range.start.line, column: range.start.column,
      problem: problem, excerpt: excerpt, advice: advice)
  }
}
