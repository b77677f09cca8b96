public import CLibraries
public import Configuration

/// Why a request goes to the route it goes to: what became of each route, in words.
///
/// Finds the route the plain way, from the list, one rule after the other; a `RouteTable` must
/// always come to the same result.
public struct RouteExplanation: Sendable {
  public struct Request: Equatable, Sendable {
    /// Lower case, without port and trailing dot.
    public var host: String
    /// Normalised.
    public var path: [UInt8]
    public var method: String
    public var fields: [HeaderField]

    public init(host: String, path: [UInt8], method: String, fields: [HeaderField] = []) {
      self.host = host
      self.path = path
      self.method = method
      self.fields = fields
    }
  }

  /// What became of one route.
  public enum Verdict: Equatable, Sendable {
    case taken
    case otherHost
    case otherPath
    case otherMethod
    case fieldMissing(HeaderField)
    /// A route of a more specific host takes the request.
    case lessSpecificHost
    /// A route of the same host with a path that goes before this one takes the request.
    case laterPath
    /// The regex ran into its limits of work, and the request fails.
    case gaveUp
  }

  /// The route that takes the request; nil when none does, or when a regex gave up.
  public private(set) var taken: Int?
  /// One for each route, in their order.
  public private(set) var verdicts: [Verdict]

  /// - Throws: when a regex does not compile.
  public init(_ matches: [Match], _ request: Request) throws(PatternError) {
    verdicts = []
    var ranks: Set<Int> = []
    for match in matches {
      verdicts.append(
        try RouteExplanation.obstacle(match, request)
          ?? .lessSpecificHost)  // until a route is found
      ranks.formUnion(RouteExplanation.ranks(of: match, request.host))
    }
    for rank in ranks.sorted(by: >) {
      let able = matches.indices.filter {
        (verdicts[$0] == .lessSpecificHost || verdicts[$0] == .gaveUp)
          && RouteExplanation.ranks(of: matches[$0], request.host).contains(rank)
      }
      let order = RouteExplanation.inOrder(able, matches)
      guard let first = order.first else { continue }
      for route in order { verdicts[route] = .laterPath }
      let gaveUp = try !RouteExplanation.pathHolds(matches[first].path, request.path)
      verdicts[first] = gaveUp ? .gaveUp : .taken
      taken = gaveUp ? nil : first
      return
    }
  }

  /// What keeps the route from taking the request, whatever the others do.
  private static func obstacle(
    _ match: Match, _ request: Request
  ) throws(PatternError) -> Verdict? {
    guard !ranks(of: match, request.host).isEmpty else { return .otherHost }
    guard match.methods.isEmpty || match.methods.contains(request.method) else {
      return .otherMethod
    }
    for wanted in match.headers {
      let holds = request.fields.contains {
        $0.name.lowercased() == wanted.name.lowercased() && $0.value == wanted.value
      }
      if !holds { return .fieldMissing(wanted) }
    }
    if case .regex(let text) = match.path {
      var scratch = PatternScratch()
      switch try Pattern(text).match(request.path.span, &scratch) {
      case .matched: return nil
      case .gaveUp: return .gaveUp
      case .unmatched: return .otherPath
      }
    }
    return try pathHolds(match.path, request.path) ? nil : .otherPath
  }

  private static func pathHolds(
    _ pattern: PathPattern, _ path: [UInt8]
  ) throws(PatternError) -> Bool {
    switch pattern {
    case .exact(let text): return Array(text.utf8) == path
    case .prefix(let text, isFinal: _): return path.starts(with: text.utf8)
    case .regex(let text):
      var scratch = PatternScratch()
      return try Pattern(text).matches(path.span, &scratch)
    }
  }

  /// How specific the host patterns are that the host belongs to: 0 is any host.
  private static func ranks(of match: Match, _ host: String) -> Set<Int> {
    if match.hosts.isEmpty { return [0] }
    var ranks: Set<Int> = []
    for pattern in match.hosts {
      switch pattern {
      case .exact(let text) where text == host: ranks.insert(.max)
      case .suffix(let text) where host.utf8.reversed().starts(with: text.utf8.reversed()):
        ranks.insert(text.utf8.count)
      case .exact, .suffix: break
      }
    }
    return ranks
  }

  /// Routes of one host whose conditions all hold, in nginx's order of precedence: an exact
  /// path, the longest prefix if it is final, regexes as in the file, other prefixes.
  private static func inOrder(_ routes: [Int], _ matches: [Match]) -> [Int] {
    var exact: [Int] = []
    var prefixes: [(route: Int, length: Int, isFinal: Bool)] = []
    var regexes: [Int] = []
    for route in routes {
      switch matches[route].path {
      case .exact: exact.append(route)
      case .prefix(let text, let isFinal): prefixes.append((route, text.utf8.count, isFinal))
      case .regex: regexes.append(route)
      }
    }
    let conditional = { (route: Int) in
      matches[route].methods.isEmpty && matches[route].headers.isEmpty ? 1 : 0
    }
    exact.sort { (conditional($0), $0) < (conditional($1), $1) }
    prefixes.sort {
      (-$0.length, conditional($0.route), $0.route)
        < (-$1.length, conditional($1.route), $1.route)
    }
    let others = prefixes.map(\.route)
    return prefixes.first?.isFinal == true
      ? exact + others + regexes : exact + regexes + others
  }
}

extension RouteExplanation.Verdict: CustomStringConvertible {
  public var description: String {
    switch self {
    case .taken: "takes the request"
    case .otherHost: "is for another host"
    case .otherPath: "is for another path"
    case .otherMethod: "is for another method"
    case .fieldMissing(let field): "asks for the header \(field.name): \(field.value)"
    case .lessSpecificHost: "would take it, but a route of a more specific host does"
    case .laterPath: "would take it, but a route whose path goes before it does"
    case .gaveUp: "has a regex that takes too long on this path"
    }
  }
}
