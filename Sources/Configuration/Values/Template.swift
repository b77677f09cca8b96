/// A text with variables in it, filled in for each request: `{scheme}://{site}`.
public struct Template: Hashable, Sendable {
  public enum Piece: Hashable, Sendable {
    case text(String)
    case variable(Variable)
  }

  public let pieces: [Piece]

  public init(_ pieces: [Piece]) {
    self.pieces = pieces
  }

  /// Text without variables.
  public static func text(_ text: String) -> Template {
    Template(text.isEmpty ? [] : [.text(text)])
  }

  public static func variable(_ variable: Variable) -> Template {
    Template([.variable(variable)])
  }

  public var variables: [Variable] {
    pieces.compactMap { if case .variable(let variable) = $0 { variable } else { nil } }
  }

  /// What it says to every request; nil when that differs.
  public var constant: String? {
    pieces.reduce("") { text, piece in
      if case .text(let more) = piece { text.map { $0 + more } } else { nil }
    }
  }
}

/// Something that is known of each request, under a name.
public enum Variable: Hashable, Sendable {
  /// The host that is asked for: lower case, without port and final dot. nginx: `$host`.
  case host
  /// `https` or `http`, as far as trusted proxies tell. nginx: `$scheme`.
  case scheme
  /// Whose request it is, as far as trusted proxies tell. nginx: `$remote_addr` behind `real_ip`.
  case clientAddress
  /// Who has connected. nginx: `$realip_remote_addr`.
  case peerAddress
  /// X-Forwarded-For as it came, the client's address appended.
  /// nginx: `$proxy_add_x_forwarded_for`.
  case forwardedFor
  /// nginx: `$request_method`.
  case method
  /// The target as it was sent. nginx: `$request_uri`.
  case target
  /// nginx: `$request_id`.
  case requestID
  /// The first header of this name; nothing without. nginx: `$http_…`.
  case header(String)
  /// One of the configuration's own `variables`.
  case named(String)

  /// What stands between the braces.
  var text: String {
    switch self {
    case .host: "host"
    case .scheme: "scheme"
    case .clientAddress: "client_address"
    case .peerAddress: "peer_address"
    case .forwardedFor: "forwarded_for"
    case .method: "method"
    case .target: "target"
    case .requestID: "request_id"
    case .header(let name): "header:\(name)"
    case .named(let name): name
    }
  }

  /// Those that every configuration has and that take no name.
  static let known: [Variable] = [
    .host, .scheme, .clientAddress, .peerAddress, .forwardedFor, .method, .target, .requestID,
  ]

  /// All that a text may name, for advice.
  static func names(with own: [String]) -> [String] {
    own + known.map(\.text) + ["header:NAME"]
  }

  /// What nginx and other proxies call them, folded.
  static let synonyms = [
    "remote_addr": "client_address", "client_ip": "client_address", "ip": "client_address",
    "realip_remote_addr": "peer_address", "proxy_add_x_forwarded_for": "forwarded_for",
    "x_forwarded_for": "forwarded_for", "request_method": "method", "request_uri": "target",
    "uri": "target", "path": "target", "proto": "scheme", "server_name": "host",
    "http_host": "host", "id": "request_id",
  ]
}

extension Template: CustomStringConvertible {
  /// As the configuration writes it.
  public var description: String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .variable(let variable): "{\(variable.text)}"
      }
    }.joined()
  }

  /// Reads `{name}` and `{header:NAME}`; braces around anything else are text.
  ///
  /// Whether a name is one of the configuration's own is found out when all of it is read.
  init(parsing text: String) throws(Complaint) {
    var pieces: [Piece] = []
    var pending = String.UnicodeScalarView()
    let scalars = Array(text.unicodeScalars)
    try Template.checkForDollars(scalars)
    var i = 0
    while i < scalars.count {
      guard let end = Template.endOfName(scalars, at: i) else {
        pending.append(scalars[i])
        i += 1
        continue
      }
      if !pending.isEmpty { pieces.append(.text(String(pending))) }
      pending = String.UnicodeScalarView()
      pieces.append(.variable(try Template.variable(scalars, i + 1..<end)))
      i = end + 1
    }
    if !pending.isEmpty { pieces.append(.text(String(pending))) }
    self.pieces = pieces
  }

  /// Where the brace is that closes a name which opens at `start`; nil where none does.
  private static func endOfName(_ scalars: [Unicode.Scalar], at start: Int) -> Int? {
    guard scalars[start] == "{", start + 1 < scalars.count,
      ("a"..."z").contains(scalars[start + 1])
    else { return nil }
    let end = scalars[start...].firstIndex { scalar in
      !("a"..."z").contains(scalar) && !("A"..."Z").contains(scalar)
        && !("0"..."9").contains(scalar) && !"{_:-".unicodeScalars.contains(scalar)
    }
    guard let end, scalars[end] == "}", !scalars[start + 1..<end].contains("{") else { return nil }
    return end
  }

  private static func variable(
    _ scalars: [Unicode.Scalar], _ range: Range<Int>
  ) throws(Complaint) -> Variable {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range])
    let name = String(view)
    if let known = Variable.known.first(where: { $0.text == name }) { return known }
    guard let colon = name.firstIndex(of: ":") else { return .named(name) }
    let (kind, rest) = (name[..<colon], String(name[name.index(after: colon)...]))
    guard kind == "header", HTTPText.isToken(rest) else {
      throw Complaint(
        "has the variable {\(name)}, which is none", ["for example {header:User-Agent}"],
        at: range.lowerBound - 1..<range.upperBound + 1)
    }
    return .header(rest)
  }

  /// A dollar may be meant, but a variable of nginx's never is.
  private static func checkForDollars(_ scalars: [Unicode.Scalar]) throws(Complaint) {
    for i in scalars.indices where scalars[i] == "$" {
      var name = String.UnicodeScalarView()
      name.append(
        contentsOf: scalars[(i + 1)...].prefix { ("a"..."z").contains($0) || $0 == "_" })
      let word = String(name)
      let isHeader = word.hasPrefix("http_") && word != "http_host"
      let known = Variable.known.map(\.text)
      guard isHeader || known.contains(word) || Variable.synonyms[word] != nil else { continue }
      let header = word.dropFirst(5).split(separator: "_").map {
        $0.prefix(1).uppercased() + $0.dropFirst()
      }
      let meant =
        isHeader ? "header:\(header.joined(separator: "-"))" : Variable.synonyms[word] ?? word
      throw Complaint(
        "has $\(word), which nginx writes", ["write {\(meant)}"], at: i..<i + 1 + name.count)
    }
  }
}

extension Codec where Value == Template {
  /// A text that becomes the value of a header.
  static var template: Codec {
    Codec(
      .text(noun: "a text, with variables: {host}"),
      parse: { text throws(Complaint) in
        try HTTPText.checkValue(text)
        return try Template(parsing: text)
      }, write: { .string($0.description) })
  }
}
