/// The client is sent elsewhere.
public struct RedirectSettings: Equatable, Sendable {
  /// What Location says: a path, or an absolute `http://` or `https://` URL, with `{path}`,
  /// `{query}`, `{host}` and `{0}` to `{9}` (what the route's regex captured) filled in. The
  /// query of the request is appended unless this has one.
  public var to: String

  /// 301, 302, 303, 307 or 308.
  public var status = 302

  public init(to: String, status: Int = 302) {
    self.to = to
    self.status = status
  }
}

extension RedirectSettings {
  static let declaration = Declaration(blank: RedirectSettings(to: "")) {
    Key(
      "to", \.to, .redirectTarget, isRequired: true, synonyms: ["url", "location", "target"],
      "What Location says: a path, or an absolute URL. {path}, {query}, {host} and {0} to {9} (what "
        + "the regex captured) are filled in. The request's query is appended unless it has one.")
    Key(
      "status", \.status,
      Codec<Int>.integer(300...399).checked { status throws(Complaint) in
        guard [301, 302, 303, 307, 308].contains(status) else {
          throw Complaint("is not a redirect's status", ["one of 301, 302, 303, 307, 308"])
        }
      }, synonyms: ["code"], "301, 302, 303, 307 or 308.")
  }

  /// The target alone stands for the whole.
  static let codec = declaration.codec().short(
    Codec<String>.redirectTarget.map({ RedirectSettings(to: $0) }, { $0.to }))
}

extension Codec where Value == String {
  fileprivate static var redirectTarget: Codec {
    .text(
      "a path or URL", pattern: "^(/|\\{path\\}|https?://)",
      examples: ["/new", "https://example.com/"]
    ) { text throws(Complaint) in
      try checkRedirectTarget(text)
    }
  }

  /// `{path}` is the normalised path, `{query}` the query, `{host}` the host, `{0}` to `{9}` what
  /// the route's regex captured. Nothing but `{host}` may choose the site.
  private static func checkRedirectTarget(_ text: String) throws(Complaint) {
    let isPath = text.hasPrefix("/") || text.hasPrefix("{path}")
    guard isPath || text.hasPrefix("http://") || text.hasPrefix("https://") else {
      throw Complaint("is neither a path nor a URL", ["did you mean /\(text)?"])
    }
    guard !text.hasPrefix("//") else {
      throw Complaint(
        "begins with two slashes, which browsers read as another host",
        ["write one slash, or https:\(text)"])
    }
    for scalar in text.unicodeScalars where !("!"..."~").contains(scalar) || scalar == "\\" {
      throw Complaint("has a character that no URL has", ["write it as %20 or the like"])
    }
    let known = ["path", "query", "host"] + (0...9).map(String.init)
    var isInHost = !isPath
    var rest = text[...]
    if isInHost { rest = rest.drop { $0 != ":" }.dropFirst(3) }
    let host = rest
    while let first = rest.first {
      if "/?#".contains(first) { isInHost = false }
      guard first == "{" || first == "}" else {
        rest = rest.dropFirst()
        continue
      }
      let name = rest.dropFirst().prefix { $0 != "}" }
      guard first == "{", known.contains(String(name)), rest.dropFirst(name.count + 1).first == "}"
      else {
        throw Complaint(
          "has a brace that belongs to no variable",
          ["variables are {path}, {query}, {host} and {0} to {9}"])
      }
      if isInHost, name != "host" {
        guard name == "path", rest.startIndex != host.startIndex else {
          throw Complaint("lets the client choose the site", ["only {host} can stand there"])
        }
        isInHost = false
      }
      rest = rest.dropFirst(name.count + 2)
    }
    guard isPath || !(host.first.map { "/?#".contains($0) } ?? true) else {
      throw Complaint("names no host", ["for example https://example.com/"])
    }
  }
}
