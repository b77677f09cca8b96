import CLibraries
import Configuration
import HTTP
import Routing
import Testing

struct RouteRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let routes: [Match]
  var host = "erp.example.com"
  let path: String
  var method = "GET"
  var fields: [HeaderField] = []
  let takes: Int?

  var testDescription: String { "\(rule): \(path)" }
}

private func exact(_ path: String) -> Match { at(.exact(path)) }
private func regex(_ text: String) -> Match { at(.regex(text)) }
private func prefix(_ path: String, isFinal: Bool = false) -> Match {
  at(.prefix(path, isFinal: isFinal))
}

private func at(
  _ path: PathPattern, hosts: [HostPattern] = [], methods: [String] = [],
  headers: [HeaderField] = []
) -> Match {
  var match = Match()
  match.path = path
  match.hosts = hosts
  match.methods = methods
  match.headers = headers
  return match
}

private let canary = HeaderField(name: "X-Canary", value: "1")

/// As in frappe_docker: `/assets`, `/socket.io`, `/`, `/protected`, `/files/*.html`.
private let frappe = [
  prefix("/"), prefix("/assets"), prefix("/socket.io"), regex("^/protected/(.*)"),
  regex("^/files/.*.(htm|html|svg|xml)"),
]

@Test(arguments: [
  RouteRow(rule: "the longest prefix", routes: frappe, path: "/assets/a.js", takes: 1),
  RouteRow(rule: "a prefix is text", routes: frappe, path: "/assetsfoo", takes: 1),
  RouteRow(rule: "a prefix is text", routes: frappe, path: "/socket.iox", takes: 2),
  RouteRow(rule: "the shortest prefix is left", routes: frappe, path: "/app", takes: 0),
  RouteRow(rule: "a prefix takes itself", routes: frappe, path: "/assets", takes: 1),
  RouteRow(rule: "less than a prefix", routes: frappe, path: "/asset", takes: 0),
  RouteRow(rule: "a regex before a prefix", routes: frappe, path: "/protected/x", takes: 3),
  RouteRow(rule: "a regex before a prefix", routes: frappe, path: "/files/a.html", takes: 4),
  RouteRow(rule: "dots are wild", routes: frappe, path: "/files/xhtml_notes.pdf", takes: 4),
  RouteRow(rule: "regexes keep case", routes: frappe, path: "/files/a.HTML", takes: 0),
  RouteRow(
    rule: "an exact path before all",
    routes: [prefix("/a", isFinal: true), regex("a"), exact("/a")],
    path: "/a", takes: 2),
  RouteRow(
    rule: "an exact path is nothing more", routes: [prefix("/a"), exact("/a")], path: "/a/",
    takes: 0),
  RouteRow(
    rule: "a final prefix keeps regexes out",
    routes: [regex("js$"), prefix("/assets", isFinal: true)], path: "/assets/a.js", takes: 1),
  RouteRow(
    rule: "a final prefix that is not the longest does not",
    routes: [regex("js$"), prefix("/assets", isFinal: true), prefix("/assets/a")],
    path: "/assets/a.js", takes: 0),
  RouteRow(
    rule: "regexes in the order of the file", routes: [prefix("/"), regex("b"), regex("a")],
    path: "/ab", takes: 1),
  RouteRow(
    rule: "a regex without a prefix", routes: [prefix("/x"), regex("^/a")], path: "/ab", takes: 1),
  RouteRow(rule: "nothing", routes: [prefix("/x"), exact("/y")], path: "/z", takes: nil),
  RouteRow(rule: "no routes", routes: [], path: "/", takes: nil),
  RouteRow(
    rule: "equals in the order of the file", routes: [prefix("/a"), prefix("/a")], path: "/a",
    takes: 0),
  RouteRow(
    rule: "an exact host before any",
    routes: [exact("/a"), at(.prefix("/"), hosts: [.exact("erp.example.com")])],
    path: "/a", takes: 1),
  RouteRow(
    rule: "the longest suffix",
    routes: [
      at(.prefix("/"), hosts: [.suffix(".com")]),
      at(.prefix("/"), hosts: [.suffix(".example.com")]),
      prefix("/"),
    ], path: "/a", takes: 1),
  RouteRow(
    rule: "an exact host before a suffix",
    routes: [
      at(.prefix("/"), hosts: [.suffix(".example.com")]),
      at(.prefix("/"), hosts: [.exact("erp.example.com")]),
    ], path: "/a", takes: 1),
  RouteRow(
    rule: "a suffix begins at a dot", routes: [at(.prefix("/"), hosts: [.suffix(".example.com")])],
    host: "badexample.com", path: "/", takes: nil),
  RouteRow(
    rule: "a suffix is not the name itself",
    routes: [at(.prefix("/"), hosts: [.suffix(".example.com")])], host: "example.com", path: "/",
    takes: nil),
  RouteRow(
    rule: "what the host has not, the next host has",
    routes: [
      at(.exact("/a"), hosts: [.exact("erp.example.com")]),
      at(.exact("/b"), hosts: [.suffix(".example.com")]),
      at(.exact("/c"), hosts: [.suffix(".com")]), exact("/d"),
    ], path: "/c", takes: 2),
  RouteRow(
    rule: "what the host has not, any host has",
    routes: [
      at(.exact("/a"), hosts: [.exact("erp.example.com")]),
      at(.exact("/b"), hosts: [.suffix(".example.com")]), exact("/d"),
    ], path: "/d", takes: 2),
  RouteRow(
    rule: "several hosts",
    routes: [at(.prefix("/"), hosts: [.exact("a.test"), .exact("erp.example.com")])], path: "/",
    takes: 0),
  RouteRow(
    rule: "a method that holds goes first",
    routes: [prefix("/a"), at(.prefix("/a"), methods: ["GET", "HEAD"])], path: "/a", takes: 1),
  RouteRow(
    rule: "a method that does not hold gives way",
    routes: [prefix("/"), at(.prefix("/a"), methods: ["GET"])], path: "/a", method: "POST", takes: 0
  ),
  RouteRow(
    rule: "methods keep case (RFC 9110 §9.1)",
    routes: [prefix("/"), at(.prefix("/a"), methods: ["GET"])], path: "/a", method: "get", takes: 0),
  RouteRow(
    rule: "an exact path whose method does not hold gives way",
    routes: [prefix("/"), at(.exact("/a"), methods: ["GET"])], path: "/a", method: "PURGE", takes: 0
  ),
  RouteRow(
    rule: "a header that holds goes first",
    routes: [prefix("/"), at(.prefix("/"), headers: [canary])], path: "/a",
    fields: [HeaderField(name: "x-canary", value: "1")], takes: 1),
  RouteRow(
    rule: "a header with another value gives way",
    routes: [prefix("/"), at(.prefix("/"), headers: [canary])], path: "/a",
    fields: [HeaderField(name: "X-Canary", value: "11")], takes: 0),
  RouteRow(
    rule: "all headers must hold",
    routes: [
      prefix("/"), at(.prefix("/"), headers: [canary, HeaderField(name: "X-B", value: "")]),
    ], path: "/a", fields: [canary], takes: 0),
  RouteRow(
    rule: "any field of a name may hold",
    routes: [prefix("/"), at(.prefix("/"), headers: [canary])], path: "/a",
    fields: [HeaderField(name: "X-Canary", value: "0"), canary], takes: 1),
  RouteRow(
    rule: "a regex whose method does not hold gives way",
    routes: [prefix("/"), at(.regex("a"), methods: ["POST"]), regex("b")], path: "/ab", takes: 2),
  RouteRow(
    rule: "a shorter final prefix counts once the longest does not hold",
    routes: [
      regex("js$"), prefix("/a", isFinal: true), at(.prefix("/a/b"), methods: ["POST"]),
    ], path: "/a/b.js", takes: 1),
])
func `routes match in nginx's order`(_ row: RouteRow) throws {
  let table = try RouteTable(row.routes)
  let got = match(table, row.host, Array(row.path.utf8), row.method, row.fields)
  #expect(got == (row.takes.map { .route($0) } ?? .notFound), "\(row.rule)")

  let request = RouteExplanation.Request(
    host: row.host, path: Array(row.path.utf8), method: row.method, fields: row.fields)
  let explanation = try RouteExplanation(row.routes, request)
  #expect(explanation.taken == row.takes, "\(row.rule)")
}

