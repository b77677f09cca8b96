import HTTP
import Testing

@Suite struct RequestHeadTests {
  @Test(arguments: RequestHeadRows.all)
  func `a request head is accepted or refused by its rule`(_ row: HeadRow) {
    let result = readRequest(row.head)
    #expect(result.failure?.reason == row.fault)
    if row.fault == nil { #expect((try? result.get())?.length == row.head.utf8.count) }
  }

  @Test(arguments: RequestHeadRows.all)
  func `a head that is cut is not here yet, or refused for what the whole is refused for`(
    _ row: HeadRow
  ) {
    let bytes = Array(row.head.utf8)
    let whole = readRequest(bytes)
    for count in bytes.indices {
      switch readRequest(Array(bytes[..<count])) {
      case .success(let summary): #expect(summary == nil, "at \(count)")
      case .failure(let refusal): #expect(refusal == whole.failure, "at \(count)")
      }
    }
  }

  @Test(arguments: RequestHeadRows.all.filter { $0.fault == nil })
  func `what follows a head changes nothing`(_ row: HeadRow) throws {
    let alone = try readRequest(row.head).get()
    for rest in ["\r\n", "GET / HTTP/1.1\r\n", "\u{0}\u{1}", " fold\r\n"] {
      #expect(try readRequest(row.head + rest).get() == alone)
    }
  }

  @Test func `a browser's request`() throws {
    let head = try read(
      "GET /app/a%2Fb?x=1&y=%20 HTTP/1.1\r\nHost: Erp.example.com:8080\r\n"
        + "Connection: keep-alive\r\nAccept:  */* \r\nX_Forwarded_For: 1\r\nCookie: sid=1\r\n\r\n")
    #expect(head.method == .get)
    #expect(head.methodText == "GET")
    #expect(head.target == "/app/a%2Fb?x=1&y=%20")
    #expect(head.form == .origin)
    #expect(head.path == "/app/a%2Fb")
    #expect(head.query == "x=1&y=%20")
    #expect(head.host == "Erp.example.com:8080")
    #expect(head.hostName == "Erp.example.com")
    #expect(head.framing == .none)
    #expect(head.isPersistent)
    #expect(
      head.fields == [
        FieldSummary(name: "Host", value: "Erp.example.com:8080", id: .host),
        FieldSummary(name: "Connection", value: "keep-alive", id: .connection, isHopByHop: true),
        FieldSummary(name: "Accept", value: "*/*", id: .accept),
        FieldSummary(name: "X_Forwarded_For", value: "1", isDropped: true),
        FieldSummary(name: "Cookie", value: "sid=1", id: .cookie),
      ])
  }

