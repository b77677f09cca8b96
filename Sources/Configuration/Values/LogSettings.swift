/// What is written down, and where.
public struct LogSettings: Equatable, Sendable {
  /// Where the line of each request goes. nginx: `access_log`.
  public enum Access: Equatable, Sendable {
    case stdout, stderr, off
    /// Appended to; opened again on SIGHUP.
    case path(String)
  }

  /// From which severity on messages of the process itself go to stderr. nginx: `error_log`.
  public enum Level: String, CaseIterable, Equatable, Sendable {
    case trace, debug, info, notice, warning, error, critical
  }

  public var access = Access.stdout
  public var level = Level.info

  public init() {}
}

extension LogSettings {
  static let declaration = Declaration(blank: LogSettings()) {
    Key(
      "access", \.access, .access, synonyms: ["access_log"],
      "Where each request leaves its line of JSON: stdout, stderr, the path of a file, or off.")
    Key(
      "level", \.level, .words("a level", synonyms: ["warn": "warning", "err": "error"]),
      synonyms: ["error_log", "severity"],
      "From which severity on messages of the process go to stderr.")
  }
}

extension Codec where Value == LogSettings.Access {
  fileprivate static var access: Codec {
    let words: KeyValuePairs<String, LogSettings.Access> = [
      "stdout": .stdout, "stderr": .stderr, "off": .off,
    ]
    let names = words.map(\.key)
    return Codec(
      .anyOf([.words(names), Codec<String>.filePath.shape]),
      parse: { text throws(Complaint) in
        if text.hasPrefix("/") { return .path(text) }
        guard let match = words.first(where: { $0.key == text }) else {
          throw Complaint(
            "is not where an access log can go",
            Suggestion.advice(for: text, among: names + ["/a/path"]))
        }
        return match.value
      },
      write: { access in
        if case .path(let path) = access { return .string(path) }
        return words.first { $0.value == access }.map { .string($0.key) }
      })
  }
}