@Test(arguments: ["ERP.Example.COM", "erp.example.com.", "erp.example.com"])
func `a host is the same in other case and with a last dot`(host: String) throws {
  let table = try RouteTable([at(.prefix("/"), hosts: [.exact("erp.example.com")])])
  #expect(match(table, host, Array("/".utf8), "GET", []) == .route(0))
}

@Test func `no host and a host beyond all limits belong to any host`() throws {
  let table = try RouteTable([
    at(.prefix("/"), hosts: [.suffix(".com")]), prefix("/"),
  ])
  #expect(match(table, "", Array("/".utf8), "GET", []) == .route(1))
  let long = String(repeating: "a.", count: 2000) + "com"
  #expect(match(table, long, Array("/".utf8), "GET", []) == .route(1))
}

@Test func `a regex tells its groups, and another route does not show them`() throws {
  let table = try RouteTable([prefix("/"), regex("^/protected/(.*)")])
  var scratch = RouteScratch()
  var outcome = table.match(
    host: "h".utf8.span, path: "/protected/x".utf8.span, method: "GET".utf8.span, scratch: &scratch)
  #expect(outcome == .route(1))
  var group = scratch.captures[1]
  #expect(group == 11..<12)
  outcome = table.match(
    host: "h".utf8.span, path: "/".utf8.span, method: "GET".utf8.span, scratch: &scratch)
  #expect(outcome == .route(0))
  group = scratch.captures[0]
  #expect(group == nil)
}

