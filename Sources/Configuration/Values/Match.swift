import CLibraries

/// Which requests a route takes. Everything given must hold.
///
/// Between routes nginx's order decides. Host: exact, then the longest suffix, then any. Path:
/// exact; else the longest prefix, unless a regex matches first and the prefix is not final.
/// Between equals, the one with methods or headers that hold goes first, then the first in the
/// file.
public struct Match: Equatable, Sendable {
  /// Any one of them; empty is any host. nginx: `server_name`.
  public var hosts: [HostPattern] = []
  /// On the normalised path. nginx: `location`.
  public var path = PathPattern.prefix("/")
  /// Any one of them, case-sensitive (RFC 9110 §9.1); empty is any method.
  public var methods: [String] = []
  /// All of them: the field is there and has exactly this value.
  public var headers: [HeaderField] = []

  public init() {}
}

/// Which hosts. Compared without port and without regard to case; kept in lower case.
public enum HostPattern: Hashable, Sendable {
  case exact(String)
  /// `*.example.com` is `.suffix(".example.com")`: any name that ends so, itself not included.
  case suffix(String)
}

/// Which normalised paths.
public enum PathPattern: Hashable, Sendable {
  /// nginx: `location = /x`.
  case exact(String)
  /// As text, not as segments, as in nginx: `/assets` takes `/assetsfoo`, too. A final one
  /// keeps regexes out: nginx `location ^~`.
  case prefix(String, isFinal: Bool = false)
  /// PCRE, case-sensitive unless it begins with `(?i)`, not anchored. nginx: `location ~`.
  case regex(String)
}

extension Match {
  static let group = KeyGroup(noun: "path", article: "a", isRequired: false)
  static let declaration = Declaration(blank: Match()) {
    Key(
      "host", \.hosts, .list(of: .hostPattern, isEmptyAllowed: true),
      synonyms: ["server_name", "hosts", "domain"],
      "Any one of these: exact, or *.example.com for every name that ends so. Without it, all.")
    Key(
      "exact", \.path, .matchPath, in: group, wrap: PathPattern.exact,
      unwrap: { if case .exact(let path) = $0 { path } else { nil } }, synonyms: ["path"],
      "The path is this. nginx: location = /x.")
    Key(
      "prefix", \.path, .matchPath, in: group, wrap: { PathPattern.prefix($0) },
      unwrap: { if case .prefix(let path, _) = $0 { path } else { nil } },
      synonyms: ["path_prefix", "location"],
      "The path begins with this, as text: /assets takes /assetsfoo, too. nginx: location /x.")
    Key(
      "regex", \.path, .pattern, in: group, wrap: PathPattern.regex,
      unwrap: { if case .regex(let text) = $0 { text } else { nil } },
      synonyms: ["path_regexp", "regexp", "pattern"],
      "PCRE that the path has a match of, anywhere; (?i) at its beginning takes either case. "
        + "nginx: location ~.")
    Key(
      "prefix_final", \.isPrefixFinal, Codec<Bool>.boolean.optional, synonyms: ["final"],
      "No regex is tried when this prefix is the longest. nginx: location ^~.")
    Key(
      "methods", \.methods, .list(of: .method, isEmptyAllowed: true), synonyms: ["method"],
      "Any one of these. Without it, all.")
    Key(
      "headers", \.headers, .fields, synonyms: ["header"],
      "All of these: the header is there and has exactly this value.")
  }

  /// Nil where there is no prefix.
  private var isPrefixFinal: Bool? {
    get { if case .prefix(_, let isFinal) = path { isFinal } else { nil } }
    set {
      if case .prefix(let text, _) = path { path = .prefix(text, isFinal: newValue ?? false) }
    }
  }
}

extension Codec where Value == HostPattern {
  fileprivate static var hostPattern: Codec {
    Codec(
      .text(noun: "a host", examples: ["erp.example.com", "*.example.com"]),
      parse: { text throws(Complaint) in
        let suffix = text.hasPrefix("*.")
        let host = suffix ? String(text.dropFirst(2)) : text
        if host.contains("*") {
          throw Complaint(
            "has a * that is not its first label", ["for example *.example.com"])
        }
        if let colon = host.lastIndex(of: ":"), !host.hasPrefix("["), !host.contains("://"),
          host[..<colon].allSatisfy({ $0 != ":" })
        {
          throw Complaint(
            "has a port, and hosts are compared without",
            ["did you mean \(text.prefix { $0 != ":" })?"])
        }
        try HTTPText.checkHost(host)
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        return suffix ? .suffix(".\(name)") : .exact(name)
      },
      write: { pattern in
        switch pattern {
        case .exact(let name): .string(name)
        case .suffix(let name): .string("*\(name)")
        }
      })
  }
}

extension Codec where Value == String {
  fileprivate static var matchPath: Codec {
    .text("a path", pattern: "^/", examples: ["/assets"]) { text throws(Complaint) in
      guard text.hasPrefix("/") else {
        let isRegex = text.hasPrefix("^") || text.hasPrefix("~")
        throw Complaint(
          "does not begin with /",
          [isRegex ? "a pattern goes under regex" : "did you mean /\(text)?"])
      }
      let segments = text.split(separator: "/", omittingEmptySubsequences: false)
      guard !segments.contains("."), !segments.contains("..") else {
        throw Complaint("never matches: dots are resolved before paths are compared")
      }
      guard !text.contains("//") else {
        throw Complaint("never matches: slashes are merged before paths are compared")
      }
      guard !text.contains("?") else {
        throw Complaint("never matches: a path is compared without its query")
      }
      guard !text.unicodeScalars.contains("\0") else {
        throw Complaint("never matches: no path has a NUL")
      }
    }
  }

  fileprivate static var method: Codec {
    .text("a method", pattern: HTTPText.tokenPattern, examples: ["GET", "POST"]) {
      text throws(Complaint) in
      let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"]
      guard HTTPText.isToken(text) else { throw Complaint("is not a method") }
      let upper = text.uppercased()
      guard known.contains(text) || !known.contains(upper) else {
        throw Complaint("is not a method", ["did you mean \(upper)? Methods are case-sensitive"])
      }
    }
  }

  /// A regular expression.
  static var pattern: Codec {
    .text("a regular expression", examples: [#"'\.svg$'"#]) { text throws(Complaint) in
      for prefix in ["~* ", "~ "] where text.hasPrefix(prefix) {
        let bare = text.dropFirst(prefix.count)
        throw Complaint(
          "begins with nginx's sign for a regex",
          ["did you mean '\(prefix == "~* " ? "(?i)" : "")\(bare)'?"])
      }
      do throws(PatternError) {
        _ = try Pattern(text)
      } catch {
        let bytes = text.utf8
        let index = bytes.index(bytes.startIndex, offsetBy: error.offset)
        let count = text.unicodeScalars.count
        let offset = min(
          text.unicodeScalars.distance(from: text.startIndex, to: index), max(count - 1, 0))
        throw Complaint(
          "is not a regular expression: \(error.message), at its character \(offset + 1)",
          at: offset..<offset + 1)
      }
    }
  }
}
