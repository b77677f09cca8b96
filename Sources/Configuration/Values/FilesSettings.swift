/// Static files from disk.
public struct FilesSettings: Equatable, Sendable {
  /// Where paths lead.
  public enum Base: Equatable, Sendable {
    /// The whole path is appended. nginx: `root`.
    case root(String)
    /// What follows the route's prefix is appended. nginx: `alias`.
    case alias(String)
  }

  /// What precompressed siblings are looked for.
  public enum Encoding: String, CaseIterable, Equatable, Sendable {
    /// `.br`
    case br
    /// `.gz`
    case gzip
  }

  public var base: Base

  /// What is looked for, first come first served; `{path}` is the normalised path, and one other
  /// variable may stand beside it. nginx: `try_files`.
  public var candidates = ["{path}"]

  /// The route that answers when there is no such file; nil answers 404.
  ///
  /// nginx: `try_files … @name`.
  public var fallback: String?

  /// Symbolic links are followed, out of the root, too. nginx: `disable_symlinks`.
  public var followsSymlinks = true

  /// In the order of preference; empty is none. nginx: `gzip_static`.
  public var precompressed: [Encoding] = []

  /// The first whose pattern the path matches gives Cache-Control.
  public var cacheControl: [CacheControlRule] = []

  /// Media types by file name extension (without dot, lower case), before the built-in ones.
  ///
  /// nginx: `types`.
  public var mediaTypes: [String: String] = [:]

  public init(_ base: Base) {
    self.base = base
  }

  /// The one variable that stands beside `{path}` among the candidates.
  public var variable: Variable? { variables.first }

  /// All that do, of which the configuration's checks allow one.
  var variables: [Variable] {
    candidates.compactMap { try? Template(parsing: $0) }.flatMap(\.variables)
      .filter { $0 != .named("path") }
  }
}

/// Cache-Control for files whose path matches a pattern.
public struct CacheControlRule: Equatable, Sendable {
  /// PCRE over the normalised path; nil is every path.
  public var pattern: String?
  public var value: String

  public init(pattern: String?, value: String) {
    self.pattern = pattern
    self.value = value
  }
}

extension FilesSettings {
  static let group = KeyGroup(noun: "directory", article: "a", isRequired: true)
  static let declaration = Declaration(blank: FilesSettings(.root("/"))) {
    Key(
      "root", \.base, .filePath, in: group, wrap: Base.root,
      unwrap: { if case .root(let path) = $0 { path } else { nil } },
      synonyms: ["directory", "path"], "A directory; the whole path is appended.")
    Key(
      "alias", \.base, .filePath, in: group, wrap: Base.alias,
      unwrap: { if case .alias(let path) = $0 { path } else { nil } },
      "A directory; what follows the route's prefix is appended.")
    Key(
      "try", \.candidates, .list(of: .candidate), synonyms: ["try_files", "index"],
      "What is looked for, first come first served. {path} is the path; one other variable may "
        + "stand beside it, such as {host}, whose value is the name of one directory.")
    Key(
      "fallback", \.fallback, Codec<String>.name("the name of a route").optional,
      synonyms: ["else", "otherwise"],
      "The route that answers when there is no such file; without it, 404.")
    Key(
      "follow_symlinks", \.followsSymlinks, .boolean, synonyms: ["disable_symlinks", "symlinks"],
      "Symbolic links are followed, out of the directory, too.")
    Key(
      "precompressed", \.precompressed,
      .list(
        of: .words("an encoding", synonyms: ["gz": "gzip", "brotli": "br"]), isEmptyAllowed: true),
      synonyms: ["gzip_static", "compressed"],
      "Which siblings (.br, .gz) are sent to who takes them, in the order of preference.")
    Key(
      "cache_control", \.cacheControl, .list(of: CacheControlRule.codec, isEmptyAllowed: true),
      synonyms: ["expires", "cache"], "Cache-Control by the first pattern that the path matches.")
    Key(
      "media_types", \.mediaTypes, .mediaTypes, synonyms: ["types", "mime_types"],
      "Media types by file name extension, before the built-in ones.")
  }
}

extension CacheControlRule {
  static let declaration = Declaration(blank: CacheControlRule(pattern: nil, value: "")) {
    Key(
      "pattern", \.pattern, Codec<String>.pattern.optional, synonyms: ["match", "regex"],
      "PCRE that the path has a match of; without it, every path.")
    Key(
      "value", \.value, .fieldValue, isRequired: true, "What Cache-Control says.")
  }

  /// The value alone is for every path.
  static let codec = declaration.codec().short(
    Codec<String>.fieldValue.map(
      { CacheControlRule(pattern: nil, value: $0) }, { $0.value }))
}

extension Codec where Value == String {
  fileprivate static var candidate: Codec {
    .text("a path", examples: ["'{path}'", "'{path}/index.html'", "'/{host}/public{path}'"]) {
      text throws(Complaint) in
      if text.contains("$") {
        throw Complaint("has a $, which nginx writes", ["write {path} for $uri, {host} for $host"])
      }
      let pieces = try Template(parsing: text).pieces
      let literal = pieces.map { if case .text(let text) = $0 { text } else { "" } }.joined()
      guard !literal.contains("{"), !literal.contains("}") else {
        throw Complaint(
          "has a brace that belongs to no variable", ["for example {path}, {host}"])
      }
      guard text.hasPrefix("/") || text.hasPrefix("{path}") else {
        throw Complaint("begins neither with / nor with {path}", ["did you mean '/\(text)'?"])
      }
      guard !text.split(separator: "/").contains("..") else {
        throw Complaint("leaves its directory by ..")
      }
    }
  }

  static var mediaType: Codec {
    .text(
      "a media type", pattern: "^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+",
      examples: ["text/javascript"]
    ) { text throws(Complaint) in
      try HTTPText.checkValue(text)
      let type = text.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
      guard type.count == 2,
        type.allSatisfy({ part in
          HTTPText.isToken(String(part.last == " " ? part.dropLast() : part))
        })
      else {
        throw Complaint("is not a media type", ["for example text/javascript"])
      }
    }
  }
}

extension Codec where Value == [String: String] {
  fileprivate static var mediaTypes: Codec {
    let type = Codec<String>.mediaType
    let pairs = Codec<[MediaTypePair]>.dictionary(
      keyNoun: "file name extensions", keyPattern: "^[a-z0-9_-]+$", shape: type.shape,
      checkKey: { text throws(Complaint) in
        guard !text.hasPrefix(".") else {
          throw Complaint("begins with a dot", ["did you mean \(text.dropFirst())?"])
        }
        guard HTTPText.isToken(text), text == text.lowercased() else {
          throw Complaint("is not a file name extension", ["for example mjs"])
        }
      },
      item: { name in type.map({ MediaTypePair(name: name, type: $0) }, { $0.type }) },
      name: \.name)
    return pairs.map(
      { Dictionary($0.map { ($0.name, $0.type) }) { first, _ in first } },
      { $0.sorted { $0.key < $1.key }.map { MediaTypePair(name: $0.key, type: $0.value) } })
  }
}

private struct MediaTypePair: Sendable {
  let name: String
  let type: String
}