@Test func `a path that keeps a regex busy is given up, not sent to another route`() throws {
  let routes = [prefix("/"), regex("^/(a+)+$")]
  let table = try RouteTable(routes)
  let path = Array(("/" + String(repeating: "a", count: 64) + "!").utf8)
  #expect(match(table, "h", path, "GET", []) == .gaveUp)
  let explanation = try RouteExplanation(
    routes, .init(host: "h", path: path, method: "GET"))
  #expect(explanation.taken == nil)
  #expect(explanation.verdicts == [.laterPath, .gaveUp])
}

@Test func `routes that make no table say which and why`() {
  #expect(
    throws: RouteTableError(
      route: 1,
      reason: .pattern(PatternError(message: "missing closing parenthesis", offset: 1)))
  ) { try RouteTable([prefix("/"), regex("(")]) }

  let methods = (0..<65).map { "M\($0)" }
  #expect(throws: RouteTableError(route: 1, reason: .tooManyMethods)) {
    try RouteTable([
      at(.prefix("/"), methods: Array(methods.prefix(64))), at(.prefix("/"), methods: methods),
    ])
  }
}

@Test func `conditions beyond the limit of one request count as not held`() throws {
  let routes = (0..<40).map {
    at(.exact("/\($0)"), headers: [HeaderField(name: "X-Tenant", value: "\($0)")])
  }
  let table = try RouteTable(routes)
  let fields = (0..<40).map { HeaderField(name: "x-tenant", value: "\($0)") }
  #expect(match(table, "h", Array("/31".utf8), "GET", fields) == .route(31))
  #expect(match(table, "h", Array("/32".utf8), "GET", fields) == .notFound)
  #expect(match(table, "h", Array("/32".utf8), "GET", [fields[32]]) == .route(32))
}

@Test(arguments: [
  ("GET /a?b HTTP/1.1\r\nHost: ERP.example.com.:8080\r\nx-canary: 1\r\n\r\n", 1),
  ("GET /a HTTP/1.1\r\nHost: ERP.example.com\r\nX-Canary: 2\r\n\r\n", 0),
  ("GET /a HTTP/1.1\r\nHost: ERP.example.com\r\nX_Canary: 1\r\n\r\n", 0),
  ("POST /a HTTP/1.1\r\nHost: erp.example.com\r\nX-Canary: 1\r\n\r\n", 0),
  ("GET /a HTTP/1.1\r\nHost: other.test\r\nX-Canary: 1\r\n\r\n", 0),
])
func `a head as it was read finds its route`(text: String, route: Int) throws {
  let table = try RouteTable([
    prefix("/"),
    at(
      .prefix("/a"), hosts: [.exact("erp.example.com")], methods: ["GET"], headers: [canary]),
  ])
  let bytes = Array(text.utf8)
  var head = RequestHead()
  var isWhole = false
  do { isWhole = try head.parse(bytes.span, limits: HeadLimits()) } catch {
    Issue.record("\(error)")
  }
  #expect(isWhole)
  var scratch = RouteScratch()
  for _ in 0..<2 {
    let got = table.match(
      head, in: bytes.span, path: bytes.span.extracting(head.path.range), scratch: &scratch)
    #expect(got == .route(route))
  }
}

@Test func `an explanation says of every route what became of it`() throws {
  let routes = [
    prefix("/"), prefix("/a"), at(.prefix("/"), hosts: [.exact("other.test")]),
    at(.prefix("/a"), hosts: [.suffix(".example.com")]),
    at(.prefix("/a"), hosts: [.suffix(".example.com")], methods: ["POST"]),
    at(.prefix("/a"), hosts: [.suffix(".example.com")], headers: [canary]),
    at(.prefix("/b"), hosts: [.suffix(".example.com")]),
    at(.prefix("/"), hosts: [.suffix(".example.com")]),
  ]
  let explanation = try RouteExplanation(
    routes, .init(host: "erp.example.com", path: Array("/a".utf8), method: "GET"))
  #expect(
    explanation.verdicts == [
      .lessSpecificHost, .lessSpecificHost, .otherHost, .taken, .otherMethod,
      .fieldMissing(canary), .otherPath, .laterPath,
    ])
}

func match(
  _ table: RouteTable, _ host: String, _ path: [UInt8], _ method: String, _ fields: [HeaderField]
) -> RouteTable.Outcome {
  var scratch = RouteScratch()
  table.begin(&scratch)
  for field in fields {
    table.observe(name: field.name.utf8.span, value: field.value.utf8.span, scratch: &scratch)
  }
  return table.match(
    host: host.utf8.span, path: path.span, method: method.utf8.span, scratch: &scratch)
}
