import Configuration
import Routing
import Testing

/// Steele, Lea, Flood 2014: every seed gives the same numbers everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

private let hosts: [HostPattern] = [
  .exact("a.test"), .exact("b.a.test"), .exact("test"), .suffix(".test"), .suffix(".a.test"),
  .suffix(".b.a.test"), .suffix(".com"),
]
private let paths = [
  "/", "/a", "/a/", "/a/b", "/ab", "/abc", "/a/b/c", "/b", "/b/c", "/é", "/a b",
]
private let regexes = ["^/a", "b$", "c", "^/$", "^/(a|b)/", "\\.js$", "é"]
private let fields = [
  HeaderField(name: "X-A", value: "1"), HeaderField(name: "x-a", value: "2"),
  HeaderField(name: "X-B", value: "1"),
]

@Test(arguments: 0..<24 as Range<UInt64>)
func `a table finds what the plain reading of the rules finds`(seed: UInt64) throws {
  var random = SplitMix(state: seed)
  let routes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
    var match = Match()
    if Bool.random(using: &random) {
      match.hosts = (0..<Int.random(in: 1...2, using: &random)).map { _ in
        hosts[Int.random(in: 0..<hosts.count, using: &random)]
      }
    }
    let path = paths[Int.random(in: 0..<paths.count, using: &random)]
    match.path =
      switch Int.random(in: 0..<6, using: &random) {
      case 0: .exact(path)
      case 1: .regex(regexes[Int.random(in: 0..<regexes.count, using: &random)])
      case 2: .prefix(path, isFinal: true)
      default: .prefix(path)
      }
    if Int.random(in: 0..<4, using: &random) == 0 { match.methods = ["GET"] }
    if Int.random(in: 0..<4, using: &random) == 0 {
      match.headers = [fields[Int.random(in: 0..<fields.count, using: &random)]]
    }
    return match
  }
  let table = try RouteTable(routes)
  for _ in 0..<500 {
    let request = RouteExplanation.Request(
      host: ["a.test", "b.a.test", "c.b.a.test", "test", "x.com", "y", ""].randomElement(
        using: &random) ?? "",
      path: Array(
        (paths + ["/a/x.js", "/abcd", "/aé", "/b/", "/z"]).randomElement(using: &random)?.utf8
          ?? "".utf8),
      method: Bool.random(using: &random) ? "GET" : "POST",
      fields: fields.filter { _ in Bool.random(using: &random) })
    let expected = try RouteExplanation(routes, request)
    let got = match(table, request.host, request.path, request.method, request.fields)
    #expect(got == (expected.taken.map { .route($0) } ?? .notFound), "\(request)")
  }
}

@Test func `ten thousand routes each take what is theirs`() throws {
  var routes: [Match] = []
  for i in 0..<10_000 {
    var match = Match()
    switch i % 4 {
    case 0: match.path = .exact("/exact/\(i)")
    case 1: match.path = .prefix("/prefix/\(i)/")
    case 2:
      match.hosts = [.exact("h\(i).example.com")]
    default:
      match.hosts = [.suffix(".s\(i).example.com")]
      match.path = .prefix("/deep/" + String(repeating: "x/", count: i % 50))
    }
    routes.append(match)
  }
  let table = try RouteTable(routes)
  for i in 0..<10_000 {
    let (host, path) =
      switch i % 4 {
      case 0: ("any", "/exact/\(i)")
      case 1: ("any", "/prefix/\(i)/and/more")
      case 2: ("h\(i).example.com", "/x")
      default: ("t.s\(i).example.com", "/deep/" + String(repeating: "x/", count: i % 50) + "y")
      }
    let got = match(table, host, Array(path.utf8), "GET", [])
    guard got != .route(i) else { continue }
    Issue.record("route \(i): \(got)")
  }
}

@Test func `prefixes nested a thousand deep fall back one by one`() throws {
  var routes: [Match] = []
  for i in 1...1000 {
    var match = Match()
    match.path = .prefix("/" + String(repeating: "a", count: i))
    match.methods = i % 2 == 0 ? ["GET"] : ["POST"]
    routes.append(match)
  }
  let table = try RouteTable(routes)
  let path = Array(("/" + String(repeating: "a", count: 1000) + "b").utf8)
  #expect(match(table, "h", path, "GET", []) == .route(999))
  #expect(match(table, "h", path, "POST", []) == .route(998))
  #expect(match(table, "h", path, "PUT", []) == .notFound)
}
