import CLibraries

/// Why a file could not be read.
public struct ReadFailure: Error, Equatable, Sendable {
  /// In words: `no such file`.
  public let reason: String

  public init(_ reason: String) {
    self.reason = reason
  }
}

/// What reading a file knows and collects: where it is, what was wrong, what was where.
struct Reading {
  typealias ReadFile = (String) -> Result<String, ReadFailure>

  let source: SourceText
  let environment: [String: String]
  let readFile: ReadFile
  var secrets = Secrets()
  private(set) var diagnostics: [Diagnostic] = []
  private var reported: Set<Diagnostic> = []

  /// The keys, and the indices of lists, that lead to what is being read.
  private(set) var path: [String] = []
  private var ranges: [[String]: YAMLRange] = [:]
  private var keyRanges: [[String]: YAMLRange] = [:]
  private var broken: Set<[String]> = []

  init(source: SourceText, environment: [String: String], readFile: @escaping ReadFile) {
    self.source = source
    self.environment = environment
    self.readFile = readFile
  }

  // MARK: Where it is

  mutating func enter(_ step: String, at range: YAMLRange, key: YAMLRange? = nil) {
    path.append(step)
    ranges[path] = range
    keyRanges[path] = key
  }

  mutating func leave() {
    path.removeLast()
  }

  var isAtTop: Bool { path.isEmpty }

  /// Where the key stands whose value is being read; nil for an item of a list.
  var keyRange: YAMLRange? { keyRanges[path] }

  /// What is being read, for a message: the key, or whose item it is.
  var subject: String { subject(of: path) }

  func subject(of path: [String]) -> String {
    guard let last = path.last else { return "the file" }
    let parent = path.dropLast()
    if Int(last) != nil, let list = parent.last {
      return list == "routes" ? "this route" : "this item of \(list)"
    }
    if parent == ["pools"] { return "the pool \(last)" }
    return last
  }

  /// Where something stands that was read, or what it is a part of.
  func range(of path: [String]) -> YAMLRange? {
    var path = path
    while true {
      if let range = ranges[path] { return range }
      guard path.popLast() != nil else { return nil }
    }
  }

  func has(_ path: [String]) -> Bool { ranges[path] != nil }

  /// Nothing was wrong with the value at this path itself.
  func isSound(_ path: [String]) -> Bool { !broken.contains(path) }

  /// Nothing was wrong with the value at this path or any part of it.
  func isWhole(_ path: [String]) -> Bool { !broken.contains { $0.starts(with: path) } }

  // MARK: What is wrong

  mutating func report(_ range: YAMLRange, _ problem: String, _ advice: [String] = []) {
    broken.insert(path)
    add(source.diagnostic(.error, at: range, problem, advice))
  }

  mutating func report(_ text: Text, _ complaint: Complaint) {
    report(
      range(of: complaint.part, in: text), "\(text.quoted) \(complaint.problem)",
      complaint.advice)
  }

  /// About what was read before, and is wrong together with something else.
  mutating func report(
    _ severity: Diagnostic.Severity = .error, at path: [String], _ problem: String,
    _ advice: [String] = []
  ) {
    let start = YAMLMark(line: 1, column: 1)
    let range = range(of: path) ?? YAMLRange(start: start, end: start)
    add(source.diagnostic(severity, at: range, problem, advice))
  }

  /// The same, about the key and not its value.
  mutating func report(
    _ severity: Diagnostic.Severity = .error, atKey path: [String], _ problem: String,
    _ advice: [String] = []
  ) {
    guard let range = keyRanges[path] else {
      report(severity, at: path, problem, advice)
      return
    }
    add(source.diagnostic(severity, at: range, problem, advice))
  }

  /// An alias is read as often as it stands somewhere, and says the same each time.
  private mutating func add(_ diagnostic: Diagnostic) {
    if reported.insert(diagnostic).inserted { diagnostics.append(diagnostic) }
  }

  /// Where a part of a text stands, if the file has it letter for letter; else all of it.
  func range(of part: Range<Int>?, in text: Text) -> YAMLRange {
    guard let part, text.value == text.raw, let column = firstColumn(of: text) else {
      return text.range
    }
    let line = text.range.start.line
    return YAMLRange(
      start: YAMLMark(line: line, column: column + part.lowerBound),
      end: YAMLMark(line: line, column: column + max(part.upperBound, part.lowerBound + 1)))
  }

  /// Where the letters of a scalar begin that stands on one line, without any escapes in it.
  func firstColumn(of text: Text) -> Int? {
    let quote = text.style == .singleQuoted || text.style == .doubleQuoted ? 1 : 0
    let inner = YAMLRange(
      start: YAMLMark(
        line: text.range.start.line, column: text.range.start.column + quote),
      end: YAMLMark(line: text.range.end.line, column: text.range.end.column - quote))
    return source.text(in: inner) == text.raw ? inner.start.column : nil
  }

  /// In quotes, on one line, not too long.
  static func quoted(_ text: String) -> String {
    let limit = 60
    var shown = ""
    for scalar in text.unicodeScalars.prefix(limit) {
      switch scalar {
      case "\n": shown += "\\n"
      case "\r": shown += "\\r"
      case "\t": shown += "\\t"
      default:
        switch scalar.properties.generalCategory {
        // Nothing in a file may reach a terminal as a command.
        case .control, .format, .lineSeparator, .paragraphSeparator: shown += "\u{FFFD}"
        default: shown.unicodeScalars.append(scalar)
        }
      }
    }
    return text.unicodeScalars.count <= limit ? "\"\(shown)\"" : "\"\(shown)…\""
  }
}
