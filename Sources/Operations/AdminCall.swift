/// What somebody asks of the admin listener, read from a request: each path with its one method.
enum AdminCall: Equatable {
  case index, liveness, readiness, metrics, pools, instances
  case reload
  case drain(pool: String, server: String, Bool)
  case weigh(pool: String, server: String, Int)
  case drainInstance(String, Bool)

  static let weights = 1...1000

  /// Whether it changes something, and so is not for everybody.
  var isChange: Bool {
    switch self {
    case .index, .liveness, .readiness, .metrics, .pools, .instances: false
    case .reload, .drain, .weigh, .drainInstance: true
    }
  }

  static let paths = [
    "GET /livez", "GET /readyz", "GET /metrics", "GET /pools", "GET /instances", "POST /reload",
    "POST /pools/NAME/servers/SERVER/drain", "POST /pools/NAME/servers/SERVER/undrain",
    "POST /pools/NAME/servers/SERVER/weight?value=N", "POST /instances/NAME/drain",
    "POST /instances/NAME/undrain",
  ]

  static func read(_ request: AdminRequest) throws(AdminRefusal) -> AdminCall {
    let parts = try parts(of: request.path)
    if let page = page(parts) {
      guard request.method == .get else { throw .method(allowed: "GET, HEAD") }
      return page
    }
    var change: AdminCall?
    if parts == ["reload"] {
      change = .reload
    } else if parts.count == 3, parts[0] == "instances", let isDrained = isDrain(parts[2]) {
      change = .drainInstance(parts[1], isDrained)
    } else if parts.count == 5, parts[0] == "pools", parts[2] == "servers" {
      if let isDrained = isDrain(parts[4]) {
        change = .drain(pool: parts[1], server: parts[3], isDrained)
      } else if parts[4] == "weight" {
        try requirePost(request)
        return .weigh(pool: parts[1], server: parts[3], try weight(request.query))
      }
    }
    guard let change else {
      throw AdminRefusal(404, "there is nothing at \(request.path)", expected: paths)
    }
    try requirePost(request)
    guard request.query == nil else { throw AdminRefusal(400, "the path takes no query") }
    return change
  }

  private static func page(_ parts: [String]) -> AdminCall? {
    switch parts {
    case [""]: .index
    case ["livez"]: .liveness
    case ["readyz"]: .readiness
    case ["metrics"]: .metrics
    case ["pools"]: .pools
    case ["instances"]: .instances
    default: nil
    }
  }

  private static func isDrain(_ word: String) -> Bool? {
    word == "drain" ? true : word == "undrain" ? false : nil
  }

  private static func requirePost(_ request: AdminRequest) throws(AdminRefusal) {
    guard request.method == .post else { throw .method(allowed: "POST") }
  }

  /// `value=N`, and nothing beside it.
  private static func weight(_ query: String?) throws(AdminRefusal) -> Int {
    if let query, query.hasPrefix("value=") {
      let digits = query.dropFirst(6)
      if (1...4).contains(digits.utf8.count),
        digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let value = Int(digits), weights.contains(value)
      {
        return value
      }
    }
    throw AdminRefusal(
      400, "the query is not a weight", expected: ["?value=1 to ?value=1000", "drain, for none"])
  }

  // MARK: Paths

  /// The parts between slashes, each percent-decoded once, so that a name may hold anything.
  private static func parts(of path: String) throws(AdminRefusal) -> [String] {
    var parts: [String] = []
    for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let text = decoded(Array(part.utf8)) else {
        throw AdminRefusal(
          400, "the path is not well encoded", expected: ["%25 for a percent sign"])
      }
      parts.append(text)
    }
    return parts.isEmpty ? [""] : parts
  }

  private static func decoded(_ part: [UInt8]) -> String? {
    var bytes: [UInt8] = []
    var i = 0
    while i < part.count {
      if part[i] == 0x25 {  // %
        guard i + 2 < part.count, let high = digit(part[i + 1]), let low = digit(part[i + 2])
        else { return nil }
        bytes.append(high << 4 | low)
        i += 3
      } else {
        bytes.append(part[i])
        i += 1
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}

/// Why something is not done, and what would be right.
struct AdminRefusal: Error, Equatable {
  let status: Int
  let problem: String
  var expected: [String] = []
  /// The methods that would be right (RFC 9110 §15.5.6).
  var allow: String?
  /// For WWW-Authenticate (RFC 6750 §3).
  var challenge: String?

  init(_ status: Int, _ problem: String, expected: [String] = []) {
    self.status = status
    self.problem = problem
    self.expected = expected
  }

  static func method(allowed: String) -> AdminRefusal {
    var refusal = AdminRefusal(405, "only \(allowed)", expected: [allowed])
    refusal.allow = allowed
    return refusal
  }

  var response: AdminResponse {
    let list = expected.map(JSONText.quoted).joined(separator: ",")
    let more = expected.isEmpty ? "" : ",\"expected\":[\(list)]"
    var response = AdminResponse.json(status, "{\"error\":\(JSONText.quoted(problem))\(more)}\n")
    response.allow = allow
    response.challenge = challenge
    return response
  }
}

/// Who may change something: who has the token; without one, who reaches a loopback listener.
enum AdminAccess {
  static func check(_ request: AdminRequest, token: String?) throws(AdminRefusal) {
    guard let token else {
      guard request.isLocal else {
        throw AdminRefusal(
          403, "only a loopback listener takes changes while admin.token is not set",
          expected: ["admin: {listen: …, token: …}"])
      }
      // A page in a browser on this machine can reach loopback, too, and says where it is from.
      guard !request.isFromBrowser else {
        throw AdminRefusal(403, "a web page may change nothing without a token")
      }
      return
    }
    guard let given = bearer(request.authorization), areEqual(given, token) else {
      var refusal = AdminRefusal(
        401, "this takes the token of admin.token", expected: ["Authorization: Bearer TOKEN"])
      refusal.challenge = "Bearer realm=\"martlet\""
      if request.authorization != nil { refusal.challenge? += ", error=\"invalid_token\"" }
      throw refusal
    }
  }

  /// The token of `Bearer TOKEN` (RFC 6750 §2.1); the scheme's case does not matter.
  private static func bearer(_ authorization: String?) -> String? {
    guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return nil }
    return String(authorization.dropFirst(7))
  }

  /// In a time that depends on what was given alone, not on how much of it is right.
  private static func areEqual(_ given: String, _ token: String) -> Bool {
    let given = Array(given.utf8)
    let token = Array(token.utf8)
    guard !token.isEmpty else { return false }
    var difference: UInt8 = given.count == token.count ? 0 : 1
    for i in given.indices { difference |= given[i] ^ token[i % token.count] }
    return difference == 0
  }
}
