/// One thing that is wrong, or doubtful, in a configuration file: where, what, and what would be
/// right.
///
/// ```
/// martlet.yaml:7:13: "least-conn" is not a strategy
///   strategy: least-conn
///             ^~~~~~~~~~
///   did you mean least_requests? Others: round_robin, hash
/// ```
public struct Diagnostic: Error, Hashable, Sendable {
  public enum Severity: Hashable, Sendable {
    /// The file gives no configuration.
    case error
    /// The file means something, though perhaps not what is wanted.
    case warning
  }

  public let severity: Severity
  public let fileName: String
  /// From 1; nil when the whole file is meant.
  public let line: Int?
  /// From 1, in characters.
  public let column: Int?
  /// What is wrong, without a full stop.
  public let problem: String
  /// The line in question.
  public let excerpt: Excerpt?
  /// What would be right, one line each.
  public let advice: [String]

  /// A diagnostic about a whole file.
  public init(_ severity: Severity, file: String, problem: String, advice: [String] = []) {
    self.severity = severity
    fileName = file
    line = nil
    column = nil
    self.problem = problem
    excerpt = nil
    self.advice = advice
  }

  init(
    _ severity: Severity, file: String, line: Int, column: Int, problem: String,
    excerpt: Excerpt?, advice: [String]
  ) {
    self.severity = severity
    fileName = file
    self.line = line
    self.column = column
    self.problem = problem
    self.excerpt = excerpt
    self.advice = advice
  }

  /// All of it, in lines, the last one not ended.
  ///
  /// - Parameter isColoured: with escape sequences for a terminal.
  public func text(isColoured: Bool = false) -> String {
    func paint(_ text: String, _ code: String) -> String {
      isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
    var place = fileName
    if let line { place += ":\(line)" }
    if let column { place += ":\(column)" }
    let accent = severity == .error ? "1;31" : "1;35"
    let label = severity == .error ? "" : paint("warning:", accent) + " "
    var lines = [paint("\(place):", "1") + " \(label)\(problem)"]
    if let excerpt {
      lines.append("  \(excerpt.text)")
      let indent = String(repeating: " ", count: excerpt.offset + 2)
      let tail = String(repeating: "~", count: max(excerpt.length - 1, 0))
      lines.append(indent + paint("^\(tail)", accent))
    }
    for line in advice { lines.append("  \(line)") }
    return lines.joined(separator: "\n")
  }
}

extension Diagnostic: CustomStringConvertible {
  public var description: String { text() }
}
