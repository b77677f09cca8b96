/// A place in a YAML text, as an editor counts: both from 1, columns in characters.
public struct YAMLMark: Comparable, Hashable, Sendable {
  public var line: Int
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  public static func < (a: YAMLMark, b: YAMLMark) -> Bool {
    (a.line, a.column) < (b.line, b.column)
  }
}

/// From the first character of something to the one after its last.
public struct YAMLRange: Hashable, Sendable {
  public var start: YAMLMark
  public var end: YAMLMark

  public init(start: YAMLMark, end: YAMLMark) {
    self.start = start
    self.end = end
  }
}

/// A value in a YAML text with its place. What an alias stands for has the place of its anchor.
public struct YAMLNode: Equatable, Sendable {
  public enum Style: Equatable, Sendable {
    case plain, singleQuoted, doubleQuoted, literal, folded
  }

  /// One `key: value` of a mapping. Keys are scalars and appear once.
  public struct Entry: Equatable, Sendable {
    public let key: String
    public let keyRange: YAMLRange
    public let value: YAMLNode

    public init(key: String, keyRange: YAMLRange, value: YAMLNode) {
      self.key = key
      self.keyRange = keyRange
      self.value = value
    }
  }

  public enum Content: Equatable, Sendable {
    case scalar(String, Style)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  public let content: Content
  public let range: YAMLRange

  public init(_ content: Content, range: YAMLRange) {
    self.content = content
    self.range = range
  }

  /// Nothing, `~` or `null`, without quotes.
  public var isNull: Bool {
    guard case .scalar(let text, .plain) = content else { return false }
    return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
  }
}

/// What one YAML text says.
public struct YAMLDocument: Equatable, Sendable {
  /// A key that its mapping already had; its value is dropped, the first one stays.
  public struct DuplicateKey: Equatable, Sendable {
    public let key: String
    public let range: YAMLRange
    public let first: YAMLRange
  }

  /// Nil when the text has nothing but comments.
  public let root: YAMLNode?
  public let duplicateKeys: [DuplicateKey]
}