  @Test(arguments: [
    ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
    ("OPTIONS", .options), ("PATCH", .patch), ("GETS", .other), ("G", .other), ("HEADPOST", .other),
    ("PROPPATCH", .other),
  ])
  func `methods are told apart`(text: String, method: Method) throws {
    let head = try read("\(text) / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head.method == method)
    #expect(head.methodText == text)
  }

  @Test(
    arguments: [
      ("/", TargetForm.origin, "/", nil), ("/?", .origin, "/", ""),
      ("/a?b?c", .origin, "/a", "b?c"),
      ("//a", .origin, "//a", nil), ("http://a", .absolute, "", nil),
      ("http://a?b", .absolute, "", "b"), ("https://a/c/d?b", .absolute, "/c/d", "b"),
    ] as [(String, TargetForm, String, String?)])
  func `a target has a path and perhaps a query`(
    target: String, form: TargetForm, path: String, query: String?
  ) throws {
    let head = try read("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head.target == target)
    #expect(head.form == form)
    #expect(head.path == path)
    #expect(head.query == query)
  }

  @Test func `OPTIONS may ask about the server itself`() throws {
    let head = try read("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head.form == .asterisk)
    #expect(head.path == "*")
  }

  @Test(arguments: [
    ("a", "a"), ("a:80", "a"), ("a.b.", "a.b"), ("a.b.:80", "a.b"), ("[::1]:80", "[::1]"),
    ("[::1]", "[::1]"),
  ])
  func `a host's name is without its port and final dot`(host: String, name: String) throws {
    let head = try read("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    #expect(head.host == host)
    #expect(head.hostName == name)
  }

  @Test func `HTTP 1.0 may leave out its host, or have it in the target`() throws {
    #expect(try read("GET / HTTP/1.0\r\n\r\n").host == nil)
    #expect(try read("GET / HTTP/1.0\r\n\r\n").hostName == "")
    #expect(try read("GET http://b:1/ HTTP/1.0\r\n\r\n").host == "b:1")
    #expect(try read("GET http://b:1/ HTTP/1.0\r\n\r\n").hostName == "b")
  }

  @Test(arguments: [
    ("1.1", "", true), ("1.1", "close", false), ("1.1", "Keep-Alive", true), ("1.0", "", false),
    ("1.1", "close, keep-alive", false), ("1.0", "keep-alive", true), ("1.1", "x, CLOSE", false),
    ("1.0", "keep-alive, close", false), ("1.2", "", true), ("1.1", "closed", true),
  ])
  func `RFC 9112 §9.3: a connection persists unless one side says otherwise`(
    version: String, options: String, persists: Bool
  ) throws {
    let head = try read("GET / HTTP/\(version)\r\nHost: a\r\nConnection: \(options)\r\n\r\n")
    #expect(head.isPersistent == persists)
  }

  @Test func `options in several Connection fields count together`() throws {
    let head = try read(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-one\r\nX-One: 1\r\nX-Two: 2\r\nX-One: 3\r\n"
        + "Connection: close, X-TWO\r\nX-Three: 4\r\n\r\n")
    #expect(!head.isPersistent)
    #expect(head.fields.filter { !$0.isHopByHop }.map(\.name) == ["Host", "X-Three"])
  }

  @Test(arguments: FieldName.allCases)
  func `RFC 9110 §7.6.1: only fields for the next recipient stop here`(name: FieldName) throws {
    let stops: [FieldName] = [
      .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
      .http2Settings, .proxyAuthenticate, .proxyAuthorization,
    ]
    #expect(name.isHopByHop == stops.contains(name))
  }

  @Test(arguments: [
    ("POST", "1.1", "Content-Length: 1", true), ("POST", "1.1", "Content-Length: 0", false),
    ("GET", "1.1", "X: y", false), ("POST", "1.1", "Transfer-Encoding: chunked", true),
    ("POST", "1.0", "Content-Length: 1", false),
  ])
  func `RFC 9110 §10.1.1: 100 is awaited only with a body and in HTTP 1.1`(
    method: String, version: String, field: String, awaited: Bool
  ) throws {
    let head = try read(
      "\(method) / HTTP/\(version)\r\nHost: a\r\nExpect: 100-continue\r\n\(field)\r\n\r\n")
    #expect(head.expectsContinue == awaited)
  }

  @Test(
    arguments: [
      ("GET", "1.1", "Upgrade", "websocket", "websocket", true),
      ("GET", "1.1", "keep-alive, UPGRADE", "WebSocket", "WebSocket", true),
      ("GET", "1.1", "Upgrade", "h2c, websocket", "h2c, websocket", true),
      ("GET", "1.1", "Upgrade", "h2c", "h2c", false),
      ("GET", "1.1", "Upgrade", "websocket/13", "websocket/13", false),
      ("GET", "1.1", "Upgrade", "websockets", "websockets", false),
      ("GET", "1.1", "keep-alive", "websocket", nil, false),
      ("GET", "1.0", "Upgrade", "websocket", nil, false),
      ("POST", "1.1", "Upgrade", "websocket", "websocket", false),
    ] as [(String, String, String, String, String?, Bool)])
  func `RFC 9110 §7.8, RFC 6455 §4.1: an upgrade is asked for by a GET in HTTP 1.1`(
    method: String, version: String, options: String, protocols: String, upgrade: String?,
    isWebSocket: Bool
  ) throws {
    let head = try read(
      "\(method) / HTTP/\(version)\r\nHost: a\r\nConnection: \(options)\r\nUpgrade: \(protocols)"
        + "\r\n\r\n")
    #expect(head.upgrade == upgrade)
    #expect(head.upgradesToWebSocket == isWebSocket)
    #expect(head.field("Upgrade")?.isHopByHop == true)
  }

  @Test func `a body and an upgrade do not go together`() throws {
    let head = try read(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        + "Content-Length: 3\r\n\r\n")
    #expect(!head.upgradesToWebSocket)
  }

  @Test func `a head is read into the place of the one before`() throws {
    let first = Array(
      ("POST /x?y HTTP/1.0\r\nHost: b\r\nConnection: upgrade, keep-alive\r\nUpgrade: websocket\r\n"
        + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n").utf8)
    let second = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    var head = RequestHead()
    let readFirst = try head.parse(first.span, limits: HeadLimits())
    #expect(readFirst)
    let readSecond = try head.parse(second.span, limits: HeadLimits())
    #expect(readSecond)
    let summary = RequestSummary(head, second)
    #expect(try summary == read("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  }

  // MARK: Limits

  @Test func `a request line may be as long as its limit`() {
    let limits = HeadLimits(lineBytes: 20, headBytes: 100)
    let fits = "GET /" + String(repeating: "a", count: 6) + " HTTP/1.1"
    #expect(fits.utf8.count == 20)
    for prefix in ["", "\r\n"] {
      let head = prefix + fits + "\r\nHost: a\r\n\r\n"
      #expect(readRequest(head, limits: limits).failure == nil)
      let long =
        prefix + "GET /" + String(repeating: "a", count: 7) + " HTTP/1.1\r\nHost: a\r\n\r\n"
      #expect(readRequest(long, limits: limits).failure?.status == 414)
      // It is refused as soon as its end cannot come in time any more.
      let cut = prefix + "GET /" + String(repeating: "a", count: 17)
      #expect(readRequest(cut, limits: limits).failure?.status == 414)
      #expect(readRequest(String(cut.dropLast()), limits: limits).failure == nil)
    }
  }

  @Test func `a head may be as long as its limit`() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nA: bcd\r\n\r\n"
    #expect(head.utf8.count == 35)
    #expect(readRequest(head, limits: HeadLimits(headBytes: 35)).failure == nil)
    for limit in [34, 33, 28, 20] {
      let limits = HeadLimits(headBytes: limit)
      #expect(readRequest(head, limits: limits).failure?.status == 431, "\(limit)")
    }
    // A buffer of just that size, full of less than a head, must not wait for more.
    let cut = Array(head.utf8.dropLast())
    #expect(readRequest(cut, limits: HeadLimits(headBytes: 34)).failure?.status == 431)
    #expect(readRequest(cut, limits: HeadLimits(headBytes: 35)).failure == nil)
  }

  @Test func `a head may have as many fields as its limit`() {
    let limits = HeadLimits(fields: 3)
    #expect(readRequest(many(3), limits: limits).failure == nil)
    #expect(readRequest(many(4), limits: limits).failure?.status == 431)
    #expect(readRequest(many(256), limits: HeadLimits(fields: 256)).failure == nil)
    #expect(readRequest(many(257), limits: HeadLimits(fields: 256)).failure?.status == 431)
  }

  private func many(_ count: Int) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: count - 1) + "\r\n"
  }

  private func read(_ text: String) throws -> RequestSummary {
    try #require(try readRequest(text).get())
  }
}
